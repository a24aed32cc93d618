//! The faults.

/// A fault and all that should be said of it.
pub(super) struct Fault {
    /// What makes it. `{a}` and `{b}` are schemas of tenants.
    pub(super) make: &'static str,
    /// All that is found, in few words.
    pub(super) found: &'static str,
    /// What unmakes it, where the doctor does not.
    pub(super) unmake: &'static str,
}

const fn mended(make: &'static str, found: &'static str) -> Fault {
    Fault {
        make,
        found,
        unmake: "",
    }
}

const fn told(make: &'static str, found: &'static str, unmake: &'static str) -> Fault {
    Fault { make, found, unmake }
}

/// One that the statements which are shown would mend.
const fn shown(make: &'static str, found: &'static str) -> Fault {
    told(make, found, AS_SHOWN)
}

/// Instead of statements: those that are shown.
pub(super) const AS_SHOWN: &str = "as shown";

pub(super) const NOBODYS: &str = "t_00000000000070000000000000000abc";

pub(super) const FAULTS: &[Fault] = &[
    told(
        "alter schema {a} rename to elsewhere",
        "missing-schemas error acme -",
        "alter schema elsewhere rename to {a}",
    ),
    mended(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int)",
        "orphan-schemas error - --fix --yes",
    ),
    told("create schema {o}", "orphan-schemas error - by hand", "drop schema {o}"),
    told(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int primary key); create schema mine;
         create view mine.v as select id from {o}.x",
        "orphan-schemas error - by hand",
        "drop schema {o}, mine cascade",
    ),
    told(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int primary key); create schema mine;
         create table mine.y (id int references {o}.x)",
        "orphan-schemas error - by hand",
        "drop schema {o}, mine cascade",
    ),
    told(
        "create schema {o} authorization tenantry_owner; do $$ begin execute format('comment on schema {o} is %L',
           obj_description('{a}'::regnamespace, 'pg_namespace')); end $$",
        "orphan-schemas error - by hand",
        "drop schema {o}",
    ),
    mended(
        "create schema t_00000000000000000000000000000000 authorization tenantry_owner",
        "scratch warn - --fix",
    ),
    mended("drop owned by {a}_ro; drop role {a}_ro", "roles error acme --fix"),
    mended("drop owned by {a}_ro, {a}_rw; drop role {a}_ro, {a}_rw", "roles error acme --fix"),
    mended("alter role {a}_rw login", "roles error acme --fix"),
    mended("alter role {a}_ro inherit", "roles error acme --fix"),
    mended("alter role {a}_ro createdb createrole", "roles error acme --fix"),
    told(
        "alter role {a}_ro bypassrls",
        "roles error acme by hand",
        "alter role {a}_ro nobypassrls",
    ),
    mended("revoke {a}_rw from tenantry_server", "roles error acme --fix"),
    mended("create role {o}_rw", "orphan-roles warn - --fix --yes"),
    told("create role {o}_other", "orphan-roles warn - -", "drop role {o}_other"),
    mended(
        "create role {a}_psql_00000001 login valid until '2001-01-01' in role {a}_ro",
        "psql-logins warn - --fix",
    ),
    mended(
        "create role {o}_psql_00000001 login valid until '-infinity'",
        "psql-logins warn - --fix",
    ),
    mended(
        "create role tenantry_sql_00000001 login valid until '2001-01-01'",
        "psql-logins warn - --fix",
    ),
    mended("comment on schema {a} is 'Mine.'", "stamps error acme --fix"),
    mended("comment on schema {a} is null", "stamps error acme --fix"),
    told(
        "do $$ begin execute format('comment on schema {a} is %L',
           obj_description('{b}'::regnamespace, 'pg_namespace')); end $$",
        "stamps error acme by hand",
        "comment on schema {a} is '{stamp}'",
    ),
    told(
        "update catalog.tenant_schemas set template_version = 7 where schema_name = '{a}'",
        "history error acme -",
        "update catalog.tenant_schemas set template_version = (select max(version) from {a}.refinery_schema_history) where schema_name = '{a}'",
    ),
    told(
        "update catalog.tenant_schemas set template_version = 99 where schema_name = '{a}'",
        "history warn acme -",
        "update catalog.tenant_schemas set template_version = (select max(version) from {a}.refinery_schema_history) where schema_name = '{a}'",
    ),
    told(
        "alter table {a}.refinery_schema_history add old text;
         update {a}.refinery_schema_history set old = checksum, checksum = '1' where version = 3",
        "history error acme -",
        "update {a}.refinery_schema_history set checksum = old where version = 3;
         alter table {a}.refinery_schema_history drop old",
    ),
    told(
        "update {a}.refinery_schema_history set version = 30 where version = 3;
         update {a}.refinery_schema_history set version = 3, name = name || '!' where version = 30",
        "history error acme -",
        "update {a}.refinery_schema_history set name = trim('!' from name)",
    ),
    told(
        "create schema mine; alter table {a}.refinery_schema_history set schema mine",
        "history error acme -",
        "alter table mine.refinery_schema_history set schema {a}; drop schema mine",
    ),
    mended("grant delete on {a}.members to {a}_rw", "grants error acme --fix"),
    mended("revoke select on {a}.companies from {a}_ro", "grants error acme --fix"),
    mended("revoke all on {a}.companies from {a}_ro, {a}_rw", "grants error acme --fix"),
    mended("grant select on {a}.companies to public", "grants error acme --fix"),
    mended("grant select (email) on {a}.contacts to {a}_ro", "grants error acme --fix"),
    mended("revoke usage on schema {a} from {a}_rw", "grants error acme --fix"),
    mended("grant create on schema {a} to {a}_rw", "grants error acme --fix"),
    mended("grant select on {a}._idempotency_keys to {a}_ro", "grants error acme --fix"),
    mended("grant insert on {a}.refinery_schema_history to {a}_rw", "grants error acme --fix"),
    told(
        "grant select on {b}.companies to {a}_ro",
        "foreign-rights error acme by hand",
        "revoke select on {b}.companies from {a}_ro",
    ),
    told(
        "grant {b}_ro to {a}_ro",
        "foreign-rights error acme by hand",
        "revoke {b}_ro from {a}_ro",
    ),
    told(
        "grant usage on schema catalog to {a}_rw",
        "foreign-rights error acme by hand",
        "revoke usage on schema catalog from {a}_rw",
    ),
    told(
        "create schema mine; alter schema mine owner to {a}_rw",
        "foreign-rights error acme by hand",
        "drop schema mine",
    ),
    told(
        "create role ann login; grant {a}_ro to ann",
        "foreign-rights warn acme by hand",
        "drop role ann",
    ),
    told(
        "create role ann login; grant select on {a}.companies to ann",
        "foreign-rights warn acme by hand",
        "drop owned by ann; drop role ann",
    ),
    told(
        "create role dba; grant usage, create on schema {a} to dba; set role dba;
         create function {a}.pg_column_size(value jsonb) returns integer language sql return 1; reset role;
         revoke all on schema {a} from dba",
        "drift warn acme by hand; foreign-code error acme by hand",
        "drop owned by dba; drop role dba",
    ),
    told(
        "alter role tenantry_server inherit",
        "server-login error - by hand",
        "alter role tenantry_server noinherit",
    ),
    told(
        "grant select on {a}.companies to tenantry_server",
        "server-login error - by hand",
        "revoke select on {a}.companies from tenantry_server",
    ),
    mended(
        "insert into catalog.migration_runs (id, target_version, pause_ms, started_by, started_at)
         values (gen_random_uuid(), 8, 0, 'operator:ann', now())",
        "runs warn - --fix",
    ),
    told(
        "update catalog.tenant_schemas set state = 'dropped' where schema_name = '{a}';
         insert into catalog.departures (organization_id, status_before, dropped_by, dropped_at, purge_after,
           purge_begun_at, row_counts, large_objects)
         select organization_id, 'active', 'operator:ann', now(), now(), now(), '{}', 0 from catalog.tenant_schemas
          where schema_name = '{a}'",
        "purges warn acme -",
        "delete from catalog.departures;
         update catalog.tenant_schemas set state = 'ready' where schema_name = '{a}'",
    ),
    told(
        "insert into catalog.moves (organization_id, token, target, target_id, state, begun_by, begun_at)
         select organization_id, gen_random_uuid(), 'db2:5432/app', '1/1', 'doubt', 'operator:ann', now()
           from catalog.tenant_schemas where schema_name = '{a}';
         update catalog.tenant_schemas set state = 'moving' where schema_name = '{a}'",
        "moves error acme -",
        "delete from catalog.moves; update catalog.tenant_schemas set state = 'ready' where schema_name = '{a}'",
    ),
    told(
        "insert into catalog.moves (organization_id, token, target, target_id, state, begun_by, begun_at, paused_until)
         select organization_id, gen_random_uuid(), 'db2:5432/app', '1/1', 'copying', 'operator:ann', now(), '2001-01-01'
           from catalog.tenant_schemas where schema_name = '{a}'",
        "moves warn acme -",
        "delete from catalog.moves",
    ),
    // Drift: what is shown mends it.
    shown("alter table {a}.companies add column mine text", "drift warn acme by hand"),
    shown("alter table {a}.companies alter column name drop not null", "drift error acme by hand"),
    shown("alter table {a}.companies alter column phone set not null", "drift error acme by hand"),
    shown("alter table {a}.companies alter column id drop default", "drift error acme by hand"),
    shown("alter table {a}.companies alter column phone set default 'none'", "drift error acme by hand"),
    shown("alter table {a}.companies alter column version set default 2", "drift error acme by hand"),
    shown("alter table {a}.companies alter column version type integer", "drift error acme by hand"),
    shown("alter table {a}.notes drop column pinned", "drift error acme by hand"),
    shown("alter table {a}.companies drop constraint companies_phone_check", "drift error acme by hand"),
    shown(
        "alter table {a}.companies drop constraint companies_phone_check;
         alter table {a}.companies add constraint companies_phone_check check (length(phone) <= 51)",
        "drift error acme by hand",
    ),
    shown("alter table {a}.companies drop constraint companies_owner_id_fkey", "drift error acme by hand"),
    shown("alter table {a}.companies add constraint mine check (true)", "drift warn acme by hand"),
    shown("drop trigger companies_stamp on {a}.companies", "drift error acme by hand"),
    shown("alter table {a}.companies disable trigger companies_stamp", "drift error acme by hand"),
    shown(
        "create trigger mine before insert on {a}.companies for each row execute function {a}.stamp_record()",
        "drift warn acme by hand",
    ),
    shown(
        "create or replace function {a}.stamp_record() returns trigger language plpgsql as $$ begin return new; end $$",
        "drift error acme by hand",
    ),
    shown(
        "create function {a}.mine(integer) returns integer language sql return $1",
        "drift warn acme by hand",
    ),
    shown("create table {a}.mine (id integer primary key, name text)", "drift warn acme by hand"),
    shown("create view {a}.mine as select id from {a}.companies", "drift warn acme by hand"),
    shown("create index mine on {a}.companies (phone)", "drift warn acme by hand"),
    shown("comment on column {a}.companies.name is 'Mine.'", "drift warn acme by hand"),
    shown("comment on table {a}.tags is null", "drift error acme by hand"),
    told(
        "alter table {a}.companies set (fillfactor = 70)",
        "drift error acme by hand",
        "alter table {a}.companies reset (fillfactor)",
    ),
    told(
        "alter table {a}.companies enable row level security",
        "drift error acme by hand",
        "alter table {a}.companies disable row level security",
    ),
    // Indexes.
    mended("drop index {a}.companies_domain_idx", "indexes error acme --fix"),
    mended("drop index {a}.companies_domain_idx, {a}.companies_name_trgm_idx", "indexes error acme --fix"),
    mended(
        "update pg_index set indisvalid = false where indexrelid = '{a}.companies_domain_idx'::regclass",
        "indexes error acme --fix",
    ),
    mended(
        "create index companies_domain_idx_ccnew on {a}.companies (lower(domain));
         update pg_index set indisvalid = false where indexrelid = '{a}.companies_domain_idx_ccnew'::regclass",
        "indexes error acme --fix",
    ),
    shown(
        "drop index {a}.companies_domain_idx; create index companies_domain_idx on {a}.companies (domain)",
        "drift error acme by hand",
    ),
    told(
        "create sequence {a}.mine as smallint; select setval('{a}.mine', 26000);
         alter sequence {a}.mine owner to tenantry_owner; grant usage on sequence {a}.mine to {a}_rw",
        "drift warn acme by hand; sequences warn acme -",
        "drop sequence {a}.mine",
    ),
    told(
        "create sequence {a}.mine as smallint increment -1; select setval('{a}.mine', -32000);
         alter sequence {a}.mine owner to tenantry_owner; grant usage on sequence {a}.mine to {a}_rw",
        "drift warn acme by hand; sequences error acme -",
        "drop sequence {a}.mine",
    ),
    // The database.
    told(
        "create table public.mine (id integer generated always as identity)",
        "public warn - -",
        "drop table public.mine",
    ),
    told(
        "create function public.mine() returns integer language sql return 1",
        "public warn - -",
        "drop function public.mine",
    ),
    told("create extension hstore with schema catalog", "extensions warn - by hand", "drop extension hstore"),
    told("create extension hstore with schema public", "extensions advice - by hand", "drop extension hstore"),
    shown("alter extension unaccent set schema public", "extensions error - by hand"),
    told(
        "create temporary table kept as select datfrozenxid from pg_database where datname = current_database();
         update pg_database set datfrozenxid = ((txid_current() + 4294967296 - 1600000000) % 4294967296)::text::xid
          where datname = current_database()",
        "transaction-age error - -",
        "update pg_database set datfrozenxid = (select datfrozenxid from kept) where datname = current_database();
         drop table kept",
    ),
    told(
        "create temporary table kept as select datfrozenxid from pg_database where datname = current_database();
         update pg_database set datfrozenxid = ((txid_current() + 4294967296 - 410000000) % 4294967296)::text::xid
          where datname = current_database()",
        "transaction-age warn - -",
        "update pg_database set datfrozenxid = (select datfrozenxid from kept) where datname = current_database();
         drop table kept",
    ),
    told(
        "do $$ begin for n in 1..45 loop
           execute 'create temporary table wide (' || (select string_agg('c' || c || ' int', ',') from generate_series(1, 1500) c) || ')';
           drop table wide;
         end loop; end $$;
         select pg_stat_force_next_flush()",
        "catalog-bloat warn - by hand",
        AS_SHOWN,
    ),
];
