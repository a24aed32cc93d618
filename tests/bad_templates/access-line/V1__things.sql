create table things (id bigint, constraint things_pkey primary key (id));
comment on table things is 'Things that
nobody writes.
@access raed (broken: access-line)';
