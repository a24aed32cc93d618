-- When staff can be booked: working hours by the clock on the wall, what differs on single days, and time off.

-- A schedule is in force on the days from valid_from to valid_until, and no two are on the same day. Where none is, nothing
-- can be booked.
create table schedules (
    id uuid not null default gen_random_uuid(),
    staff_id uuid not null,
    name text not null default 'Working hours',
    time_zone text not null,
    valid_from date,
    valid_until date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint schedules_pkey primary key (id),
    constraint schedules_staff_id_fkey foreign key (staff_id) references staff (id) on delete cascade,
    constraint schedules_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint schedules_valid_until_check check (valid_until >= valid_from),
    constraint schedules_overlap_excl exclude using gist (
        staff_id with =, daterange(valid_from, valid_until, '[]') with &&) where (deleted_at is null)
);
create index schedules_staff_id_idx on schedules (staff_id);
create trigger schedules_time_zone before insert or update of time_zone on schedules
    for each row when (new.time_zone is not null) execute function check_time_zone();
create index schedules_deleted_at_idx on schedules (deleted_at) where deleted_at is not null;
create index schedules_deletion_id_idx on schedules (deletion_id) where deletion_id is not null;
create trigger schedules_stamp before insert or update on schedules
    for each row execute function stamp_record();
create trigger schedules_leave_deletion before update of deleted_at on schedules
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger schedules_versions before insert or update on schedules
    for each row execute function stamp_fields();

comment on table schedules is 'Working hours of staff, for a time.
@access member:read';
comment on column schedules.id is 'Identifies the schedule.';
comment on column schedules.staff_id is 'Whose working hours they are.';
comment on column schedules.name is 'What the schedule is called.';
comment on column schedules.time_zone is 'The zone whose clocks it goes by, by its IANA name.';
comment on column schedules.valid_from is 'The first day on which it is in force; null means ever since.';
comment on column schedules.valid_until is 'The last day on which it is in force; null means until further notice.';
comment on column schedules.created_at is 'When the record was created.';
comment on column schedules.updated_at is 'When the record was last changed.';
comment on column schedules.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column schedules.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column schedules.version is 'Counts the changes of the record, starting at 1.';
comment on column schedules.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column schedules.deleted_at is 'When the record was deleted; null while it is live.';
comment on column schedules.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

create table schedule_rules (
    id uuid not null default gen_random_uuid(),
    schedule_id uuid not null,
    weekday smallint not null,
    start_local time not null,
    end_local time not null,
    created_at timestamptz not null default now(),
    constraint schedule_rules_pkey primary key (id),
    constraint schedule_rules_schedule_id_fkey foreign key (schedule_id) references schedules (id) on delete cascade,
    constraint schedule_rules_weekday_check check (weekday between 1 and 7),
    constraint schedule_rules_end_local_check check (end_local > start_local),
    constraint schedule_rules_minutes_check check (
        extract(second from start_local) = 0 and extract(second from end_local) = 0),
    constraint schedule_rules_overlap_excl exclude using gist (
        schedule_id with =, weekday with =,
        int4range((extract(epoch from start_local) / 60)::integer, (extract(epoch from end_local) / 60)::integer) with &&)
);
create index schedule_rules_schedule_id_idx on schedule_rules (schedule_id, weekday);
comment on table schedule_rules is 'The hours of a weekday; a day may have several, and one without any is free.
@access member:read';
comment on column schedule_rules.id is 'Identifies the rule.';
comment on column schedule_rules.schedule_id is 'The schedule it is part of.';
comment on column schedule_rules.weekday is 'The day of the week, from 1 for Monday to 7 for Sunday (ISO 8601).';
comment on column schedule_rules.start_local is 'From when, by the clocks of the schedule''s zone, to the minute.';
comment on column schedule_rules.end_local is 'Until when; 24:00 is the end of the day.';
comment on column schedule_rules.created_at is 'When the rule was made.';

-- What is said of a day replaces the rules of its weekday.
create table schedule_overrides (
    id uuid not null default gen_random_uuid(),
    schedule_id uuid not null,
    day date not null,
    start_local time,
    end_local time,
    reason text,
    created_at timestamptz not null default now(),
    constraint schedule_overrides_pkey primary key (id),
    constraint schedule_overrides_schedule_id_fkey foreign key (schedule_id) references schedules (id) on delete cascade,
    constraint schedule_overrides_hours_check check ((start_local is null) = (end_local is null)),
    constraint schedule_overrides_end_local_check check (end_local > start_local),
    constraint schedule_overrides_minutes_check check (
        extract(second from start_local) = 0 and extract(second from end_local) = 0),
    constraint schedule_overrides_reason_check check (length(reason) <= 500),
    -- Closed is the whole day, so that a day is either closed or has hours.
    constraint schedule_overrides_overlap_excl exclude using gist (
        schedule_id with =, day with =,
        int4range((extract(epoch from coalesce(start_local, '00:00')) / 60)::integer,
                  (extract(epoch from coalesce(end_local, '24:00')) / 60)::integer) with &&)
);
create index schedule_overrides_schedule_id_idx on schedule_overrides (schedule_id, day);
comment on table schedule_overrides is 'Days on which other hours hold than those of their weekday, or none.
@access member:read';
comment on column schedule_overrides.id is 'Identifies the entry.';
comment on column schedule_overrides.schedule_id is 'The schedule it is part of.';
comment on column schedule_overrides.day is 'The day.';
comment on column schedule_overrides.start_local is 'From when, by the clocks of the schedule''s zone; null on a day that is closed.';
comment on column schedule_overrides.end_local is 'Until when; null on a day that is closed.';
comment on column schedule_overrides.reason is 'Why, for example the name of a holiday.
@personal text';
comment on column schedule_overrides.created_at is 'When the entry was made.';

create table time_off (
    id uuid not null default gen_random_uuid(),
    staff_id uuid not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint time_off_pkey primary key (id),
    constraint time_off_staff_id_fkey foreign key (staff_id) references staff (id) on delete cascade,
    constraint time_off_ends_at_check check (ends_at > starts_at),
    constraint time_off_reason_check check (length(reason) <= 500),
    constraint time_off_overlap_excl exclude using gist (staff_id with =, tstzrange(starts_at, ends_at) with &&)
);
create index time_off_staff_id_idx on time_off (staff_id, starts_at);
create trigger time_off_stamp before insert or update on time_off
    for each row execute function stamp_record();
create trigger time_off_versions before insert or update on time_off
    for each row execute function stamp_fields();

comment on table time_off is 'When staff cannot be booked, whatever their working hours are.
@access member:read';
comment on column time_off.id is 'Identifies the entry.';
comment on column time_off.staff_id is 'Who is away.';
comment on column time_off.starts_at is 'From when.';
comment on column time_off.ends_at is 'Until when.';
comment on column time_off.reason is 'Why.
@personal text';
comment on column time_off.created_at is 'When the record was created.';
comment on column time_off.updated_at is 'When the record was last changed.';
comment on column time_off.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column time_off.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column time_off.version is 'Counts the changes of the record, starting at 1.';
comment on column time_off.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
