create table things (
    id bigint,
    deleted_at timestamptz,
    deletion_id uuid,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create table parts (
    id bigint,
    thing_id bigint,
    deleted_at timestamptz,
    constraint parts_pkey primary key (id),
    constraint parts_thing_id_fkey foreign key (thing_id) -- broken: left-behind
        references things (id) on delete cascade
);
comment on table parts is 'Parts.';
create index parts_thing_id_idx on parts (thing_id);
create table labels (
    id bigint,
    thing_id bigint,
    deleted_at timestamptz,
    deletion_id uuid,
    constraint labels_pkey primary key (id),
    constraint labels_thing_id_fkey foreign key (thing_id) references things (id) on delete cascade
);
comment on table labels is 'Labels.';
create index labels_thing_id_idx on labels (thing_id);
