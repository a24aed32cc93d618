create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create materialized view names as select name from things;  -- broken: citus-materialized-view
