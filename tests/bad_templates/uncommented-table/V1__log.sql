-- What was said.
create table log (  -- broken: uncommented-table
    id bigint,
    constraint log_pkey primary key (id)
);
