-- Keys of programs, and the keys that sign access tokens.

create table catalog.api_keys (
  id uuid not null,
  organization_id uuid not null,
  name text not null,
  prefix text not null,
  key_sha256 bytea not null,
  scopes text[] not null,
  created_by text not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  constraint api_keys_pkey primary key (id),
  constraint api_keys_key_sha256_key unique (key_sha256),
  constraint api_keys_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint api_keys_name_check check (char_length(name) between 1 and 200),
  constraint api_keys_prefix_check check (char_length(prefix) between 1 and 32),
  constraint api_keys_key_sha256_check check (octet_length(key_sha256) = 32),
  constraint api_keys_scopes_check check (cardinality(scopes) > 0 and array_position(scopes, null) is null)
);
create index api_keys_organization_id_idx on catalog.api_keys (organization_id);

comment on table catalog.api_keys is 'Keys by which programs use one organization''s API.';
comment on column catalog.api_keys.id is 'UUID version 7, made by the application.';
comment on column catalog.api_keys.organization_id is 'The organization: worthless on any other''s host.';
comment on column catalog.api_keys.name is 'What people call it.';
comment on column catalog.api_keys.prefix is 'The beginning of the key, to recognise it by.';
comment on column catalog.api_keys.key_sha256 is 'SHA-256 of the whole key, which is shown once.';
comment on column catalog.api_keys.scopes is 'What it may do; at least one.';
comment on column catalog.api_keys.created_by is 'The actor who made it, such as user:<id> or operator:<name>.';
comment on column catalog.api_keys.expires_at is 'When it ends; null: never by itself.';
comment on column catalog.api_keys.last_used_at is 'When it was last used, roughly.';
comment on column catalog.api_keys.revoked_at is 'When it was made void; null while it may be used.';
comment on column catalog.api_keys.created_at is 'When it was made.';

create trigger api_keys_notify_on_update
  after update of organization_id, key_sha256, scopes, expires_at, revoked_at on catalog.api_keys for each row
  when ((old.organization_id, old.key_sha256, old.scopes, old.expires_at, old.revoked_at)
    is distinct from (new.organization_id, new.key_sha256, new.scopes, new.expires_at, new.revoked_at))
  execute function catalog.notify_change('key', 'id');
create trigger api_keys_notify_on_delete
  after delete on catalog.api_keys for each row
  execute function catalog.notify_change('key', 'id');

alter table catalog.api_keys enable row level security;
alter table catalog.api_keys force row level security;
create policy api_keys_owner on catalog.api_keys to current_user using (true) with check (true);
create policy api_keys_server on catalog.api_keys to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

grant select, update (last_used_at) on catalog.api_keys to tenantry_server;

create table catalog.jwks (
  kid text not null,
  alg text not null,
  public_jwk jsonb not null,
  private_sealed bytea not null,
  sealing_key_id text not null,
  not_before timestamptz not null,
  retired_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  constraint jwks_pkey primary key (kid),
  constraint jwks_kid_check check (char_length(kid) between 1 and 128),
  -- The private members of RFC 7518, section 6: none of them may be published.
  constraint jwks_public_jwk_check check (
    jsonb_typeof(public_jwk) = 'object'
    and not (public_jwk ?| array['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
  ),
  constraint jwks_expires_at_check check (expires_at > not_before)
);
comment on table catalog.jwks is 'Keys that sign access tokens. Several overlap while one takes over from another.';
comment on column catalog.jwks.kid is 'Key id, as tokens name it (RFC 7517, section 4.5).';
comment on column catalog.jwks.alg is 'Signature algorithm (RFC 7518, section 3.1).';
comment on column catalog.jwks.public_jwk is 'The public part, as it is published.';
comment on column catalog.jwks.private_sealed is 'The private part, encrypted under a key from the server''s environment.';
comment on column catalog.jwks.sealing_key_id is 'Which key of that environment opens it.';
comment on column catalog.jwks.not_before is 'Signs nothing before.';
comment on column catalog.jwks.retired_at is 'Signs nothing from then on, but still verifies; null while it signs.';
comment on column catalog.jwks.expires_at is 'Verifies nothing from then on; null until it is retired.';
comment on column catalog.jwks.created_at is 'When it was made.';

create trigger jwks_notify
  after insert or update or delete on catalog.jwks for each row
  execute function catalog.notify_change('signing_key', 'kid');

grant select on catalog.jwks to tenantry_server;
