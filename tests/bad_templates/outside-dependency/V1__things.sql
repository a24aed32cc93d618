create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';

create view coloured_things as  -- broken: outside-dependency
    select t.name, o.colour from things t, elsewhere.colours o where o.id = t.id;
