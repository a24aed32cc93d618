-- Deals, and the record of the stages they have been in. Several contacts per deal and a catalogue of lost
-- reasons come later.
--
-- contact_id, company_id: the deal is a fact about the business and stays when the person or company is purged.
-- pipeline_id, stage: no action, so what is in use cannot be purged.
create table deals (
    id uuid not null default gen_random_uuid(),
    title text not null,
    value numeric(19, 4),
    currency char(3) not null default 'EUR',
    pipeline_id uuid not null,
    stage_id uuid not null,
    status text not null default 'open',
    probability numeric(5, 2),
    position numeric not null default 0,
    stage_entered_at timestamptz not null default now(),
    expected_close_date date,
    closed_at timestamptz,
    lost_reason text,
    lost_note text,
    contact_id uuid,
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
    search tsvector generated always as (to_tsvector('simple', immutable_unaccent(left(title, 300)))) stored,
    constraint deals_pkey primary key (id),
    constraint deals_pipeline_id_fkey foreign key (pipeline_id) references pipelines (id),
    -- A stage of another pipeline, or a status the stage does not mean, cannot be stored.
    constraint deals_stage_fkey foreign key (pipeline_id, stage_id, status)
        references stages (pipeline_id, id, kind) on update cascade,
    constraint deals_contact_id_fkey foreign key (contact_id) references contacts (id) on delete set null,
    constraint deals_company_id_fkey foreign key (company_id) references companies (id) on delete set null,
    constraint deals_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint deals_title_check check (btrim(title) <> '' and length(title) <= 300),
    constraint deals_value_check check (value >= 0 and value <> 'NaN'),
    constraint deals_currency_check check (currency ~ '^[A-Z]{3}$'),
    -- NaN is greater than every number.
    constraint deals_position_check check (position > '-Infinity' and position < 'Infinity'),
    constraint deals_probability_check check (probability between 0 and 100),
    constraint deals_closed_at_check check ((status = 'open') = (closed_at is null)),
    constraint deals_lost_reason_check check (
        status <> 'lost' or btrim(coalesce(lost_reason, '')) <> '' or btrim(coalesce(lost_note, '')) <> ''),
    constraint deals_lost_reason_length_check check (length(lost_reason) <= 200)
);
-- Serves both foreign keys (pipeline; pipeline, stage, status) and a board, which reads a stage by position.
create index deals_stage_idx on deals (pipeline_id, stage_id, status, position);
create index deals_contact_id_idx on deals (contact_id);
create index deals_company_id_idx on deals (company_id);
create index deals_owner_id_idx on deals (owner_id);
create index deals_status_idx on deals (status, expected_close_date);
create index deals_tag_ids_idx on deals using gin (tag_ids);
create index deals_search_idx on deals using gin (search);
create index deals_title_trgm_idx on deals using gin (
    title gin_trgm_ops, immutable_unaccent(title) gin_trgm_ops);
create index deals_deleted_at_idx on deals (deleted_at) where deleted_at is not null;
create index deals_deletion_id_idx on deals (deletion_id) where deletion_id is not null;
create trigger deals_stamp before insert or update on deals
    for each row execute function stamp_record();
create trigger deals_leave_deletion before update of deleted_at on deals
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger deals_versions before insert or update on deals
    for each row execute function stamp_fields();

-- Status follows the stage, and the times follow the status, so that moving a deal is one write: stage_id. A
-- status that says something else than the stage is left as it is and refused by deals_stage_fkey.
create function follow_stage() returns trigger language plpgsql as $$
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
        new.stage_entered_at := case when has_moved then now() else old.stage_entered_at end;
    end if;
    return new;
end
$$;
comment on function follow_stage() is 'Trigger: status, closed_at and stage_entered_at of a deal follow its stage.';
-- Named to fire after deals_stamp, which says who writes.
create trigger deals_track_stage before insert or update on deals
    for each row execute function follow_stage();

comment on table deals is 'Business you hope to win, have won or have lost.';
comment on column deals.id is 'Identifies the deal.';
comment on column deals.title is 'What the deal is about.
@personal text';
comment on column deals.value is 'What the deal is worth, in its currency.';
comment on column deals.currency is 'The currency of the value, as an ISO 4217 code.';
comment on column deals.pipeline_id is 'The pipeline the deal goes through.';
comment on column deals.stage_id is 'The stage the deal is in; it belongs to the same pipeline.';
comment on column deals.status is 'Open, won or lost; always what the stage means.';
comment on column deals.probability is 'The chance of winning in percent; null means that of the stage.';
comment on column deals.position is 'The place within the stage, smallest first.';
comment on column deals.stage_entered_at is 'Since when the deal is in its stage.';
comment on column deals.expected_close_date is 'The day the deal is expected to be decided.';
comment on column deals.closed_at is 'When the deal was won or lost; null while it is open.';
comment on column deals.lost_reason is 'Why the deal was lost; a lost deal has a reason or a note.
@personal text';
comment on column deals.lost_note is 'More about why the deal was lost.
@personal text';
comment on column deals.contact_id is 'The person the deal is made with.';
comment on column deals.company_id is 'The company the deal is made with.';
comment on column deals.tag_ids is 'The tags of the deal; follows deal_tags.';
comment on column deals.search is 'Words for the full-text search; computed.';
comment on column deals.owner_id is 'The member who looks after this record.';
comment on column deals.created_at is 'When the record was created.';
comment on column deals.updated_at is 'When the record was last changed.';
comment on column deals.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column deals.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column deals.version is 'Counts the changes of the record, starting at 1.';
comment on column deals.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column deals.deleted_at is 'When the record was deleted; null while it is live.';
comment on column deals.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

