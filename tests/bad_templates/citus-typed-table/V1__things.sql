create table things of thing (constraint things_pkey primary key (id));  -- broken: citus-typed-table
comment on table things is 'Things.';
