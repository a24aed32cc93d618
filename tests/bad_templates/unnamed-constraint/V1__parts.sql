create table parts (
    id bigint primary key,  -- broken: unnamed-constraint
    name text not null constraint parts_name_key unique,
    weight real check (weight > 0)  -- broken: unnamed-constraint
);
comment on table parts is 'Parts.';
