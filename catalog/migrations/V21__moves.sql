-- Tenants on their way from one database to another. Two databases cannot commit together, so each keeps its half of the truth:
-- the one that is left notes that it lets nobody in any more before the other commits, and the other notes the arrival in the
-- very transaction that brings the tenant. Whoever finds a doubt here asks there.

create table catalog.moves (
  organization_id uuid not null,
  token uuid not null,
  target text not null,
  target_id text not null,
  state text not null,
  begun_by text not null,
  begun_at timestamptz not null,
  paused_until timestamptz,
  moved_at timestamptz,
  constraint moves_pkey primary key (organization_id),
  constraint moves_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint moves_target_check check (char_length(target) between 1 and 500),
  constraint moves_state_check check (state in ('copying', 'doubt', 'moved')),
  constraint moves_paused_until_check check ((paused_until is null) = (state <> 'copying')),
  constraint moves_moved_at_check check ((moved_at is null) = (state <> 'moved'))
);
comment on table catalog.moves is 'Tenants that are leaving this database, or have left it, for another.';
comment on column catalog.moves.organization_id is 'The tenant.';
comment on column catalog.moves.token is 'Names this move; the other database keeps it in arrivals.';
comment on column catalog.moves.target is 'Host, port and name of the other database.';
comment on column catalog.moves.target_id is 'System identifier of the other cluster, and the database''s oid in it.';
comment on column catalog.moves.state is
  'copying: it can be read here, and not written until paused_until; doubt: nobody is served here until it is known whether it has arrived there; moved: it has.';
comment on column catalog.moves.begun_by is 'The actor, such as operator:<name>.';
comment on column catalog.moves.begun_at is 'When.';
comment on column catalog.moves.paused_until is 'Servers refuse writes until then at the longest; the move''s own locks are what keeps them out.';
comment on column catalog.moves.moved_at is 'When it was known to have arrived.';

-- No foreign key: whoever asks about a move enters its token too, and the tenant may never have come.
create table catalog.arrivals (
  token uuid not null,
  organization_id uuid not null,
  arrived_by text not null,
  arrived_at timestamptz not null,
  constraint arrivals_pkey primary key (token)
);
create index arrivals_organization_id_idx on catalog.arrivals (organization_id);
comment on table catalog.arrivals is 'Tenants that have come from another database, written in the transaction that brought them.';
comment on column catalog.arrivals.token is 'The move, as the other database''s table moves names it.';
comment on column catalog.arrivals.organization_id is 'The tenant; it may have left again, or be gone.';
comment on column catalog.arrivals.arrived_by is 'The actor, such as operator:<name>.';
comment on column catalog.arrivals.arrived_at is 'When.';

-- A schema that is on its way, or was left behind, is neither served nor migrated.
alter table catalog.tenant_schemas drop constraint tenant_schemas_state_check;
alter table catalog.tenant_schemas
  add constraint tenant_schemas_state_check check (state in ('ready', 'maintenance', 'moving', 'moved', 'dropped'));
comment on column catalog.tenant_schemas.state is
  'ready: served; maintenance: answered with 503; moving: the same until it is known in which database it is; moved: left behind, the tenant is served by another database; dropped: schema and roles are gone.';

-- Idempotency keys are counted under the schema's name, and a schema has another name in every database it comes to.
alter table catalog.tenant_schemas add column first_schema text;
comment on column catalog.tenant_schemas.first_schema is
  'The name of the schema in the database where the tenant was made, if that is not this one: its idempotency keys are counted under it.';

-- A tenant that has come back and is removed again leaves a second proof.
alter table catalog.erasures drop constraint erasures_organization_id_key;
create index erasures_organization_id_idx on catalog.erasures (organization_id);

create trigger moves_notify
  after insert or update or delete on catalog.moves for each row
  execute function catalog.notify_change('organization', 'organization_id');

-- The same as before, and how long nothing may be written.
drop function catalog.resolve_slug(text);
create function catalog.resolve_slug(slug text)
  returns table (
    organization_id uuid, kind text, status text,
    schema_name text, template_version integer, tenant_state text, first_schema text, paused_until timestamptz
  )
  language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$
    select o.id, o.kind, o.status, t.schema_name, t.template_version, t.state, coalesce(t.first_schema, t.schema_name), m.paused_until
    from catalog.organizations o
    left join catalog.tenant_schemas t on t.organization_id = o.id
    left join catalog.moves m on m.organization_id = o.id
    where o.slug = resolve_slug.slug and o.deleted_at is null
  $$;
comment on function catalog.resolve_slug(text) is
  'The organization that lives under a slug, and its tenant schema if it has one; until when nothing may be written to that.';
revoke execute on function catalog.resolve_slug(text) from public;
grant execute on function catalog.resolve_slug(text) to tenantry_server;

-- The server has no business with them, and is granted nothing; should it ever be, it sees its organization's.
alter table catalog.moves enable row level security;
alter table catalog.moves force row level security;
create policy moves_owner on catalog.moves to current_user using (true) with check (true);
create policy moves_server on catalog.moves to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
alter table catalog.arrivals enable row level security;
alter table catalog.arrivals force row level security;
create policy arrivals_owner on catalog.arrivals to current_user using (true) with check (true);
create policy arrivals_server on catalog.arrivals to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
