-- What the other migrations stand on: the scope of a session, the triggers several tables share, and the one
-- function every tenant schema calls from outside itself.
--
-- Made before this file runs: the schemas catalog and extensions, the extensions pg_trgm, btree_gist and unaccent in
-- the latter, and the login role tenantry_server. The role that runs this file owns what it makes; it need not be a
-- superuser.

comment on schema catalog is 'Who exists: organizations, users, memberships, sessions, keys. Shared by all tenants.';

-- Tenant roles and the server call extension functions; the schema holds nothing else.
grant usage on schema extensions to public;
grant usage on schema catalog to tenantry_server;

-- Before PostgreSQL 15 everybody could create objects in public. Managed services may not let us change that, and an
-- administrator may have dropped the schema, so ask first.
do $$
begin
  if exists (
    select from pg_catalog.pg_namespace n
    where n.nspname = 'public' and pg_catalog.pg_has_role(current_user, n.nspowner, 'usage')
  ) then
    revoke create on schema public from public;
  end if;
end
$$;

-- unaccent() is only stable, because it finds its dictionary by name. With dictionary and schema written out the answer
-- depends on the text alone, so generated columns and indexes may use it. The body is parsed here and now, so it works
-- under any search path, pg_restore's empty one included.
create or replace function extensions.immutable_unaccent(text) returns text
  language sql immutable strict parallel safe
  return extensions.unaccent('extensions.unaccent'::regdictionary, $1);
comment on function extensions.immutable_unaccent(text) is
  'Text without accents, for generated columns and indexes of tenant schemas.';

create function catalog.current_organization() returns uuid
  language sql stable parallel safe
  return nullif(pg_catalog.current_setting('tenantry.organization', true), '')::uuid;
comment on function catalog.current_organization() is
  'The organization this transaction works for (tenantry.organization), or null: row-level security compares with it.';

create function catalog.touch_updated_at() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
  as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function catalog.touch_updated_at() is 'Row trigger: updated_at is the time of the changing transaction.';

-- NOTIFY and LISTEN know no privileges: any login of the database may use any channel. A name nobody can guess keeps
-- tenants' logins from listening to what other tenants do and from making servers forget what they cached.
create table catalog.change_channel (
  name text not null default
    'tenantry_' || left(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 48),
  constraint change_channel_pkey primary key (name),
  constraint change_channel_name_check check (name ~ '^tenantry_[0-9a-f]{48}$')
);
create unique index change_channel_one_key on catalog.change_channel ((true));
insert into catalog.change_channel default values;
comment on table catalog.change_channel is 'The one row names the channel on which changes are told. Secret: only functions of the owner read it.';
comment on column catalog.change_channel.name is 'Random, made once for each database.';

-- Both are security definer because their callers must not learn the name. Neither holds it in its text or in the
-- text of a query: pg_proc and pg_stat_activity can be read by others.
create function catalog.notify_change() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
declare
  changed jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  perform pg_notify(c.name, tg_argv[0] || ':' || (changed ->> tg_argv[1])) from catalog.change_channel c;
  return null;
end
$$;
comment on function catalog.notify_change() is
  'Row trigger (kind, id column): tells servers to forget what they cached of kind:id.';

create function catalog.listen_to_changes() returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
begin
  execute (select format('listen %I', c.name) from catalog.change_channel c);
end
$$;
comment on function catalog.listen_to_changes() is 'Lets this session hear the notifications of notify_change().';

-- What was ended stays ended, also for whoever has stolen the server's login.
create function catalog.refuse_undoing() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
  as $$
begin
  raise exception '%.%: what is used or revoked stays so', tg_table_schema, tg_table_name
    using errcode = 'restrict_violation', constraint = tg_table_name || '_final',
      schema = tg_table_schema, table = tg_table_name;
end
$$;
comment on function catalog.refuse_undoing() is 'Row trigger: refuses the change its condition describes, whoever asks.';

revoke execute on all functions in schema catalog from public;
grant execute on function catalog.current_organization(), catalog.listen_to_changes() to tenantry_server;
