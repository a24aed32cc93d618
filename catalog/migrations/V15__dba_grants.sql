-- Logins of people: which may see which tenant. The row is the grant: triggers keep PostgreSQL's memberships and rights
-- in step with it, so that neither is there without the other.

create table catalog.dba_grants (
  organization_id uuid not null,
  role_name text not null,
  reach text not null,
  granted_by text not null,
  granted_at timestamptz not null,
  constraint dba_grants_pkey primary key (organization_id, role_name),
  constraint dba_grants_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint dba_grants_reach_check check (reach in ('rw', 'ro')),
  constraint dba_grants_role_name_check check (role_name <> '' and octet_length(role_name) <= 63)
);
create index dba_grants_role_name_idx on catalog.dba_grants (role_name);
comment on table catalog.dba_grants is 'Roles of people (logins, or groups of them) that may assume a tenant''s role. Gone when the tenant is dropped.';
comment on column catalog.dba_grants.organization_id is 'The tenant.';
comment on column catalog.dba_grants.role_name is 'The role, by its name. One that is made anew under this name is not granted anything by this row.';
comment on column catalog.dba_grants.reach is 'rw: what the tenant''s API may do; ro: look. The role is a member of the tenant''s role of that ending.';
comment on column catalog.dba_grants.granted_by is 'The actor, such as operator:<name>.';
comment on column catalog.dba_grants.granted_at is 'When.';

alter table catalog.dba_grants enable row level security;
alter table catalog.dba_grants force row level security;
create policy dba_grants_owner on catalog.dba_grants to current_user using (true) with check (true);
create policy dba_grants_server on catalog.dba_grants to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

-- Security definer: who asks has no right on the tables. It answers about the one who is logged in (session_user, which
-- no `set role` changes), and wants both: the row, and the membership.
create function catalog.granted_tenant(slug text)
  returns table (schema_name text, reach text)
  language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$
    select t.schema_name, g.reach
    from catalog.dba_grants g
    join catalog.organizations o on o.id = g.organization_id
    join catalog.tenant_schemas t on t.organization_id = g.organization_id
    join pg_catalog.pg_roles person on person.rolname = g.role_name
    join pg_catalog.pg_roles assumed on assumed.rolname = t.schema_name || '_' || g.reach
    where o.slug = granted_tenant.slug and o.deleted_at is null and o.status <> 'cancelled' and t.state <> 'dropped'
      and pg_catalog.pg_has_role(session_user, person.oid, 'member')
      and pg_catalog.pg_has_role(session_user, assumed.oid, 'member')
    order by g.reach desc limit 1
  $$;
comment on function catalog.granted_tenant(text) is 'The schema that lives under a slug, if whoever is logged in was granted it.';

-- Security invoker: a definer's function may not change the role, and this one needs no right but that of whoever calls
-- it. A tenant that is not granted and one that is not there are one and the same error.
create function catalog.use_tenant(slug text) returns text
  language plpgsql
  as $$
declare
  granted record;
begin
  select g.schema_name, g.reach into granted from catalog.granted_tenant(use_tenant.slug) g;
  if granted.schema_name is null then
    raise exception 'no tenant "%" is granted to %', slug, session_user using errcode = 'insufficient_privilege';
  end if;
  perform pg_catalog.set_config('search_path', pg_catalog.format('%s, extensions, pg_temp', granted.schema_name), false);
  perform pg_catalog.set_config('role', pg_catalog.format('%s_%s', granted.schema_name, granted.reach), false);
  return slug;
end
$$;
comment on function catalog.use_tenant(text) is
  'Sets role and search_path of the session to those of a tenant that is granted. To go on to another: reset role, and again.';

create view catalog.tenants with (security_barrier) as
  select o.slug, o.name, o.status, o.kind, t.schema_name as schema, t.template_version as version,
    t.migrated_at as last_migration, t.last_error,
    (select coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = t.schema_name and c.relkind in ('r', 'm')) as size_bytes
  from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id
  where t.state <> 'dropped' and o.deleted_at is null
    and (exists (
        select from pg_catalog.pg_namespace n
        where n.nspname = 'catalog' and pg_catalog.pg_has_role(session_user, n.nspowner, 'member'))
      or o.status <> 'cancelled' and exists (
        select from catalog.dba_grants g join pg_catalog.pg_roles r on r.rolname = g.role_name
        where g.organization_id = o.id and pg_catalog.pg_has_role(session_user, r.oid, 'member')));
comment on view catalog.tenants is 'Tenants for people at psql: all of them for the owner, those that are granted for everybody else.';
comment on column catalog.tenants.slug is 'The label it lives under; what catalog.use_tenant takes.';
comment on column catalog.tenants.name is 'The name people read.';
comment on column catalog.tenants.status is 'trial, active, suspended or cancelled (dropped, and in its grace).';
comment on column catalog.tenants.kind is 'client or standalone.';
comment on column catalog.tenants.schema is 'The name of its schema.';
comment on column catalog.tenants.version is 'The template version it is at.';
comment on column catalog.tenants.last_migration is 'When it reached that.';
comment on column catalog.tenants.last_error is 'Why its last migration failed; null after one that succeeded.';
comment on column catalog.tenants.size_bytes is 'What its tables and their indexes take on disk. Looked up only where it is asked for.';

create function catalog.apply_dba_grant() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
  as $$
declare
  before text;
begin
  if tg_op <> 'INSERT' then
    select t.schema_name || '_' || old.reach into before
      from catalog.tenant_schemas t where t.organization_id = old.organization_id;
    -- Either role may be gone: the tenant's by a purge, the person's by hand.
    if exists (select from pg_roles where rolname = before) and exists (select from pg_roles where rolname = old.role_name) then
      execute format('revoke %I from %I', before, old.role_name);
    end if;
  end if;
  if tg_op <> 'DELETE' then
    execute format('grant %I to %I',
      (select t.schema_name || '_' || new.reach from catalog.tenant_schemas t where t.organization_id = new.organization_id),
      new.role_name);
    execute format('grant usage on schema catalog to %I', new.role_name);
    execute format('grant execute on function catalog.use_tenant(text), catalog.granted_tenant(text) to %I', new.role_name);
    execute format('grant select on catalog.tenants to %I', new.role_name);
  elsif exists (select from pg_roles where rolname = old.role_name)
    and not exists (select from catalog.dba_grants g where g.role_name = old.role_name)
  then
    execute format('revoke all on catalog.tenants from %I', old.role_name);
    execute format('revoke all on function catalog.use_tenant(text), catalog.granted_tenant(text) from %I', old.role_name);
    execute format('revoke all on schema catalog from %I', old.role_name);
  end if;
  return null;
end
$$;
comment on function catalog.apply_dba_grant() is
  'Row trigger: memberships and rights follow the rows of dba_grants; with the last row of a role its way into the catalog ends.';
create trigger dba_grants_apply
  after insert or update or delete on catalog.dba_grants for each row
  execute function catalog.apply_dba_grant();

revoke execute on function catalog.granted_tenant(text), catalog.use_tenant(text), catalog.apply_dba_grant() from public;
