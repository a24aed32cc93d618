-- What every record gets by itself, whoever writes it: the API, an import or a DBA in psql.
--
-- Two rules for all trigger functions of the template:
--   * They reach other tables through tg_table_schema, never through the writer's search_path: the right tenant's
--     tables are meant even when a DBA names the schema from elsewhere, and a schema may be renamed.
--   * The actor comes from the transaction's setting tenantry.actor. Anybody can set that, so it is believed of the
--     server's login alone; in any other session it may only say which operator it is. Without one it is the login.

-- Keeps version, created_* and updated_*. A request cannot forge them. An operator may give the times, so
-- that an import keeps the dates of the system it came from; the actor and the version are never taken from
-- the row. Triggers of one kind fire in the order of their names: one that comes after this one finds in
-- updated_by who writes.
create function stamp_record() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
declare
    said text := coalesce(current_setting('tenantry.actor', true), '');
    actor text := case
        when session_user = 'tenantry_server' and said <> '' or starts_with(said, 'operator:') then said
        else 'operator:' || session_user
    end;
    is_operator boolean := starts_with(actor, 'operator:');
begin
    if tg_op = 'INSERT' then
        new.version := 1;
        new.created_by := actor;
        if not is_operator then
            new.created_at := now();
            new.updated_at := now();
        end if;
    else
        new.version := old.version + 1;
        new.created_by := old.created_by;
        if not is_operator then
            new.created_at := old.created_at;
        end if;
        if not is_operator or new.updated_at = old.updated_at then
            new.updated_at := now();
        end if;
    end if;
    new.updated_by := actor;
    return new;
end
$$;
comment on function stamp_record() is 'Trigger: keeps version, created_at, created_by, updated_at and updated_by.';

-- The bin. Deleting sets deleted_at; the records that fall with one, because their foreign key to it says `on delete
-- cascade`, get the same deletion_id, by which they are restored together. The API does all of that in one statement. In
-- psql an UPDATE of deleted_at marks a record alone, and one that makes it live again leaves the deletion it was part of:
create function leave_deletion() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.deletion_id := null;
    return new;
end
$$;
comment on function leave_deletion() is 'Trigger: a live record is part of no deletion.';

-- Keeps field_versions: the version at which each field last changed, for writes that are merged. Its triggers are named to
-- fire last ({table}_versions), so that what other triggers change is counted too. What every change changes is left out,
-- and so is the search vector, which PostgreSQL computes later. On a new record everything is of version 1.
create function stamp_fields() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.field_versions := case when tg_op = 'INSERT' then '{}' else old.field_versions || (
        select coalesce(jsonb_object_agg(n.key, new.version), '{}')
          from jsonb_each(to_jsonb(new)) n cross join (select to_jsonb(old) as fields) o
         where n.value is distinct from o.fields -> n.key
           and n.key not in ('version', 'field_versions', 'updated_at', 'updated_by', 'search')) end;
    return new;
end
$$;
comment on function stamp_fields() is 'Trigger: keeps field_versions.';
