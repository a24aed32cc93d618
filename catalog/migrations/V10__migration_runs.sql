-- Migrations of the fleet: which run brought which tenant where, what failed and why, and what a run that was killed
-- has left to do. A pinned tenant waits.

alter table catalog.tenant_schemas
  add column pinned_version integer,
  add constraint tenant_schemas_pinned_version_check check (pinned_version >= 0);
comment on column catalog.tenant_schemas.pinned_version is 'The last template version it may be migrated to; null: any.';

create table catalog.migration_runs (
  id uuid not null,
  state text not null default 'open',
  target_version integer not null,
  max_failures integer,
  pause_ms bigint not null,
  started_by text not null,
  started_at timestamptz not null,
  resumed_by text,
  resumed_at timestamptz,
  ended_at timestamptz,
  constraint migration_runs_pkey primary key (id),
  constraint migration_runs_state_check check (state in ('open', 'finished', 'stopped', 'superseded')),
  constraint migration_runs_target_version_check check (target_version >= 0),
  constraint migration_runs_max_failures_check check (max_failures >= 0),
  constraint migration_runs_pause_ms_check check (pause_ms >= 0),
  constraint migration_runs_ended_at_check check ((state = 'open') = (ended_at is null))
);
create unique index migration_runs_one_open_key on catalog.migration_runs ((true)) where state = 'open';
create index migration_runs_started_at_idx on catalog.migration_runs (started_at);

comment on table catalog.migration_runs is 'Migrations of the fleet, one row for each time that `tenantry migrate` found something to do.';
comment on column catalog.migration_runs.id is 'UUID version 7, made by the application.';
comment on column catalog.migration_runs.state is 'open: it works, or was killed; finished: it tried every tenant; stopped: by failures or by hand, and can be resumed; superseded: another run was begun after it was killed or stopped.';
comment on column catalog.migration_runs.target_version is 'The template version it brings tenants to.';
comment on column catalog.migration_runs.max_failures is 'How many tenants of a wave may fail; null: none in the waves before the last, any number in the last.';
comment on column catalog.migration_runs.pause_ms is 'How long it waits between two waves, in milliseconds.';
comment on column catalog.migration_runs.started_by is 'Who began it, as in the audit log.';
comment on column catalog.migration_runs.started_at is 'When it was begun.';
comment on column catalog.migration_runs.resumed_by is 'Who took it up again last.';
comment on column catalog.migration_runs.resumed_at is 'When that was.';
comment on column catalog.migration_runs.ended_at is 'When it ended, in whatever way but being killed.';

create table catalog.migration_run_tenants (
  run_id uuid not null,
  organization_id uuid not null,
  wave integer not null,
  state text not null default 'planned',
  from_version integer not null,
  to_version integer not null,
  attempts integer not null default 0,
  sqlstate text,
  message text,
  statement text,
  started_at timestamptz,
  ended_at timestamptz,
  constraint migration_run_tenants_pkey primary key (run_id, organization_id),
  constraint migration_run_tenants_run_id_fkey foreign key (run_id) references catalog.migration_runs (id)
    on delete cascade,
  constraint migration_run_tenants_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint migration_run_tenants_wave_check check (wave >= 1),
  constraint migration_run_tenants_state_check check (state in ('planned', 'done', 'failed', 'skipped')),
  constraint migration_run_tenants_attempts_check check (attempts >= 0),
  constraint migration_run_tenants_message_check check ((state = 'failed') = (message is not null))
);
create index migration_run_tenants_organization_id_idx on catalog.migration_run_tenants (organization_id);

comment on table catalog.migration_run_tenants is 'What a run had to do, and what became of it. A tenant''s row changes in the transaction that migrates it.';
comment on column catalog.migration_run_tenants.run_id is 'The run.';
comment on column catalog.migration_run_tenants.organization_id is 'The tenant.';
comment on column catalog.migration_run_tenants.wave is 'The wave it is in, counted from one.';
comment on column catalog.migration_run_tenants.state is 'planned: its turn has not come; done: migrated; failed: rolled back; skipped: it was there already, by another hand.';
comment on column catalog.migration_run_tenants.from_version is 'Its template version when the run was planned.';
comment on column catalog.migration_run_tenants.to_version is 'The template version it is brought to.';
comment on column catalog.migration_run_tenants.attempts is 'How often it was tried; a lock that is not to be had is asked for again.';
comment on column catalog.migration_run_tenants.sqlstate is 'PostgreSQL''s code for why it failed, where PostgreSQL refused.';
comment on column catalog.migration_run_tenants.message is 'Why it failed.';
comment on column catalog.migration_run_tenants.statement is 'The statement of the template that failed.';
comment on column catalog.migration_run_tenants.started_at is 'When its last attempt began.';
comment on column catalog.migration_run_tenants.ended_at is 'When it was done, given up or skipped.';

alter table catalog.migration_run_tenants enable row level security;
alter table catalog.migration_run_tenants force row level security;
create policy migration_run_tenants_owner on catalog.migration_run_tenants to current_user using (true) with check (true);
create policy migration_run_tenants_server on catalog.migration_run_tenants to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
