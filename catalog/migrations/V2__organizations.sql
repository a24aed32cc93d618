-- Organizations, the labels they may not take, and the labels they have left.

create table catalog.organizations (
  id uuid not null,
  kind text not null,
  parent_id uuid,
  -- The kind a parent must have. With the foreign key on (parent_id, parent_kind) a wrong nesting cannot be written.
  parent_kind text generated always as (
    case kind when 'client' then 'agency' when 'agency' then 'platform' end
  ) stored,
  slug text not null,
  name text not null,
  logo_url text,
  contact_email text,
  status text not null default 'trial',
  plan text not null default 'free',
  settings jsonb not null default '{}',
  metadata jsonb not null default '{}',
  password_policy jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint organizations_pkey primary key (id),
  constraint organizations_id_kind_key unique (id, kind),
  constraint organizations_kind_check check (kind in ('platform', 'agency', 'client', 'standalone')),
  constraint organizations_parent_check check ((parent_id is null) = (parent_kind is null)),
  constraint organizations_parent_id_parent_kind_fkey foreign key (parent_id, parent_kind)
    references catalog.organizations (id, kind),
  constraint organizations_slug_check check (
    slug ~ '^[a-z][a-z0-9-]{1,61}[a-z0-9]$' and substr(slug, 3, 2) <> '--'
  ),
  constraint organizations_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
  constraint organizations_logo_url_check check (char_length(logo_url) <= 2048),
  constraint organizations_contact_email_check check (char_length(contact_email) <= 254),
  constraint organizations_status_check check (status in ('trial', 'active', 'suspended', 'cancelled')),
  constraint organizations_plan_check check (plan ~ '^[a-z][a-z0-9_-]{0,62}$'),
  constraint organizations_settings_check check (jsonb_typeof(settings) = 'object'),
  constraint organizations_metadata_check check (jsonb_typeof(metadata) = 'object'),
  constraint organizations_password_policy_check check (jsonb_typeof(password_policy) = 'object')
);
create unique index organizations_slug_key on catalog.organizations (slug) where deleted_at is null;
create index organizations_parent_id_idx on catalog.organizations (parent_id);

comment on table catalog.organizations is 'Customers. A client or standalone organization is a tenant: it owns a tenant schema.';
comment on column catalog.organizations.id is 'UUID version 7, made by the application.';
comment on column catalog.organizations.kind is 'platform > agency > client, or standalone, which stands outside of any nesting.';
comment on column catalog.organizations.parent_id is 'The agency of a client, the platform of an agency; null for the others.';
comment on column catalog.organizations.parent_kind is 'The kind parent_id must have; follows from kind.';
comment on column catalog.organizations.slug is 'The DNS label people type. Unique among organizations that are not deleted; may change.';
comment on column catalog.organizations.name is 'The name people read.';
comment on column catalog.organizations.logo_url is 'Where the logo is.';
comment on column catalog.organizations.contact_email is 'Whom to write to about this organization.';
comment on column catalog.organizations.status is 'trial and active are served; suspended is answered with 403, cancelled with 404.';
comment on column catalog.organizations.plan is 'Key of the plan that limits this organization.';
comment on column catalog.organizations.settings is 'What the organization has chosen; an object.';
comment on column catalog.organizations.metadata is 'What the operator notes; an object the product never interprets.';
comment on column catalog.organizations.password_policy is 'Rules for passwords where they differ from the platform''s; an object.';
comment on column catalog.organizations.created_at is 'When the organization was made.';
comment on column catalog.organizations.updated_at is 'When the row last changed; kept by a trigger.';
comment on column catalog.organizations.deleted_at is 'When the organization was deleted; null while it lives.';

create table catalog.reserved_slugs (
  slug text not null,
  reason text not null,
  constraint reserved_slugs_pkey primary key (slug)
);
comment on table catalog.reserved_slugs is 'Labels no organization may take.';
comment on column catalog.reserved_slugs.slug is 'The label.';
comment on column catalog.reserved_slugs.reason is 'Why it is kept.';

insert into catalog.reserved_slugs (slug, reason)
select kept.slug, reserved.reason
from (values
  ('web host of the platform', '{www,www1,www2,web,app,apps,portal,site,sites,home,about,blog,news,press,careers,pricing,legal,privacy,terms,security,trust}'::text[]),
  ('interface of the platform', '{api,apis,graphql,rest,rpc,sdk,webhook,webhooks,hooks,events,realtime,socket,websocket,mcp,openapi,swagger,developer,developers,dev}'),
  ('identity of the platform', '{auth,oauth,oauth2,oidc,openid,saml,scim,sso,idp,login,logout,signin,signout,signup,register,account,accounts,password,session,sessions,user,users,invite,verify}'),
  ('operation of the platform', '{admin,administrator,platform,console,dashboard,manage,operator,ops,internal,root,system,tenantry,catalog,extensions,public,tenant,tenants,organization,organizations,billing,payment,payments,invoice,invoices,status,health,metrics,monitor,monitoring,grafana,logs,backup,backups,database,postgres,redis,gateway,proxy,vpn}'),
  ('mail and name service', '{mail,email,smtp,imap,pop,pop3,webmail,mailer,mta,mx1,mx2,autoconfig,autodiscover,dkim,dmarc,spf,dns,ns1,ns2,ns3,ns4,ntp,wpad,isatap,ftp,sftp,ssh,ldap}'),
  ('files of the platform', '{cdn,static,assets,media,images,img,files,file,uploads,upload,download,downloads,storage,cache,docs}'),
  ('help of the platform', '{help,support,helpdesk,contact,feedback,community,forum,faq,kb,wiki,learn,academy,abuse,postmaster,hostmaster,webmaster,noreply,no-reply}'),
  ('name with a meaning of its own', '{localhost,localdomain,local,broadcasthost,example,invalid,"null",undefined,none,default,anonymous,unknown}')
) as reserved (reason, slugs)
cross join lateral unnest(reserved.slugs) as kept (slug);

