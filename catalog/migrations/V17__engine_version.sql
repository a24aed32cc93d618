-- The engine's own tables in a tenant's schema have a version of their own, so that what is to be done at a fleet is known
-- without a look at any schema.

alter table catalog.tenant_schemas
  add column engine_version integer not null default 0,
  add constraint tenant_schemas_engine_version_check check (engine_version >= 0);
comment on column catalog.tenant_schemas.engine_version is
  'The version of the engine''s own tables in the schema: 0 none, 1 with the answers kept for idempotency keys, 2 with the mark of the template version.';

update catalog.tenant_schemas t set engine_version = case when m.relname = '_template_version_' || t.template_version then 2 else 1 end
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = '_idempotency_keys'
  join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
  join pg_catalog.pg_class m on m.oid = i.indexrelid
 where n.nspname = t.schema_name;
