-- Consents: who agreed to what, when, by which words and how that is known (GDPR, article 7(1)). A change of mind is a new
-- entry, never a change of one.
create table consent_purposes (
    id uuid not null default gen_random_uuid(),
    key text not null,
    name text not null,
    text text not null,
    text_version integer not null default 1,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint consent_purposes_pkey primary key (id),
    constraint consent_purposes_key_key unique (key),
    constraint consent_purposes_key_check check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint consent_purposes_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint consent_purposes_text_check check (btrim(text) <> '' and length(text) <= 20000),
    constraint consent_purposes_text_version_check check (text_version > 0)
);
create trigger consent_purposes_stamp before insert or update on consent_purposes
    for each row execute function stamp_record();
create trigger consent_purposes_versions before insert or update on consent_purposes
    for each row execute function stamp_fields();

comment on table consent_purposes is 'What people are asked to agree to.
@access member:read';
comment on column consent_purposes.id is 'Identifies the purpose.';
comment on column consent_purposes.key is 'The name that programs use, for example newsletter.';
comment on column consent_purposes.name is 'The name people read.';
comment on column consent_purposes.text is 'The words people agree to.';
comment on column consent_purposes.text_version is 'Counts the wordings of the text; kept by the database.
@access read';
comment on column consent_purposes.archived_at is 'Since when nobody is asked any more; null while people are.';
comment on column consent_purposes.created_at is 'When the record was created.';
comment on column consent_purposes.updated_at is 'When the record was last changed.';
comment on column consent_purposes.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column consent_purposes.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column consent_purposes.version is 'Counts the changes of the record, starting at 1.';
comment on column consent_purposes.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

-- Another wording is another version: what was agreed to before was not this.
create function count_wording() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.text_version := case when tg_op = 'INSERT' then 1 when new.text = old.text then old.text_version
                             else old.text_version + 1 end;
    return new;
end
$$;
comment on function count_wording() is 'Trigger: text_version counts the wordings of a purpose.';
create trigger consent_purposes_wording before insert or update on consent_purposes
    for each row execute function count_wording();

insert into consent_purposes (key, name, text)
values ('marketing_email', 'News by e-mail', 'I agree to receive news and offers by e-mail. I can withdraw this at any time.'),
       ('marketing_phone', 'Calls', 'I agree to be called about news and offers. I can withdraw this at any time.');

-- contact_id: what was agreed is about the person and goes with them. Purposes are archived.
create table consents (
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    purpose_id uuid not null,
    decision text not null,
    lawful_basis text not null default 'consent',
    text_version integer,
    text_hash text,
    channel text not null,
    evidence jsonb not null default '{}',
    expires_at timestamptz,
    at timestamptz not null default clock_timestamp(),
    actor text not null default 'operator:' || session_user,
    constraint consents_pkey primary key (id),
    constraint consents_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint consents_purpose_id_fkey foreign key (purpose_id) references consent_purposes (id),
    constraint consents_decision_check check (decision in ('granted', 'withdrawn')),
    constraint consents_lawful_basis_check check (lawful_basis in (
        'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests')),
    constraint consents_channel_check check (btrim(channel) <> '' and length(channel) <= 100),
    constraint consents_evidence_check check (jsonb_typeof(evidence) = 'object'),
    constraint consents_expires_at_check check (expires_at > at)
);
create index consents_contact_id_idx on consents (contact_id, purpose_id, at desc, id desc);
create index consents_purpose_id_idx on consents (purpose_id);
comment on table consents is 'What people agreed to and took back, entry by entry; it is only added to.';
comment on column consents.id is 'Identifies the entry.';
comment on column consents.contact_id is 'Who decided.';
comment on column consents.purpose_id is 'About what.';
comment on column consents.decision is 'granted or withdrawn.';
comment on column consents.lawful_basis is 'Why the data may be used (GDPR, article 6(1)): consent, contract, legal_obligation, vital_interests, public_task or legitimate_interests.';
comment on column consents.text_version is 'The wording that was shown; the purpose''s own at that time unless it is given.';
comment on column consents.text_hash is 'The SHA-256 of the wording, in hexadecimal; computed.
@access read';
comment on column consents.channel is 'How it was said, for example web form, phone or paper.';
comment on column consents.evidence is 'What shows it: an object, for example with the address of the form.
@personal json';
comment on column consents.expires_at is 'Until when it holds; null means until it is withdrawn.';
comment on column consents.at is 'When it was said.';
comment on column consents.actor is 'Who wrote it down: user:<id>, key:<id> or operator:<name>.
@personal account
@access read';

