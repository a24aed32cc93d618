create table things (
    id serial,  -- broken: citus-small-sequence
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
