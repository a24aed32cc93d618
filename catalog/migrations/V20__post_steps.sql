-- Steps of the template that run behind a tenant's migration and outside of any transaction, such as
-- `create index concurrently`: what became of each at each tenant. No row: it is pending.

create table catalog.tenant_post_steps (
  organization_id uuid not null,
  step text not null,
  checksum text not null,
  state text not null,
  sqlstate text,
  message text,
  statement text,
  attempts integer not null,
  ended_at timestamptz not null,
  constraint tenant_post_steps_pkey primary key (organization_id, step),
  constraint tenant_post_steps_organization_id_fkey foreign key (organization_id)
    references catalog.tenant_schemas (organization_id) on delete cascade,
  constraint tenant_post_steps_state_check check (state in ('done', 'failed')),
  constraint tenant_post_steps_attempts_check check (attempts >= 0),
  constraint tenant_post_steps_message_check check ((state = 'failed') = (message is not null))
);
comment on table catalog.tenant_post_steps is 'What became of the template''s post-steps at each tenant; a step without a row is pending.';
comment on column catalog.tenant_post_steps.organization_id is 'The tenant.';
comment on column catalog.tenant_post_steps.step is 'The name of the template''s file, without its ending.';
comment on column catalog.tenant_post_steps.checksum is 'Of what the file said; where it says something else by now, the step is pending.';
comment on column catalog.tenant_post_steps.state is 'done: it was carried out, or its schema was made with it; failed: PostgreSQL refused it.';
comment on column catalog.tenant_post_steps.sqlstate is 'PostgreSQL''s code for why it failed.';
comment on column catalog.tenant_post_steps.message is 'Why it failed, without values of rows.';
comment on column catalog.tenant_post_steps.statement is 'The statement of the template that failed.';
comment on column catalog.tenant_post_steps.attempts is 'How often it was tried; 0: the schema was made with it.';
comment on column catalog.tenant_post_steps.ended_at is 'When it was done or failed.';

alter table catalog.tenant_post_steps enable row level security;
alter table catalog.tenant_post_steps force row level security;
create policy tenant_post_steps_owner on catalog.tenant_post_steps to current_user using (true) with check (true);
create policy tenant_post_steps_server on catalog.tenant_post_steps to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

alter table catalog.spare_schemas add column post_steps text[] not null default '{}';
comment on column catalog.spare_schemas.post_steps is 'The post-steps it was made with, each with its checksum behind a space.';
