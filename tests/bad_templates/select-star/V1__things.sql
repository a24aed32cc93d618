create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create view all_things as
    select t.* from things t;  -- broken: select-star
create function newest() returns setof things language sql stable as $$
    select count(*) from things;
    select * from things  -- broken: select-star
$$;
