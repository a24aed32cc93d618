-- What can be booked, with whom and when.

-- Times of a working day are wall-clock times, and what they mean is known only together with a zone that PostgreSQL knows.
create function check_time_zone() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    perform now() at time zone new.time_zone;
    return new;
exception when invalid_parameter_value then
    raise exception '"%" is no time zone', new.time_zone using
        errcode = 'check_violation', table = tg_table_name, column = 'time_zone',
        constraint = tg_table_name || '_time_zone_check', hint = 'a name of the IANA database, for example Europe/Berlin';
end
$$;
comment on function check_time_zone() is 'Trigger: time_zone is a zone that PostgreSQL knows.';
create trigger contacts_time_zone before insert or update of time_zone on contacts
    for each row when (new.time_zone is not null) execute function check_time_zone();

create table services (
    id uuid not null default gen_random_uuid(),
    name text not null,
    description text,
    duration_minutes integer not null,
    price numeric(19, 4),
    currency char(3) not null default 'EUR',
    buffer_before_minutes integer not null default 0,
    buffer_after_minutes integer not null default 0,
    min_notice_minutes integer not null default 0,
    max_advance_days integer not null default 90,
    slot_step_minutes integer,
    requires_confirmation boolean not null default false,
    color text,
    position integer not null default 0,
    active boolean not null default true,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint services_pkey primary key (id),
    constraint services_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint services_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint services_description_check check (length(description) <= 10000),
    constraint services_duration_minutes_check check (duration_minutes between 1 and 1440),
    constraint services_price_check check (price >= 0 and price <> 'NaN'),
    constraint services_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint services_buffer_before_minutes_check check (buffer_before_minutes between 0 and 1440),
    constraint services_buffer_after_minutes_check check (buffer_after_minutes between 0 and 1440),
    constraint services_min_notice_minutes_check check (min_notice_minutes between 0 and 525600),
    constraint services_max_advance_days_check check (max_advance_days between 1 and 730),
    constraint services_slot_step_minutes_check check (slot_step_minutes between 5 and 1440),
    constraint services_color_check check (color ~ '^#[0-9a-f]{6}$')
);
create unique index services_name_key on services (lower(name)) where deleted_at is null;
create index services_owner_id_idx on services (owner_id);
create index services_deleted_at_idx on services (deleted_at) where deleted_at is not null;
create index services_deletion_id_idx on services (deletion_id) where deletion_id is not null;
create trigger services_stamp before insert or update on services
    for each row execute function stamp_record();
create trigger services_leave_deletion before update of deleted_at on services
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger services_versions before insert or update on services
    for each row execute function stamp_fields();

comment on table services is 'What people can book.
@access member:read';
comment on column services.id is 'Identifies the service.';
comment on column services.name is 'The name of the service.';
comment on column services.description is 'What it is, at length.';
comment on column services.duration_minutes is 'How long it takes, in minutes.';
comment on column services.price is 'What it costs, in its currency.';
comment on column services.currency is 'The currency of the price, as an ISO 4217 code.';
comment on column services.buffer_before_minutes is 'For how long nothing else may be booked before it, in minutes.';
comment on column services.buffer_after_minutes is 'For how long nothing else may be booked after it, in minutes.';
comment on column services.min_notice_minutes is 'How long before its beginning it must be booked, in minutes.';
comment on column services.max_advance_days is 'How many days ahead it can be booked.';
comment on column services.slot_step_minutes is 'How far apart the beginnings of two slots are, in minutes; null means the duration.';
comment on column services.requires_confirmation is 'Whether what the public books waits for somebody to confirm it.';
comment on column services.color is 'The colour to show, as #rrggbb.';
comment on column services.position is 'The place among the services, smallest first.';
comment on column services.active is 'Whether it can be booked.';
comment on column services.owner_id is 'The member who looks after this record.';
comment on column services.created_at is 'When the record was created.';
comment on column services.updated_at is 'When the record was last changed.';
comment on column services.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column services.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column services.version is 'Counts the changes of the record, starting at 1.';
comment on column services.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column services.deleted_at is 'When the record was deleted; null while it is live.';
comment on column services.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

create table staff (
    id uuid not null default gen_random_uuid(),
    name text not null,
    email text,
    member_id uuid,
    time_zone text not null default 'UTC',
    color text,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint staff_pkey primary key (id),
    constraint staff_member_id_fkey foreign key (member_id) references members (id) on delete set null,
    constraint staff_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint staff_email_check check (length(email) <= 320 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    constraint staff_color_check check (color ~ '^#[0-9a-f]{6}$')
);
create unique index staff_member_id_key on staff (member_id) where deleted_at is null;
create index staff_member_id_idx on staff (member_id);
create trigger staff_time_zone before insert or update of time_zone on staff
    for each row when (new.time_zone is not null) execute function check_time_zone();
create index staff_deleted_at_idx on staff (deleted_at) where deleted_at is not null;
create index staff_deletion_id_idx on staff (deletion_id) where deletion_id is not null;
create trigger staff_stamp before insert or update on staff
    for each row execute function stamp_record();
create trigger staff_leave_deletion before update of deleted_at on staff
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger staff_versions before insert or update on staff
    for each row execute function stamp_fields();

comment on table staff is 'The people, rooms or things that appointments are made with; they need no account.
@access member:read';
comment on column staff.id is 'Identifies the person, room or thing.';
comment on column staff.name is 'The name to show.
@personal name';
comment on column staff.email is 'The e-mail address.
@personal email linked';
comment on column staff.member_id is 'The member it is, if it is one.';
comment on column staff.time_zone is 'The zone of its working hours where no schedule says otherwise, by its IANA name.';
comment on column staff.color is 'The colour to show, as #rrggbb.';
comment on column staff.active is 'Whether it can be booked.';
comment on column staff.created_at is 'When the record was created.';
comment on column staff.updated_at is 'When the record was last changed.';
comment on column staff.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column staff.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column staff.version is 'Counts the changes of the record, starting at 1.';
comment on column staff.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column staff.deleted_at is 'When the record was deleted; null while it is live.';
comment on column staff.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

create table staff_services (
    staff_id uuid not null,
    service_id uuid not null,
    created_at timestamptz not null default now(),
    constraint staff_services_pkey primary key (staff_id, service_id),
    constraint staff_services_staff_id_fkey foreign key (staff_id) references staff (id) on delete cascade,
    constraint staff_services_service_id_fkey foreign key (service_id) references services (id) on delete cascade
);
create index staff_services_service_id_idx on staff_services (service_id);
comment on table staff_services is 'Who does what.
@access member:read';
comment on column staff_services.staff_id is 'Who does it.';
comment on column staff_services.service_id is 'The service.';
comment on column staff_services.created_at is 'Since when.';
