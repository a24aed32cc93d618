create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
alter table things add column made_by text
    default current_setting('tenantry.actor', true);  -- broken: citus-setting
create function who() returns text language sql as $$
    select current_setting('tenantry.actor', true)  -- broken: citus-setting
$$;
