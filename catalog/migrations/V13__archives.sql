-- Tenants whose schema is in a file: what is left of one here says where, and how to know the file again.

create table catalog.archives (
  organization_id uuid not null,
  status_before text not null,
  location text not null,
  sha256 text not null,
  content text not null,
  bytes bigint not null,
  row_count bigint not null,
  template_version integer not null,
  archived_by text not null,
  archived_at timestamptz not null,
  constraint archives_pkey primary key (organization_id),
  constraint archives_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint archives_status_before_check check (status_before in ('trial', 'active', 'suspended')),
  constraint archives_location_check check (char_length(location) between 1 and 4096),
  constraint archives_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
  constraint archives_content_check check (content ~ '^[0-9a-f]{64}$'),
  constraint archives_bytes_check check (bytes > 0),
  constraint archives_row_count_check check (row_count >= 0)
);
comment on table catalog.archives is
  'Tenants whose schema was written into a container and removed. Everything else of theirs is kept; they are not served.';
comment on column catalog.archives.organization_id is 'The tenant, whose status is cancelled and whose schema is dropped.';
comment on column catalog.archives.status_before is 'The status it had, and gets when it is brought back.';
comment on column catalog.archives.location is 'Where the container was written: an absolute path on the operator''s machine.';
comment on column catalog.archives.sha256 is 'SHA-256 of the container''s file: no other brings the tenant back.';
comment on column catalog.archives.content is 'Content hash of the tenant.';
comment on column catalog.archives.bytes is 'Length of the container.';
comment on column catalog.archives.row_count is 'Records in it.';
comment on column catalog.archives.template_version is 'The version of the template that it has.';
comment on column catalog.archives.archived_by is 'The actor, such as operator:<name>.';
comment on column catalog.archives.archived_at is 'When the schema was removed.';

-- The server has no business with it, and is granted nothing; should it ever be, it sees its organization's.
alter table catalog.archives enable row level security;
alter table catalog.archives force row level security;
create policy archives_owner on catalog.archives to current_user using (true) with check (true);
create policy archives_server on catalog.archives to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
