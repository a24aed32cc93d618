create table things ( -- broken: field-versions-shown
    id bigint,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
create table parts (
    id bigint,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint parts_pkey primary key (id)
);
comment on table parts is 'Parts.';
comment on column parts.field_versions is '@access hidden';
