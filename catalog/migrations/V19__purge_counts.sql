-- A purge counts the large objects too, and says so when it found no schema.

alter table catalog.departures add column large_objects bigint;
update catalog.departures set large_objects = 0 where row_counts is not null;
alter table catalog.departures drop constraint departures_row_counts_check;
alter table catalog.departures
  add constraint departures_row_counts_check check (jsonb_typeof(row_counts) in ('object', 'null')),
  add constraint departures_large_objects_check check ((large_objects is null) = (row_counts is null));
comment on column catalog.departures.row_counts is
  'The rows of each table when that purge began; JSON null if there was no schema.';
comment on column catalog.departures.large_objects is 'The large objects of the tenant''s roles when that purge began.';
