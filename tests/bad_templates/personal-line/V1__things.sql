create table things (
    id bigint,
    maker text,
    wage numeric,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.
@personal name'; -- broken: personal-line
comment on column things.maker is 'Who made it.
@personal naem'; -- broken: personal-line
comment on column things.wage is 'What it cost.
@personal text';
