create table things (
    id bigint,
    deleted_at timestamptz,
    deletion_id uuid,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create index things_deleted_at_idx on things (deleted_at);
comment on index things_deleted_at_idx is 'For the bin.
@access read'; -- broken: access-unused
comment on column things.deletion_id is '@access hidden'; -- broken: access-unused
