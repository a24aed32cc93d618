-- More ways to reach a person than the main address and the main number, which stay on the contact itself; and what the
-- law asks about the person.
create table contact_points (
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    email text,
    phone text,
    phone_digits text generated always as (nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '')) stored,
    label text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint contact_points_pkey primary key (id),
    constraint contact_points_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint contact_points_kind_check check ((email is null) <> (phone is null)),
    constraint contact_points_email_check check (length(email) <= 320 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint contact_points_phone_check check (length(phone) <= 50 and phone ~ '[0-9]'),
    constraint contact_points_label_check check (length(label) <= 100)
);
create unique index contact_points_email_key on contact_points (contact_id, lower(email)) where deleted_at is null;
create unique index contact_points_phone_key on contact_points (contact_id, phone) where deleted_at is null;
create index contact_points_contact_id_idx on contact_points (contact_id);
create index contact_points_email_idx on contact_points (lower(email));
create index contact_points_trgm_idx on contact_points using gin (email gin_trgm_ops, phone_digits gin_trgm_ops);
create index contact_points_deleted_at_idx on contact_points (deleted_at) where deleted_at is not null;
create index contact_points_deletion_id_idx on contact_points (deletion_id) where deletion_id is not null;
create trigger contact_points_stamp before insert or update on contact_points
    for each row execute function stamp_record();
create trigger contact_points_leave_deletion before update of deleted_at on contact_points
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger contact_points_versions before insert or update on contact_points
    for each row execute function stamp_fields();

comment on table contact_points is 'Further e-mail addresses and telephone numbers of contacts, one in each row.';
comment on column contact_points.id is 'Identifies the contact point.';
comment on column contact_points.contact_id is 'Whose it is.';
comment on column contact_points.email is 'The address, if it is one.
@personal email linked';
comment on column contact_points.phone is 'The number, if it is one.
@personal phone';
comment on column contact_points.phone_digits is 'The digits of the number; computed.';
comment on column contact_points.label is 'What it is for, for example private or assistant.
@personal text';
comment on column contact_points.created_at is 'When the record was created.';
comment on column contact_points.updated_at is 'When the record was last changed.';
comment on column contact_points.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column contact_points.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column contact_points.version is 'Counts the changes of the record, starting at 1.';
comment on column contact_points.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column contact_points.deleted_at is 'When the record was deleted; null while it is live.';
comment on column contact_points.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

alter table contacts
    add column phone_digits text generated always as (nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '')) stored,
    add column processing_restricted_at timestamptz,
    add column time_zone text,
    add column locale text,
    add constraint contacts_time_zone_check check (length(time_zone) <= 60),
    add constraint contacts_locale_check check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' and length(locale) <= 35);
create index contacts_phone_digits_idx on contacts using gin (phone_digits gin_trgm_ops);
comment on column contacts.phone_digits is 'The digits of the telephone number; computed.';
comment on column contacts.processing_restricted_at is 'Since when the record may only be stored, not used (GDPR, article 18); null if it may be.';
comment on column contacts.time_zone is 'The time zone of the person, by its IANA name, for example Europe/Berlin.
@personal keep';
comment on column contacts.locale is 'The language of the person, as a BCP 47 tag, for example de or pt-BR.
@personal keep';
