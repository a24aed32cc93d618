-- What a migration of the fleet was asked for, beside what it planned.

alter table catalog.migration_runs
  add column selection text,
  add constraint migration_runs_selection_check check (selection <> '');
comment on column catalog.migration_runs.selection is
  'Which tenants were asked for, as typed (--only …, --where …); null: all. The plan itself is in migration_run_tenants.';
