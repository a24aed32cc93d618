-- What a deal has beyond its stage: why it was lost, who else takes part in it, and what a stage asks for.

-- A reason that is in use is archived, not purged: what was lost for it goes on saying so.
create table lost_reasons (
    id uuid not null default gen_random_uuid(),
    name text not null,
    requires_note boolean not null default false,
    position integer not null default 0,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint lost_reasons_pkey primary key (id),
    constraint lost_reasons_name_check check (btrim(name) <> '' and length(name) <= 200)
);
create unique index lost_reasons_name_key on lost_reasons (lower(name)) where archived_at is null;
create trigger lost_reasons_stamp before insert or update on lost_reasons
    for each row execute function stamp_record();
create trigger lost_reasons_versions before insert or update on lost_reasons
    for each row execute function stamp_fields();

comment on table lost_reasons is 'Why deals are lost.
@access member:read';
comment on column lost_reasons.id is 'Identifies the reason.';
comment on column lost_reasons.name is 'The reason, in a few words.';
comment on column lost_reasons.requires_note is 'Whether a deal that is lost for this reason needs a note.';
comment on column lost_reasons.position is 'The place among the reasons, smallest first.';
comment on column lost_reasons.archived_at is 'Since when the reason is offered no more; null while it is.';
comment on column lost_reasons.created_at is 'When the record was created.';
comment on column lost_reasons.updated_at is 'When the record was last changed.';
comment on column lost_reasons.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column lost_reasons.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column lost_reasons.version is 'Counts the changes of the record, starting at 1.';
comment on column lost_reasons.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

insert into lost_reasons (name, requires_note, position)
values ('Price', false, 1), ('Competitor', false, 2), ('No budget', false, 3), ('No need', false, 4),
       ('No answer', false, 5), ('Other', true, 6);

-- A reason of the list, or one in words (lost_reason), or a note.
alter table deals
    add column lost_reason_id uuid,
    add constraint deals_lost_reason_id_fkey foreign key (lost_reason_id) references lost_reasons (id),
    drop constraint deals_lost_reason_check,
    add constraint deals_lost_reason_check check (
        status <> 'lost' or lost_reason_id is not null
        or btrim(coalesce(lost_reason, '')) <> '' or btrim(coalesce(lost_note, '')) <> '');
create index deals_lost_reason_id_idx on deals (lost_reason_id);
comment on column deals.lost_reason_id is 'Why the deal was lost, by the list of lost reasons.';
comment on column deals.lost_reason is 'Why the deal was lost, in words; a lost deal has a reason or a note.';

-- Some reasons say nothing without a note.
create function need_lost_note() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
declare
    reason text;
begin
    execute format('select r.name from %I.lost_reasons r where r.id = $1 and r.requires_note', tg_table_schema)
        into reason using new.lost_reason_id;
    if reason is not null then
        raise exception 'a deal that is lost for the reason "%" needs a note (lost_note)', reason
            using errcode = 'check_violation', table = 'deals', constraint = 'deals_lost_note_check', column = 'lost_note';
    end if;
    return null;
end
$$;
comment on function need_lost_note() is 'Trigger: some reasons for losing a deal need a note.';
create trigger deals_lost_note_check after insert or update of status, lost_reason_id, lost_note on deals
    for each row when (new.status = 'lost' and new.lost_reason_id is not null and btrim(coalesce(new.lost_note, '')) = '')
    execute function need_lost_note();

-- What a deal must have before it enters the stage, by the columns of deals. Asked for where a deal is moved by its verb;
-- a board that lets people drag a deal back must not be in their way.
alter table stages
    add column required_fields text[] not null default '{}',
    add constraint stages_required_fields_check check (required_fields <@ array[
        'value', 'probability', 'expected_close_date', 'contact_id', 'company_id', 'owner_id']);
comment on column stages.required_fields is 'What a deal must have before it is moved here: names of fields of deals.';

-- The people who take part in a deal besides the one it is made with (deals.contact_id).
--
-- A key of its own: with one of the two it refers to, contacts would be embedded in deals in two ways, and clients would
-- have to say which they mean.
create table deal_contacts (
    id uuid not null default gen_random_uuid(),
    deal_id uuid not null,
    contact_id uuid not null,
    role text not null default 'participant',
    created_at timestamptz not null default now(),
    constraint deal_contacts_pkey primary key (id),
    constraint deal_contacts_contact_id_key unique (deal_id, contact_id),
    constraint deal_contacts_deal_id_fkey foreign key (deal_id) references deals (id) on delete cascade,
    constraint deal_contacts_contact_id_fkey foreign key (contact_id) references contacts (id) on delete cascade,
    constraint deal_contacts_role_check check (btrim(role) <> '' and length(role) <= 100)
);
create index deal_contacts_contact_id_idx on deal_contacts (contact_id);
comment on table deal_contacts is 'Who else takes part in a deal, and as what.';
comment on column deal_contacts.id is 'Identifies the row.';
comment on column deal_contacts.deal_id is 'The deal.';
comment on column deal_contacts.contact_id is 'The person.';
comment on column deal_contacts.role is 'As what the person takes part, for example decision maker, champion or billing.';
comment on column deal_contacts.created_at is 'When the person was added.';

-- Of two that move a deal at once, the one that waits began before the other was done, and now() is when it began: it
-- would have left a stage before it came into it. A move is behind the one before it, by the smallest time there is.
create or replace function follow_stage() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
declare
    is_operator boolean := starts_with(new.updated_by, 'operator:');
    is_new boolean := tg_op = 'INSERT';
    has_moved boolean := tg_op = 'INSERT' or new.stage_id <> old.stage_id;
    stage_kind text;
begin
    if has_moved and new.status = (case when is_new then 'open' else old.status end) then
        execute format('select s.kind from %I.stages s where s.pipeline_id = $1 and s.id = $2', tg_table_schema)
            into stage_kind using new.pipeline_id, new.stage_id;
        new.status := coalesce(stage_kind, new.status);
    end if;
    if new.status = 'open' then
        if not is_new and old.status <> 'open' then
            new.closed_at := null;
        end if;
    elsif new.closed_at is null or (not is_new and new.status <> old.status and new.closed_at = old.closed_at) then
        new.closed_at := now();
    end if;
    -- As with created_at, an operator may give the time; a request may not.
    if is_new then
        new.stage_entered_at := case when is_operator then new.stage_entered_at else now() end;
    elsif not (is_operator and new.stage_entered_at <> old.stage_entered_at) then
        new.stage_entered_at := case
            when has_moved then greatest(now(), old.stage_entered_at + interval '1 microsecond')
            else old.stage_entered_at
        end;
    end if;
    return new;
end
$$;
