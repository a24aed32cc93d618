-- What was done and said: activities with a date, notes with none.
--
-- contact_id, company_id, deal_id: purging a record purges what was done about it; a call with a person who
-- asked to be erased must not survive them. So deleting a record deletes them with it, whatever else they are
-- about, and restoring it restores them. completed_by, owner_id: the member may go, the activity stays.
create table activities (
    id uuid not null default gen_random_uuid(),
    type text not null,
    subject text not null,
    description text,
    due_at timestamptz,
    completed_at timestamptz,
    is_completed boolean generated always as (completed_at is not null) stored,
    completed_by uuid,
    duration_minutes integer,
    outcome text,
    contact_id uuid,
    company_id uuid,
    deal_id uuid,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint activities_pkey primary key (id),
    constraint activities_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint activities_company_id_fkey foreign key (company_id) references companies (id) on delete cascade,
    constraint activities_deal_id_fkey foreign key (deal_id) references deals (id) on delete cascade,
    constraint activities_completed_by_fkey foreign key (completed_by) references members (id) on delete set null,
    constraint activities_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint activities_type_check check (type in ('call', 'meeting', 'email', 'task', 'note', 'other')),
    constraint activities_subject_check check (btrim(subject) <> '' and length(subject) <= 300),
    constraint activities_completed_by_check check (completed_by is null or completed_at is not null),
    constraint activities_duration_minutes_check check (duration_minutes between 0 and 10080),
    constraint activities_outcome_check check (length(outcome) <= 2000),
    constraint activities_target_check check (num_nonnulls(contact_id, company_id, deal_id) > 0)
);
create index activities_contact_id_idx on activities (contact_id);
create index activities_company_id_idx on activities (company_id);
create index activities_deal_id_idx on activities (deal_id);
create index activities_completed_by_idx on activities (completed_by);
create index activities_owner_id_idx on activities (owner_id);
create index activities_due_at_idx on activities (due_at) where completed_at is null and deleted_at is null;
create index activities_deleted_at_idx on activities (deleted_at) where deleted_at is not null;
create index activities_deletion_id_idx on activities (deletion_id) where deletion_id is not null;
create trigger activities_stamp before insert or update on activities
    for each row execute function stamp_record();
create trigger activities_leave_deletion before update of deleted_at on activities
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger activities_versions before insert or update on activities
    for each row execute function stamp_fields();

comment on table activities is 'Calls, meetings, e-mails and tasks about a contact, company or deal.';
comment on column activities.id is 'Identifies the activity.';
comment on column activities.type is 'What it is: call, meeting, email, task, note or other.';
comment on column activities.subject is 'What it is about, in one line.
@personal text';
comment on column activities.description is 'What it is about, at length.
@personal text';
comment on column activities.due_at is 'When it is to be done.';
comment on column activities.completed_at is 'When it was done; null while it is not.';
comment on column activities.is_completed is 'Whether it is done; computed.';
comment on column activities.completed_by is 'The member who did it.';
comment on column activities.duration_minutes is 'How long it takes or took, in minutes.';
comment on column activities.outcome is 'What came of it.
@personal text';
comment on column activities.contact_id is 'The person it is about; a contact, company or deal must be given.';
comment on column activities.company_id is 'The company it is about.';
comment on column activities.deal_id is 'The deal it is about.';
comment on column activities.owner_id is 'The member who looks after this record.';
comment on column activities.created_at is 'When the record was created.';
comment on column activities.updated_at is 'When the record was last changed.';
comment on column activities.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column activities.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column activities.version is 'Counts the changes of the record, starting at 1.';
comment on column activities.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column activities.deleted_at is 'When the record was deleted; null while it is live.';
comment on column activities.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

create table notes (
    id uuid not null default gen_random_uuid(),
    content text not null,
    format text not null default 'markdown',
    pinned boolean not null default false,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint notes_pkey primary key (id),
    constraint notes_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint notes_content_check check (btrim(content) <> ''),
    constraint notes_format_check check (format in ('plain', 'markdown'))
);
create index notes_owner_id_idx on notes (owner_id);
create index notes_deleted_at_idx on notes (deleted_at) where deleted_at is not null;
create index notes_deletion_id_idx on notes (deletion_id) where deletion_id is not null;
create trigger notes_stamp before insert or update on notes
    for each row execute function stamp_record();
create trigger notes_leave_deletion before update of deleted_at on notes
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger notes_versions before insert or update on notes
    for each row execute function stamp_fields();

comment on table notes is 'Things worth remembering about contacts, companies and deals.';
comment on column notes.id is 'Identifies the note.';
comment on column notes.content is 'The text of the note.
@personal text';
comment on column notes.format is 'How the text is written: plain or markdown.';
comment on column notes.pinned is 'Whether the note is shown before others.';
comment on column notes.owner_id is 'The member who looks after this record.';
comment on column notes.created_at is 'When the record was created.';
comment on column notes.updated_at is 'When the record was last changed.';
comment on column notes.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column notes.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column notes.version is 'Counts the changes of the record, starting at 1.';
comment on column notes.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column notes.deleted_at is 'When the record was deleted; null while it is live.';
comment on column notes.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

-- One row per record a note is about. A target goes with its note and with its record, for good; deleting either
-- leaves it, so a note stays where one of several records it is about was deleted. The unique keys begin with the
-- record's column, so each of them is the index of that foreign key too.
create table note_targets (
    id uuid not null default gen_random_uuid(),
    note_id uuid not null,
    contact_id uuid,
    company_id uuid,
    deal_id uuid,
    created_at timestamptz not null default now(),
    constraint note_targets_pkey primary key (id),
    constraint note_targets_contact_id_key unique (contact_id, note_id),
    constraint note_targets_company_id_key unique (company_id, note_id),
    constraint note_targets_deal_id_key unique (deal_id, note_id),
    constraint note_targets_note_id_fkey foreign key (note_id) references notes (id) on delete cascade,
    constraint note_targets_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint note_targets_company_id_fkey foreign key (company_id) references companies (id) on delete cascade,
    constraint note_targets_deal_id_fkey foreign key (deal_id) references deals (id) on delete cascade,
    constraint note_targets_target_check check (num_nonnulls(contact_id, company_id, deal_id) = 1)
);
create index note_targets_note_id_idx on note_targets (note_id);

comment on table note_targets is 'What a note is about: one contact, company or deal per row.';
comment on column note_targets.id is 'Identifies the row.';
comment on column note_targets.note_id is 'The note.';
comment on column note_targets.contact_id is 'The contact the note is about; one of contact, company and deal is given.';
comment on column note_targets.company_id is 'The company the note is about.';
comment on column note_targets.deal_id is 'The deal the note is about.';
comment on column note_targets.created_at is 'When the note was attached.';
