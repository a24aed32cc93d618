\connect app  -- broken: psql-command
