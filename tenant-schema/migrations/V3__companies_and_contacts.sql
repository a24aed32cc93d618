-- Companies and the people who work for them.
--
-- Lengths are checked because of the indexes: a value over a third of a page fits in no B-tree, and the
-- answer should name the field, not the index. `left` in the search columns does the same for the limit of a
-- tsvector, which is met before the checks are.
--
-- updated_at is in no index: with one, no change of a record could be a HOT update. An index (updated_at, id)
-- comes with the paging that reads by it.
--
-- Names are in the trigram indexes twice: as they are, for ilike, and without accents, as a search (q=) likens them.
--
-- owner_id: when a member is removed for good the record stays, without an owner.
create table companies (
    id uuid not null default gen_random_uuid(),
    name text not null,
    domain text,
    industry text,
    website text,
    phone text,
    address jsonb,
    size text,
    owner_id uuid,
    tag_ids uuid[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    search tsvector generated always as (
        setweight(to_tsvector('simple', immutable_unaccent(left(name, 300))), 'A')
        || setweight(to_tsvector('simple', immutable_unaccent(
            left(coalesce(domain, ''), 300) || ' ' || left(coalesce(industry, ''), 300))), 'B')
    ) stored,
    constraint companies_pkey primary key (id),
    constraint companies_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint companies_name_check check (btrim(name) <> '' and length(name) <= 300),
    constraint companies_domain_check check (length(domain) <= 253),
    constraint companies_industry_check check (length(industry) <= 200),
    constraint companies_website_check check (length(website) <= 2000),
    constraint companies_phone_check check (length(phone) <= 50),
    constraint companies_address_check check (jsonb_typeof(address) = 'object'),
    constraint companies_size_check check (size in ('1-10', '11-50', '51-200', '201-500', '501-1000', '1001+'))
);
create index companies_owner_id_idx on companies (owner_id);
create index companies_domain_idx on companies (lower(domain));
create index companies_tag_ids_idx on companies using gin (tag_ids);
create index companies_search_idx on companies using gin (search);
create index companies_name_trgm_idx on companies using gin (
    name gin_trgm_ops, immutable_unaccent(name) gin_trgm_ops);
create index companies_deleted_at_idx on companies (deleted_at) where deleted_at is not null;
create index companies_deletion_id_idx on companies (deletion_id) where deletion_id is not null;
create trigger companies_stamp before insert or update on companies
    for each row execute function stamp_record();
create trigger companies_leave_deletion before update of deleted_at on companies
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger companies_versions before insert or update on companies
    for each row execute function stamp_fields();

comment on table companies is 'Organizations you do business with.';
comment on column companies.id is 'Identifies the company.';
comment on column companies.name is 'The name of the company.
@personal name';
comment on column companies.domain is 'The internet domain of the company, for example example.com.
@personal url';
comment on column companies.industry is 'The line of business.';
comment on column companies.website is 'The address of the website.
@personal url';
comment on column companies.phone is 'The main telephone number.
@personal phone';
comment on column companies.address is 'The postal address, an object with street, postal_code, city and country.
@personal address';
comment on column companies.size is 'The number of employees, as a range.';
comment on column companies.tag_ids is 'The tags of the company; follows company_tags.';
comment on column companies.search is 'Words for the full-text search; computed.';
comment on column companies.owner_id is 'The member who looks after this record.';
comment on column companies.created_at is 'When the record was created.';
comment on column companies.updated_at is 'When the record was last changed.';
comment on column companies.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column companies.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column companies.version is 'Counts the changes of the record, starting at 1.';
comment on column companies.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column companies.deleted_at is 'When the record was deleted; null while it is live.';
comment on column companies.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

-- company_id: a person outlives the company record. Soft deletion does not touch references at all: it only
-- sets deleted_at, so a deleted company neither blocks nor loses its contacts, which do not fall with it.
create table contacts (
    id uuid not null default gen_random_uuid(),
    first_name text,
    last_name text,
    full_name text generated always as (
        nullif(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')
    ) stored,
    email text,
    phone text,
    status text not null default 'lead',
    job_title text,
    source text,
    company_id uuid,
    owner_id uuid,
    tag_ids uuid[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    search tsvector generated always as (
        setweight(to_tsvector('simple', immutable_unaccent(
            left(coalesce(first_name, ''), 200) || ' ' || left(coalesce(last_name, ''), 200))), 'A')
        || setweight(to_tsvector('simple', immutable_unaccent(
            left(coalesce(email, ''), 320) || ' ' || left(coalesce(job_title, ''), 200))), 'B')
    ) stored,
    constraint contacts_pkey primary key (id),
    constraint contacts_company_id_fkey foreign key (company_id) references companies (id) on delete set null,
    constraint contacts_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint contacts_identity_check check (num_nonnulls(first_name, last_name, email) > 0),
    constraint contacts_first_name_check check (length(first_name) <= 200),
    constraint contacts_last_name_check check (length(last_name) <= 200),
    constraint contacts_email_check check (length(email) <= 320 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint contacts_phone_check check (length(phone) <= 50),
    constraint contacts_status_check check (status in ('lead', 'prospect', 'customer', 'inactive', 'archived')),
    constraint contacts_job_title_check check (length(job_title) <= 200),
    constraint contacts_source_check check (length(source) <= 200)
);
-- Unique among live records only: deleting a contact frees the address, and restoring a twin is refused by
-- this name.
create unique index contacts_email_key on contacts (lower(email)) where deleted_at is null;
create index contacts_company_id_idx on contacts (company_id);
create index contacts_owner_id_idx on contacts (owner_id);
create index contacts_status_idx on contacts (status);
create index contacts_tag_ids_idx on contacts using gin (tag_ids);
create index contacts_search_idx on contacts using gin (search);
create index contacts_trgm_idx on contacts using gin (
    full_name gin_trgm_ops, immutable_unaccent(full_name) gin_trgm_ops, email gin_trgm_ops);
create index contacts_deleted_at_idx on contacts (deleted_at) where deleted_at is not null;
create index contacts_deletion_id_idx on contacts (deletion_id) where deletion_id is not null;
create trigger contacts_stamp before insert or update on contacts
    for each row execute function stamp_record();
create trigger contacts_leave_deletion before update of deleted_at on contacts
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger contacts_versions before insert or update on contacts
    for each row execute function stamp_fields();

comment on table contacts is 'People you do business with.';
comment on column contacts.id is 'Identifies the contact.';
comment on column contacts.first_name is 'The given name.
@personal name';
comment on column contacts.last_name is 'The family name.
@personal name';
comment on column contacts.full_name is 'Given and family name together; computed.';
comment on column contacts.email is 'The e-mail address, which no two live contacts share.
@personal email linked';
comment on column contacts.phone is 'The telephone number.
@personal phone';
comment on column contacts.status is 'Where the relationship stands: lead, prospect, customer, inactive or archived.';
comment on column contacts.job_title is 'What the person does at the company.
@personal text';
comment on column contacts.source is 'Where the contact came from, for example referral or trade fair.
@personal text';
comment on column contacts.company_id is 'The company the person works for.';
comment on column contacts.tag_ids is 'The tags of the contact; follows contact_tags.';
comment on column contacts.search is 'Words for the full-text search; computed.';
comment on column contacts.owner_id is 'The member who looks after this record.';
comment on column contacts.created_at is 'When the record was created.';
comment on column contacts.updated_at is 'When the record was last changed.';
comment on column contacts.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column contacts.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column contacts.version is 'Counts the changes of the record, starting at 1.';
comment on column contacts.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column contacts.deleted_at is 'When the record was deleted; null while it is live.';
comment on column contacts.deletion_id is 'What records that were deleted together have in common; kept by the platform.';
