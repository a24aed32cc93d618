create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create function count_things() returns bigint language sql
    security definer  -- broken: definer-path
    as $$ select count(*) from things $$;
