create table log (said text);  -- broken: no-primary-key
comment on table log is 'What was said.';
