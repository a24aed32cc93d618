-- Signed-in devices and the refresh tokens that keep them signed in. A session is also the family of its tokens: reuse
-- of a spent token revokes the session.

create table catalog.sessions (
  id uuid not null,
  user_id uuid not null,
  organization_id uuid not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ip inet,
  user_agent text,
  revoked_at timestamptz,
  revoked_reason text,
  constraint sessions_pkey primary key (id),
  constraint sessions_id_organization_id_user_id_key unique (id, organization_id, user_id),
  constraint sessions_user_id_fkey foreign key (user_id) references catalog.users (id) on delete cascade,
  constraint sessions_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint sessions_expires_at_check check (expires_at > created_at),
  constraint sessions_user_agent_check check (char_length(user_agent) <= 512),
  constraint sessions_revoked_check check (revoked_reason is null or revoked_at is not null)
);
create index sessions_user_id_idx on catalog.sessions (user_id);
create index sessions_organization_id_idx on catalog.sessions (organization_id);
create index sessions_expires_at_idx on catalog.sessions (expires_at);

comment on table catalog.sessions is 'Signed-in devices.';
comment on column catalog.sessions.id is 'UUID version 7, made by the application; access tokens carry it.';
comment on column catalog.sessions.user_id is 'Who is signed in.';
comment on column catalog.sessions.organization_id is 'Where: worthless on any other organization''s host.';
comment on column catalog.sessions.created_at is 'When the person signed in.';
comment on column catalog.sessions.last_seen_at is 'When the session was last refreshed.';
comment on column catalog.sessions.expires_at is 'When it ends whatever happens.';
comment on column catalog.sessions.ip is 'Address the person signed in from.';
comment on column catalog.sessions.user_agent is 'Program the person signed in with.';
comment on column catalog.sessions.revoked_at is 'When it was ended early; null while it may be used.';
comment on column catalog.sessions.revoked_reason is 'Why it was ended early, such as sign_out or refresh_token_reuse.';

create trigger sessions_notify_on_update
  after update of expires_at, revoked_at on catalog.sessions for each row
  when ((old.expires_at, old.revoked_at) is distinct from (new.expires_at, new.revoked_at))
  execute function catalog.notify_change('session', 'id');
create trigger sessions_final
  before update of revoked_at on catalog.sessions for each row
  when (old.revoked_at is not null and new.revoked_at is null)
  execute function catalog.refuse_undoing();
create trigger sessions_notify_on_delete
  after delete on catalog.sessions for each row
  execute function catalog.notify_change('session', 'id');

create table catalog.refresh_tokens (
  id uuid not null,
  session_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  token_sha256 bytea not null,
  rotated_from uuid,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  constraint refresh_tokens_pkey primary key (id),
  constraint refresh_tokens_token_sha256_key unique (token_sha256),
  constraint refresh_tokens_rotated_from_key unique (rotated_from),
  -- Organization and person are the session's: a token cannot cross over.
  constraint refresh_tokens_session_id_organization_id_user_id_fkey foreign key (session_id, organization_id, user_id)
    references catalog.sessions (id, organization_id, user_id) on delete cascade,
  constraint refresh_tokens_rotated_from_fkey foreign key (rotated_from)
    references catalog.refresh_tokens (id) on delete set null,
  constraint refresh_tokens_token_sha256_check check (octet_length(token_sha256) = 32),
  constraint refresh_tokens_rotated_from_check check (rotated_from <> id),
  constraint refresh_tokens_expires_at_check check (expires_at > issued_at)
);
create index refresh_tokens_session_id_idx on catalog.refresh_tokens (session_id);

comment on table catalog.refresh_tokens is 'Refresh tokens, each good for one use; the next one replaces it.';
comment on column catalog.refresh_tokens.id is 'UUID version 7, made by the application.';
comment on column catalog.refresh_tokens.session_id is 'The session, which is the family of tokens.';
comment on column catalog.refresh_tokens.organization_id is 'The session''s organization.';
comment on column catalog.refresh_tokens.user_id is 'The session''s person.';
comment on column catalog.refresh_tokens.token_sha256 is 'SHA-256 of the 256 random bits that were handed out.';
comment on column catalog.refresh_tokens.rotated_from is 'The token this one replaced; one token is replaced once.';
comment on column catalog.refresh_tokens.issued_at is 'When it was handed out.';
comment on column catalog.refresh_tokens.expires_at is 'When it ends unused.';
comment on column catalog.refresh_tokens.used_at is 'When it was exchanged; a second attempt is reuse.';
comment on column catalog.refresh_tokens.revoked_at is 'When it was made void.';

create trigger refresh_tokens_final
  before update of used_at, revoked_at on catalog.refresh_tokens for each row
  when ((old.used_at is not null and new.used_at is null) or (old.revoked_at is not null and new.revoked_at is null))
  execute function catalog.refuse_undoing();

alter table catalog.sessions enable row level security;
alter table catalog.sessions force row level security;
create policy sessions_owner on catalog.sessions to current_user using (true) with check (true);
create policy sessions_server on catalog.sessions to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

alter table catalog.refresh_tokens enable row level security;
alter table catalog.refresh_tokens force row level security;
create policy refresh_tokens_owner on catalog.refresh_tokens to current_user using (true) with check (true);
create policy refresh_tokens_server on catalog.refresh_tokens to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

grant select, insert, update (last_seen_at, expires_at, revoked_at, revoked_reason)
  on catalog.sessions to tenantry_server;
grant select, insert, update (used_at, revoked_at) on catalog.refresh_tokens to tenantry_server;
