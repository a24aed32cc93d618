-- Schemas that were built before anybody wanted them.

-- No foreign key: the organization is yet to be. Its id is given beforehand, because the schema bears its stamp.
create table catalog.spare_schemas (
  schema_name text not null,
  organization_id uuid not null,
  template_version integer not null,
  created_at timestamptz not null,
  constraint spare_schemas_pkey primary key (schema_name),
  constraint spare_schemas_organization_id_key unique (organization_id),
  constraint spare_schemas_schema_name_check check (schema_name ~ '^t_[0-9a-f]{32}$'),
  constraint spare_schemas_template_version_check check (template_version > 0)
);
create index spare_schemas_template_version_idx on catalog.spare_schemas (template_version, created_at);
comment on table catalog.spare_schemas is
  'Whole tenant schemas without a tenant. Who makes a tenant takes a row away and gives its schema to the organization of that id.';
comment on column catalog.spare_schemas.schema_name is 'Opaque name of the schema; roles <name>_rw and <name>_ro go with it.';
comment on column catalog.spare_schemas.organization_id is 'The id that the organization will have: the schema bears its stamp.';
comment on column catalog.spare_schemas.template_version is 'Number of the last template migration applied.';
comment on column catalog.spare_schemas.created_at is 'When it was built.';

-- The server has no business with it, and is granted nothing.
alter table catalog.spare_schemas enable row level security;
alter table catalog.spare_schemas force row level security;
create policy spare_schemas_owner on catalog.spare_schemas to current_user using (true) with check (true);
create policy spare_schemas_server on catalog.spare_schemas to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
