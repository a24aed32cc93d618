-- What people ask of the organization about their data, and until when it must answer (GDPR, article 12(3)).
--
-- contact_id: the request is kept as a proof that it was answered, also when the person is gone.
create table privacy_requests (
    id uuid not null default gen_random_uuid(),
    type text not null,
    contact_id uuid,
    state text not null default 'open',
    received_at timestamptz not null default now(),
    due_at timestamptz,
    completed_at timestamptz,
    channel text,
    note text,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint privacy_requests_pkey primary key (id),
    constraint privacy_requests_contact_id_fkey foreign key (contact_id) references contacts (id) on delete set null,
    constraint privacy_requests_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint privacy_requests_type_check check (type in ('access', 'erase', 'port', 'restrict', 'rectify', 'object')),
    constraint privacy_requests_state_check check (state in ('open', 'in_progress', 'done', 'refused')),
    constraint privacy_requests_completed_at_check check ((state in ('done', 'refused')) = (completed_at is not null)),
    constraint privacy_requests_due_at_check check (due_at is not null and due_at >= received_at),
    constraint privacy_requests_channel_check check (length(channel) <= 100),
    constraint privacy_requests_note_check check (length(note) <= 5000)
);
create index privacy_requests_contact_id_idx on privacy_requests (contact_id);
create index privacy_requests_owner_id_idx on privacy_requests (owner_id);
create index privacy_requests_due_at_idx on privacy_requests (due_at) where completed_at is null;
create index privacy_requests_deleted_at_idx on privacy_requests (deleted_at) where deleted_at is not null;
create index privacy_requests_deletion_id_idx on privacy_requests (deletion_id) where deletion_id is not null;
create trigger privacy_requests_stamp before insert or update on privacy_requests
    for each row execute function stamp_record();
create trigger privacy_requests_leave_deletion before update of deleted_at on privacy_requests
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger privacy_requests_versions before insert or update on privacy_requests
    for each row execute function stamp_fields();

comment on table privacy_requests is 'What people ask about their data.';
comment on column privacy_requests.id is 'Identifies the request.';
comment on column privacy_requests.type is 'What is asked: access, erase, port, restrict, rectify or object.';
comment on column privacy_requests.contact_id is 'Who asks; null once the person is erased.';
comment on column privacy_requests.state is 'open, in_progress, done or refused.';
comment on column privacy_requests.received_at is 'When it was received.';
comment on column privacy_requests.due_at is 'Until when it must be answered: a month after it was received unless it is given.';
comment on column privacy_requests.completed_at is 'When it was answered; follows the state.';
comment on column privacy_requests.channel is 'How it was received, for example e-mail or letter.';
comment on column privacy_requests.note is 'What was answered, or why it was refused.
@personal text';
comment on column privacy_requests.owner_id is 'The member who looks after this record.';
comment on column privacy_requests.created_at is 'When the record was created.';
comment on column privacy_requests.updated_at is 'When the record was last changed.';
comment on column privacy_requests.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column privacy_requests.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column privacy_requests.version is 'Counts the changes of the record, starting at 1.';
comment on column privacy_requests.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column privacy_requests.deleted_at is 'When the record was deleted; null while it is live.';
comment on column privacy_requests.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

create function follow_request() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.due_at := coalesce(new.due_at, new.received_at + interval '1 month');
    if new.state in ('done', 'refused') then
        new.completed_at := coalesce(new.completed_at, now());
    else
        new.completed_at := null;
    end if;
    return new;
end
$$;
comment on function follow_request() is 'Trigger: keeps due_at and completed_at of a privacy request.';
create trigger privacy_requests_track before insert or update on privacy_requests
    for each row execute function follow_request();
