create table parts (
    id bigint,
    thing_id bigint,
    constraint parts_pkey primary key (id),
    constraint parts_thing_id_fkey foreign key (thing_id) references things (id)  -- broken: unindexed-foreign-key
);
comment on table parts is 'Parts.';
create index parts_thing_id_idx on parts (thing_id) where thing_id > 10;
