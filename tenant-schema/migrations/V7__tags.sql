-- Tags and what they are attached to. The link tables are the truth; tag_ids on the record is an index of
-- them, for filters.
create table tags (
    id uuid not null default gen_random_uuid(),
    name text not null,
    color text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint tags_pkey primary key (id),
    constraint tags_name_check check (btrim(name) <> '' and length(name) <= 100),
    constraint tags_color_check check (color ~ '^#[0-9a-f]{6}$')
);
create unique index tags_name_key on tags (lower(name));
create trigger tags_stamp before insert or update on tags
    for each row execute function stamp_record();
create trigger tags_versions before insert or update on tags
    for each row execute function stamp_fields();

comment on table tags is 'Words to group contacts, companies and deals by.';
comment on column tags.id is 'Identifies the tag.';
comment on column tags.name is 'The word; no two tags share it.';
comment on column tags.color is 'The colour to show, as #rrggbb.';
comment on column tags.created_at is 'When the record was created.';
comment on column tags.updated_at is 'When the record was last changed.';
comment on column tags.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column tags.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column tags.version is 'Counts the changes of the record, starting at 1.';
comment on column tags.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

-- Carries a change of the links over to tag_ids. Arguments: the tagged table, and the link's column that
-- points to it. It adds and removes instead of counting anew: an UPDATE that waited for another transaction's
-- lock sees the other's row but not the other's links, so counting anew would lose a tag attached at the same
-- moment.
create function sync_tag_ids() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        execute format(
            'update %I.%I r
                set tag_ids = array(select t.id from unnest(r.tag_ids) as t (id) where t.id <> all (l.tag_ids))
               from (select %I as record_id, array_agg(tag_id) as tag_ids from removed group by 1) l
              where r.id = l.record_id', tg_table_schema, tg_argv[0], tg_argv[1]);
    end if;
    if tg_op <> 'DELETE' then
        execute format(
            'update %I.%I r set tag_ids = r.tag_ids || l.tag_ids
               from (select %I as record_id, array_agg(tag_id order by tag_id) as tag_ids from added group by 1) l
              where r.id = l.record_id', tg_table_schema, tg_argv[0], tg_argv[1]);
    end if;
    return null;
end
$$;
comment on function sync_tag_ids() is 'Trigger: carries contact_tags, company_tags and deal_tags over to tag_ids.';

-- tag_ids is written by sync_tag_ids() only: a write that comes from no trigger changes nothing.
create function keep_tag_ids() returns trigger language plpgsql as $$
begin
    new.tag_ids := case when tg_op = 'INSERT' then '{}'::uuid[] else old.tag_ids end;
    return new;
end
$$;
comment on function keep_tag_ids() is 'Trigger: tag_ids is not written directly.';
create trigger contacts_keep_tag_ids before insert or update of tag_ids on contacts
    for each row when (pg_trigger_depth() = 0) execute function keep_tag_ids();
create trigger companies_keep_tag_ids before insert or update of tag_ids on companies
    for each row when (pg_trigger_depth() = 0) execute function keep_tag_ids();
create trigger deals_keep_tag_ids before insert or update of tag_ids on deals
    for each row when (pg_trigger_depth() = 0) execute function keep_tag_ids();

create table contact_tags (
    contact_id uuid not null,
    tag_id uuid not null,
    created_at timestamptz not null default now(),
    constraint contact_tags_pkey primary key (contact_id, tag_id),
    constraint contact_tags_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint contact_tags_tag_id_fkey foreign key (tag_id) references tags (id) on delete cascade
);
create index contact_tags_tag_id_idx on contact_tags (tag_id);
comment on table contact_tags is 'Which tags a contact bears.';
comment on column contact_tags.contact_id is 'The tagged contact.';
comment on column contact_tags.tag_id is 'The tag.';
comment on column contact_tags.created_at is 'When the tag was attached.';
create trigger contact_tags_sync_insert after insert on contact_tags referencing new table as added
    for each statement execute function sync_tag_ids('contacts', 'contact_id');
create trigger contact_tags_sync_update after update on contact_tags referencing old table as removed new table as added
    for each statement execute function sync_tag_ids('contacts', 'contact_id');
create trigger contact_tags_sync_delete after delete on contact_tags referencing old table as removed
    for each statement execute function sync_tag_ids('contacts', 'contact_id');

create table company_tags (
    company_id uuid not null,
    tag_id uuid not null,
    created_at timestamptz not null default now(),
    constraint company_tags_pkey primary key (company_id, tag_id),
    constraint company_tags_company_id_fkey foreign key (company_id) references companies (id) on delete cascade,
    constraint company_tags_tag_id_fkey foreign key (tag_id) references tags (id) on delete cascade
);
create index company_tags_tag_id_idx on company_tags (tag_id);
comment on table company_tags is 'Which tags a company bears.';
comment on column company_tags.company_id is 'The tagged company.';
comment on column company_tags.tag_id is 'The tag.';
comment on column company_tags.created_at is 'When the tag was attached.';
create trigger company_tags_sync_insert after insert on company_tags referencing new table as added
    for each statement execute function sync_tag_ids('companies', 'company_id');
create trigger company_tags_sync_update after update on company_tags referencing old table as removed new table as added
    for each statement execute function sync_tag_ids('companies', 'company_id');
create trigger company_tags_sync_delete after delete on company_tags referencing old table as removed
    for each statement execute function sync_tag_ids('companies', 'company_id');

create table deal_tags (
    deal_id uuid not null,
    tag_id uuid not null,
    created_at timestamptz not null default now(),
    constraint deal_tags_pkey primary key (deal_id, tag_id),
    constraint deal_tags_deal_id_fkey foreign key (deal_id) references deals (id) on delete cascade,
    constraint deal_tags_tag_id_fkey foreign key (tag_id) references tags (id) on delete cascade
);
create index deal_tags_tag_id_idx on deal_tags (tag_id);
comment on table deal_tags is 'Which tags a deal bears.';
comment on column deal_tags.deal_id is 'The tagged deal.';
comment on column deal_tags.tag_id is 'The tag.';
comment on column deal_tags.created_at is 'When the tag was attached.';
create trigger deal_tags_sync_insert after insert on deal_tags referencing new table as added
    for each statement execute function sync_tag_ids('deals', 'deal_id');
create trigger deal_tags_sync_update after update on deal_tags referencing old table as removed new table as added
    for each statement execute function sync_tag_ids('deals', 'deal_id');
create trigger deal_tags_sync_delete after delete on deal_tags referencing old table as removed
    for each statement execute function sync_tag_ids('deals', 'deal_id');
