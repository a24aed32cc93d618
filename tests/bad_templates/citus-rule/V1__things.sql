create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create rule keep as on delete to things do instead nothing;  -- broken: citus-rule
