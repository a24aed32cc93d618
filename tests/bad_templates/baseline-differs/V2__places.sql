alter table things add column place text not null default '';
create index things_place_idx on things (place);
