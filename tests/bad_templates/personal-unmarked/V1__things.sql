create table things ( -- broken: personal-unmarked
    id bigint,
    maker_email text,
    owner_email text,
    mailed_at timestamptz,
    constraint things_pkey primary key (id)
);
comment on table things is 'Things.';
comment on column things.owner_email is 'Whose it is.
@personal email';
create table ships (
    id bigint,
    street_address text,
    constraint ships_pkey primary key (id)
);
comment on table ships is 'Ships that lie in the street.
@personal none';
