-- A thing, and where it is.
create table things (
  id uuid not null default gen_random_uuid(),
  name text not null,
  constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