-- No foreign key: the quarantine of a label outlives its organization.
create table catalog.organization_slugs (
  slug text not null,
  organization_id uuid not null,
  retired_at timestamptz not null,
  constraint organization_slugs_pkey primary key (slug, organization_id)
);
comment on table catalog.organization_slugs is
  'Labels organizations have left. For 90 days nobody else may take one, so that old links cannot lead to a stranger.';
comment on column catalog.organization_slugs.slug is 'The label.';
comment on column catalog.organization_slugs.organization_id is 'Whose it was; the organization may be gone.';
comment on column catalog.organization_slugs.retired_at is 'When it was left.';

-- The two functions below see all organizations whoever writes, hence security definer: under the caller's row-level
-- security another organization's quarantine would be invisible and the check would pass.

create function catalog.check_slug_allowed() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
begin
  if exists (select from catalog.reserved_slugs r where r.slug = new.slug) then
    raise exception 'slug "%" is reserved', new.slug
      using errcode = 'check_violation', constraint = 'organizations_slug_reserved',
        schema = 'catalog', table = 'organizations', column = 'slug';
  end if;
  if exists (
    select from catalog.organization_slugs s
    where s.slug = new.slug and s.organization_id <> new.id and s.retired_at > now() - interval '90 days'
  ) then
    raise exception 'slug "%" was another organization''s until less than 90 days ago', new.slug
      using errcode = 'unique_violation', constraint = 'organizations_slug_retired',
        schema = 'catalog', table = 'organizations', column = 'slug';
  end if;
  delete from catalog.organization_slugs s where s.slug = new.slug and s.organization_id = new.id;
  return null;
end
$$;
comment on function catalog.check_slug_allowed() is
  'Row trigger: refuses reserved labels and those another organization left less than 90 days ago.';

create function catalog.retire_slug() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into catalog.organization_slugs (slug, organization_id, retired_at)
  values (old.slug, old.id, now())
  on conflict on constraint organization_slugs_pkey do update set retired_at = excluded.retired_at;
  return null;
end
$$;
comment on function catalog.retire_slug() is 'Row trigger: notes the label an organization leaves.';

-- After, not before: an insert that had to wait for the unique index until another organization let go of the label
-- must see that organization's history row.
create trigger organizations_check_slug_on_insert
  after insert on catalog.organizations for each row
  when (new.deleted_at is null)
  execute function catalog.check_slug_allowed();
create trigger organizations_check_slug_on_update
  after update of slug, deleted_at on catalog.organizations for each row
  when (new.deleted_at is null and (old.slug <> new.slug or old.deleted_at is not null))
  execute function catalog.check_slug_allowed();
create trigger organizations_retire_slug_on_update
  after update of slug, deleted_at on catalog.organizations for each row
  when (old.deleted_at is null and (old.slug <> new.slug or new.deleted_at is not null))
  execute function catalog.retire_slug();
create trigger organizations_retire_slug_on_delete
  after delete on catalog.organizations for each row
  when (old.deleted_at is null)
  execute function catalog.retire_slug();

create trigger organizations_touch
  before update on catalog.organizations for each row
  execute function catalog.touch_updated_at();
create trigger organizations_notify
  after insert or update or delete on catalog.organizations for each row
  execute function catalog.notify_change('organization', 'id');
-- Servers remember that a slug is nobody's; they know of no organization then whose change they could wait for.
create trigger organizations_notify_slug_on_insert
  after insert on catalog.organizations for each row
  when (new.deleted_at is null)
  execute function catalog.notify_change('slug', 'slug');
create trigger organizations_notify_slug_on_update
  after update of slug, deleted_at on catalog.organizations for each row
  when (new.deleted_at is null and (old.slug <> new.slug or old.deleted_at is not null))
  execute function catalog.notify_change('slug', 'slug');

alter table catalog.organizations enable row level security;
alter table catalog.organizations force row level security;
create policy organizations_owner on catalog.organizations to current_user using (true) with check (true);
create policy organizations_server on catalog.organizations to tenantry_server
  using (id = catalog.current_organization()) with check (id = catalog.current_organization());

alter table catalog.organization_slugs enable row level security;
alter table catalog.organization_slugs force row level security;
create policy organization_slugs_owner on catalog.organization_slugs to current_user using (true) with check (true);
create policy organization_slugs_server on catalog.organization_slugs to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());

revoke execute on function catalog.check_slug_allowed(), catalog.retire_slug() from public;
grant select on catalog.organizations, catalog.organization_slugs, catalog.reserved_slugs to tenantry_server;