-- deal_id: the history is part of the deal and is purged with it. Stages: names are copied, so a stage may go.
create table deal_stage_history (
    id uuid not null default gen_random_uuid(),
    deal_id uuid not null,
    from_stage_id uuid,
    to_stage_id uuid,
    from_stage_name text,
    to_stage_name text not null,
    entered_at timestamptz not null,
    left_at timestamptz,
    value_at numeric(19, 4),
    currency_at char(3) not null,
    probability_at numeric(5, 2),
    actor text not null,
    constraint deal_stage_history_pkey primary key (id),
    constraint deal_stage_history_deal_id_fkey foreign key (deal_id) references deals (id) on delete cascade,
    constraint deal_stage_history_from_stage_id_fkey foreign key (from_stage_id)
        references stages (id) on delete set null,
    constraint deal_stage_history_to_stage_id_fkey foreign key (to_stage_id)
        references stages (id) on delete set null,
    constraint deal_stage_history_left_at_check check (left_at >= entered_at)
);
create unique index deal_stage_history_current_key on deal_stage_history (deal_id) where left_at is null;
create index deal_stage_history_deal_id_idx on deal_stage_history (deal_id, entered_at);
create index deal_stage_history_from_stage_id_idx on deal_stage_history (from_stage_id);
create index deal_stage_history_to_stage_id_idx on deal_stage_history (to_stage_id);

comment on table deal_stage_history is 'Every stage a deal has been in, with its dates; written by the database itself.
@access read';
comment on column deal_stage_history.id is 'Identifies the entry.';
comment on column deal_stage_history.deal_id is 'The deal that moved.';
comment on column deal_stage_history.from_stage_id is 'The stage the deal came from; null for a new deal.';
comment on column deal_stage_history.to_stage_id is 'The stage the deal went to; null once that stage is removed.';
comment on column deal_stage_history.from_stage_name is 'The name the former stage had at that time.';
comment on column deal_stage_history.to_stage_name is 'The name the stage had at that time.';
comment on column deal_stage_history.entered_at is 'When the deal came into the stage.';
comment on column deal_stage_history.left_at is 'When the deal left the stage; null while it is there.';
comment on column deal_stage_history.value_at is 'What the deal was worth at that time.';
comment on column deal_stage_history.currency_at is 'The currency of that value.';
comment on column deal_stage_history.probability_at is 'The chance of winning at that time, in percent.';
comment on column deal_stage_history.actor is 'Who moved the deal: user:<id>, key:<id> or operator:<name>.
@personal account';

-- SECURITY DEFINER, because a history is only worth something when those who write deals cannot write it: the
-- tenant's roles have SELECT on the table and nothing else. (Granting them INSERT and UPDATE (left_at) would
-- let any session of theirs forge entries.) Safe as a definer's function: search_path is pg_catalog, the one
-- name built is a quoted identifier given by PostgreSQL, and attached to a table of somebody else, say a
-- temporary one, it refuses.
create function record_stage() returns trigger language plpgsql
    security definer set search_path = pg_catalog, pg_temp as $$
declare
    table_owner name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid);
begin
    if table_owner <> current_user then
        raise exception 'record_stage() works on tables of its owner only' using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'UPDATE' then
        execute format(
            'update %I.deal_stage_history set left_at = $1 where deal_id = $2 and left_at is null', tg_table_schema)
            using new.stage_entered_at, new.id;
    end if;
    execute format(
        'insert into %1$I.deal_stage_history
             (deal_id, from_stage_id, to_stage_id, from_stage_name, to_stage_name,
              entered_at, value_at, currency_at, probability_at, actor)
         select $1, f.id, t.id, f.name, t.name, $4, $5, $6, coalesce($7, t.probability), $8
           from %1$I.stages t left join %1$I.stages f on f.id = $2
          where t.id = $3', tg_table_schema)
        using new.id, case when tg_op = 'UPDATE' then old.stage_id end, new.stage_id,
              new.stage_entered_at, new.value, new.currency, new.probability, new.updated_by;
    return null;
end
$$;
revoke execute on function record_stage() from public;
comment on function record_stage() is 'Trigger: writes deal_stage_history when a deal is created or moved.';
create trigger deals_record_first_stage after insert on deals
    for each row execute function record_stage();
create trigger deals_record_stage after update on deals
    for each row when (old.stage_id is distinct from new.stage_id) execute function record_stage();
