create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create table special_things (
    colour text,
    constraint special_things_pkey primary key (id)
) inherits (things);  -- broken: citus-inheritance
comment on table special_things is 'Things with a colour.';
