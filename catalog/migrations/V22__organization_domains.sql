-- The domains of organizations: whose pages may show what is the organization's. Who says that a domain is theirs shows it by
-- a word that only they can put there.

create table catalog.organization_domains (
  id uuid not null,
  organization_id uuid not null,
  hostname text not null,
  token text not null,
  method text,
  verified_at timestamptz,
  checked_at timestamptz,
  created_at timestamptz not null,
  created_by text not null,
  constraint organization_domains_pkey primary key (id),
  constraint organization_domains_organization_id_fkey foreign key (organization_id)
    references catalog.organizations (id) on delete cascade,
  constraint organization_domains_hostname_key unique (organization_id, hostname),
  constraint organization_domains_hostname_check check (
    hostname ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*$' and length(hostname) <= 253),
  constraint organization_domains_token_check check (token ~ '^[0-9a-f]{32}$'),
  constraint organization_domains_method_check check (method in ('dns', 'file', 'meta')),
  constraint organization_domains_verified_at_check check ((verified_at is null) = (method is null))
);
-- Several may say that it is theirs; one of them has shown it.
create unique index organization_domains_verified_key on catalog.organization_domains (hostname) where verified_at is not null;
comment on table catalog.organization_domains is 'Domains that organizations say are theirs, and whether they have shown it.';
comment on column catalog.organization_domains.id is 'Identifies the row.';
comment on column catalog.organization_domains.organization_id is 'Whose it is said to be.';
comment on column catalog.organization_domains.hostname is 'The domain, in lower case.';
comment on column catalog.organization_domains.token is 'The word that shows it; it stands in public, and is no secret.';
comment on column catalog.organization_domains.method is 'How it was shown: dns, file or meta; null while it was not.';
comment on column catalog.organization_domains.verified_at is 'When it was shown first; null while it was not, or is not any more.';
comment on column catalog.organization_domains.checked_at is 'When it was looked at last.';
comment on column catalog.organization_domains.created_at is 'When it was added.';
comment on column catalog.organization_domains.created_by is 'The actor, such as operator:<name>.';

alter table catalog.organization_domains enable row level security;
alter table catalog.organization_domains force row level security;
create policy organization_domains_owner on catalog.organization_domains to current_user using (true) with check (true);
create policy organization_domains_server on catalog.organization_domains to tenantry_server
  using (organization_id = catalog.current_organization())
  with check (organization_id = catalog.current_organization());
grant select on catalog.organization_domains to tenantry_server;
