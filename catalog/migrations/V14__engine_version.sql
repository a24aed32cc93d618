-- The engine's own tables in a tenant's schema have a version of their own, so that what is to be done at a fleet is known
-- without a look at any schema.

alter table catalog.tenant_schemas
  add column engine_version integer not null default 0,
  add constraint tenant_schemas_engine_version_check check (engine_version >= 0);
comment on column catalog.tenant_schemas.engine_version is
  'The version of the engine''s own tables in the schema: 0 none, 1 with the answers kept for idempotency keys.';

update catalog.tenant_schemas t set engine_version = 1
 where exists (
   select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = t.schema_name and c.relname = '_idempotency_keys');
