-- What tables and columns each version of the template has. It is read off a schema that was made from that version
-- and from nothing else, and so is the same for every tenant: what somebody adds to one tenant's schema by hand never
-- shows in another's answers.

create table catalog.template_models (
  template_version integer not null,
  query_sha256 bytea not null,
  model jsonb not null,
  created_at timestamptz not null default now(),
  -- Programs that read different things off a schema can be at work together while instances are replaced.
  constraint template_models_pkey primary key (template_version, query_sha256),
  constraint template_models_template_version_check check (template_version >= 0),
  constraint template_models_query_sha256_check check (octet_length(query_sha256) = 32),
  constraint template_models_model_check check (jsonb_typeof(model) = 'array')
);

comment on table catalog.template_models is 'The tables and columns of each version of the template.';
comment on column catalog.template_models.template_version is 'Number of the last template migration.';
comment on column catalog.template_models.query_sha256 is 'SHA-256 of the query that read the model; another query gives another model.';
comment on column catalog.template_models.model is 'The answer of that query: an array of tables and views.';
comment on column catalog.template_models.created_at is 'When it was read.';

grant select on catalog.template_models to tenantry_server;
