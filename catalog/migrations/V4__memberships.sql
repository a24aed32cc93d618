-- Who belongs to which organization. A tenant always has exactly one owner: at most one by an exclusion constraint, at
-- least one by a constraint trigger, both checked at commit so that ownership can be handed over.

create table catalog.memberships (
  id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  role text not null,
  is_owner boolean not null default false,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint memberships_pkey primary key (id),
  constraint memberships_organization_id_user_id_key unique (organization_id, user_id),
  constraint memberships_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint memberships_user_id_fkey foreign key (user_id) references catalog.users (id),
  constraint memberships_role_check check (role in ('admin', 'member')),
  constraint memberships_owner_check check (not is_owner or (role = 'admin' and active)),
  constraint memberships_one_owner exclude using btree (organization_id with =) where (is_owner)
    deferrable initially deferred
);
create index memberships_user_id_idx on catalog.memberships (user_id);

comment on table catalog.memberships is 'People in organizations. The tenant schema mirrors its own in members, under the same id.';
comment on column catalog.memberships.id is 'UUID version 7, made by the application; also the id of the row in the tenant''s members.';
comment on column catalog.memberships.organization_id is 'The organization.';
comment on column catalog.memberships.user_id is 'The person.';
comment on column catalog.memberships.role is 'admin or member.';
comment on column catalog.memberships.is_owner is 'The one admin who answers for the organization.';
comment on column catalog.memberships.active is 'False: kept for the record, grants nothing.';
comment on column catalog.memberships.created_at is 'When the person joined.';
comment on column catalog.memberships.updated_at is 'When the row last changed; kept by a trigger.';

-- Security definer: at commit the transaction may act as a tenant's role, which sees nothing of the catalog.
create function catalog.require_owner() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
declare
  organization uuid;
begin
  if tg_table_name = 'organizations' then
    organization := new.id;
  else
    organization := old.organization_id;
  end if;
  if exists (
    select from catalog.organizations o
    where o.id = organization and o.kind in ('client', 'standalone') and o.deleted_at is null
  ) and not exists (
    select from catalog.memberships m where m.organization_id = organization and m.is_owner
  ) then
    raise exception 'organization % would be left without an owner', organization
      using errcode = 'check_violation', constraint = 'memberships_owner_required',
        schema = 'catalog', table = 'memberships';
  end if;
  return null;
end
$$;
comment on function catalog.require_owner() is 'Constraint trigger: a client or standalone organization that is not deleted has an owner.';

create constraint trigger organizations_require_owner_on_insert
  after insert on catalog.organizations deferrable initially deferred for each row
  when (new.kind in ('client', 'standalone') and new.deleted_at is null)
  execute function catalog.require_owner();
create constraint trigger organizations_require_owner_on_update
  after update of kind, deleted_at on catalog.organizations deferrable initially deferred for each row
  when (new.kind in ('client', 'standalone') and new.deleted_at is null)
  execute function catalog.require_owner();
create constraint trigger memberships_require_owner_on_update
  after update of organization_id, is_owner on catalog.memberships deferrable initially deferred for each row
  when (old.is_owner and (not new.is_owner or old.organization_id <> new.organization_id))
  execute function catalog.require_owner();
create constraint trigger memberships_require_owner_on_delete
  after delete on catalog.memberships deferrable initially deferred for each row
  when (old.is_owner)
  execute function catalog.require_owner();

create trigger memberships_touch
  before update on catalog.memberships for each row
  execute function catalog.touch_updated_at();
create trigger memberships_notify
  after insert or update or delete on catalog.memberships for each row
  execute function catalog.notify_change('organization', 'organization_id');

alter table catalog.memberships enable row level security;
alter table catalog.memberships force row level security;
create policy memberships_owner on catalog.memberships to current_user using (true) with check (true);
-- Open sign-up makes plain members. Admins and owners are made by the owner of the catalog.
create policy memberships_server on catalog.memberships to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization() and role = 'member' and not is_owner);

revoke execute on function catalog.require_owner() from public;
grant select, insert on catalog.memberships to tenantry_server;
