-- Appointments. That nobody is booked twice is a constraint, so it holds for whoever writes, also in psql and by imports.
--
-- contact_id: the appointment took place and stays when the person is purged. service_id, staff_id: what has appointments is
-- deleted (which hides it), not purged.
create table appointments (
    id uuid not null default gen_random_uuid(),
    service_id uuid not null,
    staff_id uuid not null,
    contact_id uuid,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    buffer_before_minutes integer,
    buffer_after_minutes integer,
    busy tstzrange,
    time_zone text,
    status text not null default 'scheduled',
    hold_expires_at timestamptz,
    price numeric(19, 4),
    currency char(3),
    source text not null default 'api',
    note text,
    cancel_reason text,
    rescheduled_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint appointments_pkey primary key (id),
    constraint appointments_service_id_fkey foreign key (service_id) references services (id),
    constraint appointments_staff_id_fkey foreign key (staff_id) references staff (id),
    constraint appointments_contact_id_fkey foreign key (contact_id) references contacts (id) on delete set null,
    constraint appointments_starts_at_check check (isfinite(starts_at)),
    constraint appointments_ends_at_check check (ends_at > starts_at and isfinite(ends_at)),
    constraint appointments_busy_check check (busy is not null and busy @> tstzrange(starts_at, ends_at)),
    constraint appointments_status_check check (
        status in ('held', 'scheduled', 'confirmed', 'completed', 'cancelled', 'no_show')),
    constraint appointments_hold_expires_at_check check ((status = 'held') = (hold_expires_at is not null)),
    constraint appointments_buffer_before_minutes_check check (buffer_before_minutes between 0 and 1440),
    constraint appointments_buffer_after_minutes_check check (buffer_after_minutes between 0 and 1440),
    constraint appointments_price_check check (price >= 0 and price <> 'NaN'),
    constraint appointments_currency_check check (currency ~ '^[A-Z]{3}$' and (price is null or currency is not null)),
    constraint appointments_source_check check (source in ('api', 'widget', 'import')),
    constraint appointments_note_check check (length(note) <= 5000),
    constraint appointments_cancel_reason_check check (length(cancel_reason) <= 1000),
    -- What is over, cancelled, missed or deleted keeps nobody busy.
    constraint appointments_overlap_excl exclude using gist (staff_id with =, busy with &&)
        where (status in ('held', 'scheduled', 'confirmed') and deleted_at is null)
);
create index appointments_service_id_idx on appointments (service_id);
create index appointments_staff_id_idx on appointments (staff_id, starts_at);
create index appointments_contact_id_idx on appointments (contact_id, starts_at);
create index appointments_starts_at_idx on appointments (starts_at);
create index appointments_hold_expires_at_idx on appointments (hold_expires_at) where status = 'held';
create trigger appointments_time_zone before insert or update of time_zone on appointments
    for each row when (new.time_zone is not null) execute function check_time_zone();
create index appointments_deleted_at_idx on appointments (deleted_at) where deleted_at is not null;
create index appointments_deletion_id_idx on appointments (deletion_id) where deletion_id is not null;
create trigger appointments_stamp before insert or update on appointments
    for each row execute function stamp_record();
create trigger appointments_leave_deletion before update of deleted_at on appointments
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger appointments_versions before insert or update on appointments
    for each row execute function stamp_fields();

