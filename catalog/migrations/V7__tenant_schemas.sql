-- Which schema is whose, and the one question that is asked before any organization is known.

create table catalog.tenant_schemas (
  organization_id uuid not null,
  organization_kind text not null,
  schema_name text not null,
  state text not null default 'ready',
  template_version integer not null,
  created_at timestamptz not null default now(),
  migrated_at timestamptz not null default now(),
  last_error text,
  constraint tenant_schemas_pkey primary key (organization_id),
  constraint tenant_schemas_schema_name_key unique (schema_name),
  -- With the check on the kind: only an organization that is a tenant has a schema.
  constraint tenant_schemas_organization_id_organization_kind_fkey foreign key (organization_id, organization_kind)
    references catalog.organizations (id, kind) on update cascade,
  constraint tenant_schemas_organization_kind_check check (organization_kind in ('client', 'standalone')),
  constraint tenant_schemas_schema_name_check check (schema_name ~ '^t_[0-9a-f]{32}$'),
  constraint tenant_schemas_state_check check (state in ('ready', 'maintenance', 'dropped')),
  constraint tenant_schemas_template_version_check check (template_version >= 0)
);
create index tenant_schemas_template_version_idx on catalog.tenant_schemas (template_version);

comment on table catalog.tenant_schemas is 'The schema of each tenant. Provisioning is one transaction, so a row means a whole schema.';
comment on column catalog.tenant_schemas.organization_id is 'The tenant.';
comment on column catalog.tenant_schemas.organization_kind is 'Its kind, client or standalone.';
comment on column catalog.tenant_schemas.schema_name is 'Opaque name of the schema, never changed and never reused; roles <name>_rw and <name>_ro go with it.';
comment on column catalog.tenant_schemas.state is 'ready: served; maintenance: answered with 503; dropped: schema and roles are gone.';
comment on column catalog.tenant_schemas.template_version is 'Number of the last template migration applied.';
comment on column catalog.tenant_schemas.created_at is 'When it was provisioned.';
comment on column catalog.tenant_schemas.migrated_at is 'When it reached template_version.';
comment on column catalog.tenant_schemas.last_error is 'Why the last migration failed; null after one that succeeded.';

create trigger tenant_schemas_notify
  after insert or update or delete on catalog.tenant_schemas for each row
  execute function catalog.notify_change('organization', 'organization_id');

alter table catalog.tenant_schemas enable row level security;
alter table catalog.tenant_schemas force row level security;
create policy tenant_schemas_owner on catalog.tenant_schemas to current_user using (true) with check (true);
create policy tenant_schemas_server on catalog.tenant_schemas to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

-- Security definer: the server asks before it knows which organization its transaction is for. It answers for one exact
-- label only, so nobody can list organizations with it.
create function catalog.resolve_slug(slug text)
  returns table (
    organization_id uuid, kind text, status text,
    schema_name text, template_version integer, tenant_state text
  )
  language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$
    select o.id, o.kind, o.status, t.schema_name, t.template_version, t.state
    from catalog.organizations o
    left join catalog.tenant_schemas t on t.organization_id = o.id
    where o.slug = resolve_slug.slug and o.deleted_at is null
  $$;
comment on function catalog.resolve_slug(text) is 'The organization that lives under a slug, and its tenant schema if it has one.';

revoke execute on function catalog.resolve_slug(text) from public;
grant execute on function catalog.resolve_slug(text) to tenantry_server;
grant select on catalog.tenant_schemas to tenantry_server;