-- Fills in what is known better than by the writer, and lets nobody rewrite the past: only a purge of the person removes
-- entries, which PostgreSQL does as the owner of the table.
create function keep_consent() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
declare
    said text := coalesce(current_setting('tenantry.actor', true), '');
    purpose record;
begin
    if tg_op <> 'INSERT' then
        if pg_catalog.pg_get_userbyid((select c.relowner from pg_catalog.pg_class c where c.oid = tg_relid)) = current_user then
            return case tg_op when 'DELETE' then old else new end;
        end if;
        raise exception 'consents are only added to' using errcode = 'insufficient_privilege',
            hint = 'write a new entry with the decision withdrawn';
    end if;
    execute format('select p.text, p.text_version from %I.consent_purposes p where p.id = $1', tg_table_schema)
        into purpose using new.purpose_id;
    new.text_version := coalesce(new.text_version, purpose.text_version);
    if new.text_version not between 1 and purpose.text_version then
        raise exception 'there is no wording % of this purpose', new.text_version using
            errcode = 'check_violation', table = 'consents', column = 'text_version',
            constraint = 'consents_text_version_check', hint = 'leave it out for the wording of today';
    end if;
    new.text_hash := case when new.text_version = purpose.text_version
        then encode(sha256(convert_to(purpose.text, 'UTF8')), 'hex') end;
    new.actor := case
        when session_user = 'tenantry_server' and said <> '' or starts_with(said, 'operator:') then said
        else 'operator:' || session_user
    end;
    if not starts_with(new.actor, 'operator:') then
        new.at := clock_timestamp();
    elsif new.at > clock_timestamp() then
        -- No later word could take it back.
        raise exception 'nobody has decided in the future' using
            errcode = 'check_violation', table = 'consents', column = 'at', constraint = 'consents_at_check';
    end if;
    return new;
end
$$;
comment on function keep_consent() is 'Trigger: consents are only added to.';
create trigger consents_keep before insert or update or delete on consents
    for each row execute function keep_consent();

-- What holds now, per person and purpose.
create view current_consents as
select distinct on (c.contact_id, c.purpose_id)
       c.contact_id, c.purpose_id, p.key as purpose, c.id as consent_id, c.decision, c.lawful_basis, c.text_version,
       c.text_version = p.text_version as is_current_wording, c.at, c.expires_at,
       c.decision = 'granted' and (c.expires_at is null or c.expires_at > now()) as is_granted
  from consents c
  join consent_purposes p on p.id = c.purpose_id
 order by c.contact_id, c.purpose_id, c.at desc, c.id desc;
comment on view current_consents is 'What each person has last said about each purpose.
@access read';
comment on column current_consents.contact_id is 'Who decided.';
comment on column current_consents.purpose_id is 'About what.';
comment on column current_consents.purpose is 'The key of the purpose.';
comment on column current_consents.consent_id is 'The entry that says so.';
comment on column current_consents.decision is 'granted or withdrawn.';
comment on column current_consents.lawful_basis is 'Why the data may be used.';
comment on column current_consents.text_version is 'The wording that was shown.';
comment on column current_consents.is_current_wording is 'Whether that is the wording of today.';
comment on column current_consents.at is 'When it was said.';
comment on column current_consents.expires_at is 'Until when it holds.';
comment on column current_consents.is_granted is 'Whether it is granted and has not expired.';

create function gdpr_consent(contacts) returns boolean language sql stable as $$
    select exists (select from consents c where c.contact_id = $1.id and c.decision = 'granted'
                      and (c.expires_at is null or c.expires_at > now())
                      and not exists (select from consents l where l.contact_id = c.contact_id
                                         and l.purpose_id = c.purpose_id and (l.at, l.id) > (c.at, c.id)))
$$;
comment on function gdpr_consent(contacts) is 'Whether the person has agreed to anything that still holds.';