comment on table appointments is 'What was booked: a service, with whom, and when.';
comment on column appointments.id is 'Identifies the appointment.';
comment on column appointments.service_id is 'What was booked.';
comment on column appointments.staff_id is 'With whom.';
comment on column appointments.contact_id is 'For whom; null for a hold, and once the person is erased.';
comment on column appointments.starts_at is 'When it begins.';
comment on column appointments.ends_at is 'When it ends.';
comment on column appointments.buffer_before_minutes is 'The time kept free before it, in minutes; that of the service when it was booked.';
comment on column appointments.buffer_after_minutes is 'The time kept free after it, in minutes; that of the service when it was booked.';
comment on column appointments.busy is 'When nothing else can be booked because of it: from the buffer before it to the buffer after it; computed.
@access read';
comment on column appointments.time_zone is 'The zone of the person who booked, by its IANA name.';
comment on column appointments.status is 'held, scheduled, confirmed, completed, cancelled or no_show.';
comment on column appointments.hold_expires_at is 'Until when a hold keeps its slot, an hour ahead at most.';
comment on column appointments.price is 'What it costs; that of the service when it was booked.';
comment on column appointments.currency is 'The currency of the price, as an ISO 4217 code.';
comment on column appointments.source is 'How it was booked: api, widget or import.';
comment on column appointments.note is 'What the person said when booking.
@personal text';
comment on column appointments.cancel_reason is 'Why it was cancelled.
@personal text';
comment on column appointments.rescheduled_count is 'How often it was moved; kept by the database.
@access read';
comment on column appointments.created_at is 'When the record was created.';
comment on column appointments.updated_at is 'When the record was last changed.';
comment on column appointments.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column appointments.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column appointments.version is 'Counts the changes of the record, starting at 1.';
comment on column appointments.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column appointments.deleted_at is 'When the record was deleted; null while it is live.';
comment on column appointments.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

-- What follows from the rest, and which status may follow which. An operator may bring appointments in any status, for
-- imports. Named to fire after appointments_stamp, which says who writes.
create function follow_appointment() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
declare
    is_new boolean := tg_op = 'INSERT';
    allowed text[];
    service record;
