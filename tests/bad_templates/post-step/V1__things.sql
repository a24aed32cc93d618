create table things (
    id uuid not null,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
