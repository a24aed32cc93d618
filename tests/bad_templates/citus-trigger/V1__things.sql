create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger things_touch before update on things  -- broken: citus-trigger
    for each row execute function touch();
