-- What was done to organizations, people and keys, by whom and from where. Rows are written once.

-- No foreign keys: the record outlives what it speaks of.
create table catalog.catalog_audit_logs (
  id uuid not null,
  organization_id uuid,
  actor text not null,
  event_type text not null,
  entity_type text not null,
  entity_id text not null,
  changes jsonb not null default '{}',
  ip inet,
  user_agent text,
  request_id text,
  created_at timestamptz not null default now(),
  constraint catalog_audit_logs_pkey primary key (id),
  constraint catalog_audit_logs_event_type_check check (event_type ~ '^[a-z_]+\.[a-z_]+$'),
  constraint catalog_audit_logs_changes_check check (jsonb_typeof(changes) = 'object')
);
create index catalog_audit_logs_organization_id_created_at_idx on catalog.catalog_audit_logs (organization_id, created_at);
create index catalog_audit_logs_entity_type_entity_id_idx on catalog.catalog_audit_logs (entity_type, entity_id);

comment on table catalog.catalog_audit_logs is 'What was done in the catalog. Append-only.';
comment on column catalog.catalog_audit_logs.id is 'UUID version 7, made by the application.';
comment on column catalog.catalog_audit_logs.organization_id is 'The organization it concerns; null: none in particular.';
comment on column catalog.catalog_audit_logs.actor is 'Who did it: user:<id>, key:<id> or operator:<name>.';
comment on column catalog.catalog_audit_logs.event_type is 'What was done, as thing.verb, such as organization.created.';
comment on column catalog.catalog_audit_logs.entity_type is 'Kind of the thing it was done to.';
comment on column catalog.catalog_audit_logs.entity_id is 'Id of the thing it was done to.';
comment on column catalog.catalog_audit_logs.changes is 'What changed; an object that never holds a secret.';
comment on column catalog.catalog_audit_logs.ip is 'Address of the request.';
comment on column catalog.catalog_audit_logs.user_agent is 'Program of the request.';
comment on column catalog.catalog_audit_logs.request_id is 'Id of the request, as in answers and logs.';
comment on column catalog.catalog_audit_logs.created_at is 'When it was done.';

create function catalog.refuse_rewriting() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
  as $$
begin
  raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only',
      schema = tg_table_schema, table = tg_table_name;
end
$$;
comment on function catalog.refuse_rewriting() is 'Statement trigger: refuses whatever changes or removes rows, whoever asks.';

create trigger catalog_audit_logs_append_only
  before update or delete or truncate on catalog.catalog_audit_logs for each statement
  execute function catalog.refuse_rewriting();

alter table catalog.catalog_audit_logs enable row level security;
alter table catalog.catalog_audit_logs force row level security;
create policy catalog_audit_logs_owner on catalog.catalog_audit_logs to current_user using (true) with check (true);
-- Operators act through the owner's login: a line of theirs that the server writes would be forged.
create policy catalog_audit_logs_server on catalog.catalog_audit_logs to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization() and actor not like 'operator:%');

revoke execute on function catalog.refuse_rewriting() from public;
grant select, insert on catalog.catalog_audit_logs to tenantry_server;
