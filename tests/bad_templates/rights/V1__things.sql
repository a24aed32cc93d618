create table things (
    id bigint generated always as identity,
    name text not null,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
alter table things owner to alice;  -- broken: rights
grant select on things to web_anon;  -- broken: rights
create function f() returns int language sql as $$ select 1 $$;
revoke execute on function f() from public;
