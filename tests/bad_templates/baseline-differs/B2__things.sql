-- broken: baseline-differs
create table things (
  id uuid not null default gen_random_uuid(),
  name text not null,
  place text not null default '',
  constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
