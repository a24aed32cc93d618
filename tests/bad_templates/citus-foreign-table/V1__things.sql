create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create foreign table others (id bigint) server elsewhere;  -- broken: citus-foreign-table
