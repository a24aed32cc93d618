-- What a tenant may take: plans, exceptions for single tenants, and how much room each one takes.

create table catalog.plans (
  name text not null,
  in_flight bigint,
  statement_timeout_ms bigint,
  rows_per_request bigint,
  storage_soft_bytes bigint,
  storage_hard_bytes bigint,
  updated_at timestamptz not null,
  constraint plans_pkey primary key (name),
  constraint plans_name_check check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
  constraint plans_in_flight_check check (in_flight between 1 and 10000),
  constraint plans_statement_timeout_ms_check check (statement_timeout_ms between 10 and 3600000),
  constraint plans_rows_per_request_check check (rows_per_request between 1 and 10000),
  constraint plans_storage_soft_bytes_check check (storage_soft_bytes > 0),
  constraint plans_storage_hard_bytes_check check (storage_hard_bytes > 0),
  constraint plans_storage_check check (storage_soft_bytes <= storage_hard_bytes)
);
comment on table catalog.plans is
  'What tenants of a plan may take; null is no limit but the server''s own. The plan named default is that of tenants without one.';
comment on column catalog.plans.name is 'How operators call it.';
comment on column catalog.plans.in_flight is 'Requests at once on one server; one more is answered with 429.';
comment on column catalog.plans.statement_timeout_ms is 'How long one statement may run, in milliseconds, where that is shorter than the server''s.';
comment on column catalog.plans.rows_per_request is 'Records in one page of an answer, and in one insert.';
comment on column catalog.plans.storage_soft_bytes is 'From here on answers tell how much room is taken.';
comment on column catalog.plans.storage_hard_bytes is 'From here on only reading and deleting is allowed.';
comment on column catalog.plans.updated_at is 'When it was last set.';

create table catalog.tenant_plans (
  organization_id uuid not null,
  plan text,
  in_flight bigint,
  statement_timeout_ms bigint,
  rows_per_request bigint,
  storage_soft_bytes bigint,
  storage_hard_bytes bigint,
  updated_at timestamptz not null,
  constraint tenant_plans_pkey primary key (organization_id),
  constraint tenant_plans_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint tenant_plans_plan_fkey foreign key (plan) references catalog.plans (name),
  constraint tenant_plans_in_flight_check check (in_flight between 0 and 10000),
  constraint tenant_plans_statement_timeout_ms_check check (statement_timeout_ms = 0 or statement_timeout_ms between 10 and 3600000),
  constraint tenant_plans_rows_per_request_check check (rows_per_request between 0 and 10000),
  constraint tenant_plans_storage_soft_bytes_check check (storage_soft_bytes >= 0),
  constraint tenant_plans_storage_hard_bytes_check check (storage_hard_bytes >= 0)
);
create index tenant_plans_plan_idx on catalog.tenant_plans (plan);
comment on table catalog.tenant_plans is 'The plan of a tenant, and where it may take more or less than that: null is the plan''s limit, 0 is none.';
comment on column catalog.tenant_plans.organization_id is 'The tenant.';
comment on column catalog.tenant_plans.plan is 'Its plan; null is default.';
comment on column catalog.tenant_plans.in_flight is 'Instead of the plan''s.';
comment on column catalog.tenant_plans.statement_timeout_ms is 'Instead of the plan''s.';
comment on column catalog.tenant_plans.rows_per_request is 'Instead of the plan''s.';
comment on column catalog.tenant_plans.storage_soft_bytes is 'Instead of the plan''s.';
comment on column catalog.tenant_plans.storage_hard_bytes is 'Instead of the plan''s.';
comment on column catalog.tenant_plans.updated_at is 'When it was last set.';

create table catalog.tenant_sizes (
  organization_id uuid not null,
  bytes bigint not null,
  measured_at timestamptz not null,
  constraint tenant_sizes_pkey primary key (organization_id),
  constraint tenant_sizes_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint tenant_sizes_bytes_check check (bytes >= 0)
);
comment on table catalog.tenant_sizes is 'How much room tenants take, as it was last measured.';
comment on column catalog.tenant_sizes.organization_id is 'The tenant.';
comment on column catalog.tenant_sizes.bytes is 'Tables, indexes and out-of-line values of its schema on disk.';
comment on column catalog.tenant_sizes.measured_at is 'When.';

-- Security definer: the server asks with the question whose a slug is, before its transaction is for an organization.
create function catalog.tenant_limits(organization uuid)
  returns table (
    plan text, in_flight bigint, statement_timeout_ms bigint, rows_per_request bigint,
    storage_soft_bytes bigint, storage_hard_bytes bigint, storage_bytes bigint, storage_measured_at timestamptz
  )
  language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$
    select p.name,
           nullif(coalesce(t.in_flight, p.in_flight), 0),
           nullif(coalesce(t.statement_timeout_ms, p.statement_timeout_ms), 0),
           nullif(coalesce(t.rows_per_request, p.rows_per_request), 0),
           nullif(coalesce(t.storage_soft_bytes, p.storage_soft_bytes), 0),
           nullif(coalesce(t.storage_hard_bytes, p.storage_hard_bytes), 0),
           s.bytes, s.measured_at
    from (select tenant_limits.organization as id) o
    left join catalog.tenant_plans t on t.organization_id = o.id
    left join catalog.plans p on p.name = coalesce(t.plan, 'default')
    left join catalog.tenant_sizes s on s.organization_id = o.id
  $$;
comment on function catalog.tenant_limits(uuid) is 'What a tenant may take by its plan and its exceptions, and how much room it takes.';

-- Every measurement changes every row; servers need to hear of those that pass a limit only.
create function catalog.notify_storage() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
declare
  before bigint := case when tg_op = 'INSERT' then 0 else old.bytes end;
begin
  perform pg_notify(c.name, 'organization:' || new.organization_id)
  from catalog.change_channel c, catalog.tenant_limits(new.organization_id) l
  where (before >= l.storage_soft_bytes) is distinct from (new.bytes >= l.storage_soft_bytes)
     or (before >= l.storage_hard_bytes) is distinct from (new.bytes >= l.storage_hard_bytes);
  return null;
end
$$;
comment on function catalog.notify_storage() is 'Row trigger: tells servers that a tenant has passed a limit of its storage, up or down.';

-- The kind is one that servers know nothing about: they forget everything. Plans change seldom.
create trigger plans_notify
  after insert or update or delete on catalog.plans for each row
  execute function catalog.notify_change('plan', 'name');
create trigger tenant_plans_notify
  after insert or update or delete on catalog.tenant_plans for each row
  execute function catalog.notify_change('organization', 'organization_id');
create trigger tenant_sizes_notify
  after insert or update on catalog.tenant_sizes for each row
  execute function catalog.notify_storage();

-- The server has no business with the tables: it asks the function.
alter table catalog.plans enable row level security;
alter table catalog.plans force row level security;
create policy plans_owner on catalog.plans to current_user using (true) with check (true);
create policy plans_server on catalog.plans for select to tenantry_server using (true);
alter table catalog.tenant_plans enable row level security;
alter table catalog.tenant_plans force row level security;
create policy tenant_plans_owner on catalog.tenant_plans to current_user using (true) with check (true);
create policy tenant_plans_server on catalog.tenant_plans to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
alter table catalog.tenant_sizes enable row level security;
alter table catalog.tenant_sizes force row level security;
create policy tenant_sizes_owner on catalog.tenant_sizes to current_user using (true) with check (true);
create policy tenant_sizes_server on catalog.tenant_sizes to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

revoke execute on function catalog.tenant_limits(uuid), catalog.notify_storage() from public;
grant execute on function catalog.tenant_limits(uuid) to tenantry_server;
