set client_min_messages = warning;  -- broken: session-setting
select pg_catalog.set_config('search_path', '', false);  -- broken: session-setting
set local check_function_bodies = off;
create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
reset all;  -- broken: session-setting