begin
    if is_new or new.service_id <> old.service_id then
        execute format('select s.buffer_before_minutes, s.buffer_after_minutes, s.price, s.currency
                          from %I.services s where s.id = $1', tg_table_schema)
            into service using new.service_id;
        if (is_new and new.buffer_before_minutes is null)
           or (not is_new and new.buffer_before_minutes is not distinct from old.buffer_before_minutes) then
            new.buffer_before_minutes := service.buffer_before_minutes;
        end if;
        if (is_new and new.buffer_after_minutes is null)
           or (not is_new and new.buffer_after_minutes is not distinct from old.buffer_after_minutes) then
            new.buffer_after_minutes := service.buffer_after_minutes;
        end if;
        -- Unless the same write says what it costs.
        if (is_new and new.price is null) or (not is_new and new.price is not distinct from old.price) then
            new.price := service.price;
            new.currency := service.currency;
        end if;
    end if;
    if new.ends_at > new.starts_at then
        new.busy := tstzrange(new.starts_at - make_interval(mins => coalesce(new.buffer_before_minutes, 0)),
                              new.ends_at + make_interval(mins => coalesce(new.buffer_after_minutes, 0)));
    end if;
    allowed := case
        when is_new then array['held', 'scheduled', 'confirmed']
        else case old.status
            when 'held' then array['scheduled', 'confirmed', 'cancelled']
            when 'scheduled' then array['confirmed', 'completed', 'cancelled', 'no_show']
            when 'confirmed' then array['completed', 'cancelled', 'no_show']
            else '{}' end
    end;
    if not (new.status = any (allowed) or (not is_new and new.status = old.status)
            or (is_new and starts_with(new.updated_by, 'operator:'))) then
        raise exception 'an appointment that is % cannot become %', coalesce(old.status, 'new'), new.status using
            errcode = 'check_violation', table = 'appointments', column = 'status',
            constraint = 'appointments_status_transition',
            hint = 'allowed: ' || coalesce(nullif(array_to_string(allowed, ', '), ''), 'nothing');
    end if;
    if new.status <> 'held' then
        new.hold_expires_at := null;
    end if;
    -- What is over keeps nobody busy, and a hold does until somebody ends it: neither may be a way around the calendar. A minute
    -- more than is said, because whoever writes may go by a clock that is a little ahead of this one.
    if not starts_with(new.updated_by, 'operator:') then
        if new.status in ('completed', 'no_show') and (is_new or new.status <> old.status) and new.starts_at > clock_timestamp() + interval '1 minute' then
            raise exception 'an appointment that has not begun cannot become %', new.status using
                errcode = 'check_violation', table = 'appointments', column = 'status',
                constraint = 'appointments_begun', hint = 'it begins at ' || new.starts_at::text;
        end if;
        if new.hold_expires_at > clock_timestamp() + interval '61 minutes' then
            raise exception 'a hold lasts an hour at most' using
                errcode = 'check_violation', table = 'appointments', column = 'hold_expires_at',
                constraint = 'appointments_hold_limit', hint = 'let it expire earlier, and ask for another when it has';
        end if;
    end if;
    if is_new then
        new.rescheduled_count := 0;
    elsif (new.starts_at, new.ends_at, new.staff_id) is distinct from (old.starts_at, old.ends_at, old.staff_id) then
        if old.status not in ('held', 'scheduled', 'confirmed') then
            raise exception 'an appointment that is % cannot be moved', old.status using
                errcode = 'check_violation', table = 'appointments', column = 'starts_at',
                constraint = 'appointments_status_transition', hint = 'allowed: nothing';
        end if;
        new.rescheduled_count := old.rescheduled_count + 1;
    else
        new.rescheduled_count := old.rescheduled_count;
    end if;
    return new;
end
$$;
comment on function follow_appointment() is 'Trigger: keeps busy, price and buffers of an appointment, and the order of its statuses.';
create trigger appointments_track before insert or update on appointments
    for each row execute function follow_appointment();

create table appointment_events (
    id uuid not null default gen_random_uuid(),
    appointment_id uuid not null,
    at timestamptz not null default clock_timestamp(),
    from_status text,
    to_status text not null,
    from_starts_at timestamptz,
    to_starts_at timestamptz not null,
    from_staff_id uuid,
    to_staff_id uuid not null,
    reason text,
    actor text not null,
    constraint appointment_events_pkey primary key (id),
    constraint appointment_events_appointment_id_fkey foreign key (appointment_id)
        references appointments (id) on delete cascade
);
create index appointment_events_appointment_id_idx on appointment_events (appointment_id, at);
comment on table appointment_events is 'What became of an appointment, step by step; written by the database itself.
@access read';
comment on column appointment_events.id is 'Identifies the entry.';
comment on column appointment_events.appointment_id is 'The appointment.';
comment on column appointment_events.at is 'When it happened.';
comment on column appointment_events.from_status is 'The status before; null for a new appointment.';
comment on column appointment_events.to_status is 'The status after.';
comment on column appointment_events.from_starts_at is 'When it was to begin before; null for a new appointment.';
comment on column appointment_events.to_starts_at is 'When it begins after.';
comment on column appointment_events.from_staff_id is 'With whom it was before; null for a new appointment.';
comment on column appointment_events.to_staff_id is 'With whom it is after.';
comment on column appointment_events.reason is 'Why it was cancelled.
@personal text';
comment on column appointment_events.actor is 'Who did it: user:<id>, key:<id> or operator:<name>.
@personal account';

-- SECURITY DEFINER for the reason record_stage() has: a history is only worth something when those who write appointments
-- cannot write it.
create function record_appointment() returns trigger language plpgsql
    security definer set search_path = pg_catalog, pg_temp as $$
declare
    table_owner name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid);
begin
    if table_owner <> current_user then
        raise exception 'record_appointment() works on tables of its owner only' using errcode = 'insufficient_privilege';
    end if;
    execute format(
        'insert into %I.appointment_events
             (appointment_id, from_status, to_status, from_starts_at, to_starts_at, from_staff_id, to_staff_id, reason, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)', tg_table_schema)
        using new.id, case when tg_op = 'UPDATE' then old.status end, new.status,
              case when tg_op = 'UPDATE' then old.starts_at end, new.starts_at,
              case when tg_op = 'UPDATE' then old.staff_id end, new.staff_id,
              case when new.status = 'cancelled' then new.cancel_reason end, new.updated_by;
    return null;
end
$$;
revoke execute on function record_appointment() from public;
comment on function record_appointment() is 'Trigger: writes appointment_events when an appointment is made, moved or changes its status.';
create trigger appointments_record_first after insert on appointments
    for each row execute function record_appointment();
create trigger appointments_record after update on appointments
    for each row when (old.status is distinct from new.status or old.starts_at is distinct from new.starts_at
                       or old.staff_id is distinct from new.staff_id)
    execute function record_appointment();
