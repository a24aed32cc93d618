create index things_name_idx on things (name);
create view ways as
    select name, wheels  -- broken: does-not-apply
      from things;
