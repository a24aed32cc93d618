create table things (id bigint, constraint things_pkey primary key (id));
comment on table things is 'Things.';
create table if not exists _idempotency_keys ( -- broken: engine-name
    id bigint,
    constraint idempotency_keys_pkey primary key (id)
);
comment on table _idempotency_keys is 'Keys.'; -- broken: engine-name
