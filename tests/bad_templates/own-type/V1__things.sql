create type mood as enum ('good', 'bad');  -- broken: own-type
create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
