-- Locks that nobody but the owner can take. An advisory lock has a number, and every login may take every number: a tenant's
-- psql could keep the whole fleet from being migrated.

create table catalog.migration_guard (
  id boolean not null default true,
  constraint migration_guard_pkey primary key (id),
  constraint migration_guard_id_check check (id)
);
comment on table catalog.migration_guard is
  'Locked by whoever works on a run of migrations, as long as the program lives. It has no rows.';
comment on column catalog.migration_guard.id is 'Nothing: the table is there to be locked.';

create function catalog.try_migration_guard() returns boolean
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  lock table catalog.migration_guard in exclusive mode nowait;
  return true;
exception when lock_not_available then
  return false;
end
$$;
revoke all on function catalog.try_migration_guard() from public;
comment on function catalog.try_migration_guard() is
  'Takes the right to work on a run of migrations until the transaction ends; false if somebody else has it.';
