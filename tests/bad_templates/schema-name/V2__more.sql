create table public.widgets (  -- broken: schema-name
    id bigint constraint widgets_pkey primary key
);
create view named_things as
    select t.name
      from app.things t;  -- broken: schema-name
create function first_thing() returns text language sql stable as $$
    select extensions.unaccent(t.name)  -- broken: schema-name
      from things t
$$;
-- This is no name: public.things
comment on view named_things is 'Nor is this: public.things.';
