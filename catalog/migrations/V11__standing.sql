-- Tenants that are held back, tenants on their way out, and what proves that one is gone.

create table catalog.suspensions (
  organization_id uuid not null,
  status_before text not null,
  reason text,
  suspended_by text not null,
  suspended_at timestamptz not null,
  constraint suspensions_pkey primary key (organization_id),
  constraint suspensions_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint suspensions_status_before_check check (status_before in ('trial', 'active')),
  constraint suspensions_reason_check check (char_length(reason) between 1 and 500)
);
comment on table catalog.suspensions is 'Why suspended organizations are, and what they return to.';
comment on column catalog.suspensions.organization_id is 'The organization, whose status is suspended, or was when it was dropped.';
comment on column catalog.suspensions.status_before is 'The status it had, and gets again.';
comment on column catalog.suspensions.reason is 'Why, in an operator''s words.';
comment on column catalog.suspensions.suspended_by is 'The actor, such as operator:<name>.';
comment on column catalog.suspensions.suspended_at is 'When.';

create table catalog.departures (
  organization_id uuid not null,
  status_before text not null,
  dropped_by text not null,
  dropped_at timestamptz not null,
  purge_after timestamptz not null,
  purge_begun_at timestamptz,
  row_counts jsonb,
  constraint departures_pkey primary key (organization_id),
  constraint departures_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint departures_status_before_check check (status_before in ('trial', 'active', 'suspended')),
  constraint departures_purge_after_check check (purge_after >= dropped_at),
  constraint departures_row_counts_check check (jsonb_typeof(row_counts) = 'object'),
  constraint departures_purge_check check ((purge_begun_at is null) = (row_counts is null))
);
create index departures_purge_after_idx on catalog.departures (purge_after);
comment on table catalog.departures is
  'Tenants that were dropped and can be brought back: whole until purge_after, and until a purge has begun.';
comment on column catalog.departures.organization_id is 'The tenant, whose status is cancelled.';
comment on column catalog.departures.status_before is 'The status it had, and gets when it is brought back.';
comment on column catalog.departures.dropped_by is 'The actor, such as operator:<name>.';
comment on column catalog.departures.dropped_at is 'When.';
comment on column catalog.departures.purge_after is 'The end of its grace: from then on schema and roles may be removed.';
comment on column catalog.departures.purge_begun_at is
  'When a purge in several transactions began; null before. From then on there is no way back, and the purge is to be finished.';
comment on column catalog.departures.row_counts is 'The rows of each table when that purge began.';

-- No foreign key: the proof outlives what it speaks of.
create table catalog.erasures (
  id uuid not null,
  organization_id uuid not null,
  slug text not null,
  erased_by text not null,
  erased_at timestamptz not null,
  record text not null,
  sha256 bytea not null,
  constraint erasures_pkey primary key (id),
  constraint erasures_organization_id_key unique (organization_id),
  constraint erasures_record_check check (jsonb_typeof(record::jsonb) = 'object'),
  constraint erasures_sha256_check check (sha256 = pg_catalog.sha256(convert_to(record, 'UTF8')))
);
comment on table catalog.erasures is 'Proof of what was erased with each tenant that is gone. Append-only.';
comment on column catalog.erasures.id is 'UUID version 7, made by the application.';
comment on column catalog.erasures.organization_id is 'The tenant that was.';
comment on column catalog.erasures.slug is 'The label it lived under.';
comment on column catalog.erasures.erased_by is 'The actor, such as operator:<name>.';
comment on column catalog.erasures.erased_at is 'When schema and roles were removed.';
comment on column catalog.erasures.record is 'What was erased: JSON, byte for byte as it was hashed.';
comment on column catalog.erasures.sha256 is 'SHA-256 of record. Who keeps a copy of it elsewhere can show that the record is unchanged.';

create trigger erasures_append_only
  before update or delete or truncate on catalog.erasures for each statement
  execute function catalog.refuse_rewriting();

-- The server has no business with any of them, and is granted nothing; should it ever be, it sees its organization's.
alter table catalog.suspensions enable row level security;
alter table catalog.suspensions force row level security;
create policy suspensions_owner on catalog.suspensions to current_user using (true) with check (true);
create policy suspensions_server on catalog.suspensions to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
alter table catalog.departures enable row level security;
alter table catalog.departures force row level security;
create policy departures_owner on catalog.departures to current_user using (true) with check (true);
create policy departures_server on catalog.departures to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
alter table catalog.erasures enable row level security;
alter table catalog.erasures force row level security;
create policy erasures_owner on catalog.erasures to current_user using (true) with check (true);
create policy erasures_server on catalog.erasures to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
