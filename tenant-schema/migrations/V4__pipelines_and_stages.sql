-- Pipelines and the stages a deal passes through. Services, staff and appointments come later in files of
-- their own.
create table pipelines (
    id uuid not null default gen_random_uuid(),
    name text not null,
    is_default boolean not null default false,
    currency char(3) not null default 'EUR',
    position integer not null default 0,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    deleted_at timestamptz,
    deletion_id uuid,
    constraint pipelines_pkey primary key (id),
    constraint pipelines_owner_id_fkey foreign key (owner_id) references members (id) on delete set null,
    constraint pipelines_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint pipelines_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint pipelines_is_default_check check (not is_default or deleted_at is null)
);
create unique index pipelines_name_key on pipelines (lower(name)) where deleted_at is null;
create unique index pipelines_is_default_key on pipelines (is_default) where is_default;
create index pipelines_owner_id_idx on pipelines (owner_id);
create index pipelines_deleted_at_idx on pipelines (deleted_at) where deleted_at is not null;
create index pipelines_deletion_id_idx on pipelines (deletion_id) where deletion_id is not null;
create trigger pipelines_stamp before insert or update on pipelines
    for each row execute function stamp_record();
create trigger pipelines_leave_deletion before update of deleted_at on pipelines
    for each row when (new.deleted_at is null and new.deletion_id is not null) execute function leave_deletion();
create trigger pipelines_versions before insert or update on pipelines
    for each row execute function stamp_fields();

comment on table pipelines is 'Ways a deal can go, each with its own stages.
@access member:read';
comment on column pipelines.id is 'Identifies the pipeline.';
comment on column pipelines.name is 'The name of the pipeline.';
comment on column pipelines.is_default is 'Whether new deals start here; at most one pipeline is the default.';
comment on column pipelines.currency is 'The usual currency of the deals, as an ISO 4217 code.';
comment on column pipelines.position is 'The place among the pipelines, smallest first.';
comment on column pipelines.owner_id is 'The member who looks after this record.';
comment on column pipelines.created_at is 'When the record was created.';
comment on column pipelines.updated_at is 'When the record was last changed.';
comment on column pipelines.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column pipelines.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column pipelines.version is 'Counts the changes of the record, starting at 1.';
comment on column pipelines.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
comment on column pipelines.deleted_at is 'When the record was deleted; null while it is live.';
comment on column pipelines.deletion_id is 'What records that were deleted together have in common; kept by the platform.';

-- pipeline_id: stages are parts of their pipeline and go with it. A pipeline or stage in use cannot be
-- purged, because deals refer to the stage (deals_stage_fkey).
create table stages (
    id uuid not null default gen_random_uuid(),
    pipeline_id uuid not null,
    name text not null,
    position integer not null,
    kind text not null default 'open',
    probability numeric(5, 2) not null default 0,
    rot_after_days integer,
    color text,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint stages_pkey primary key (id),
    constraint stages_pipeline_id_fkey foreign key (pipeline_id) references pipelines (id) on delete cascade,
    -- Deferrable, so that one UPDATE may reorder all stages of a pipeline.
    constraint stages_position_key unique (pipeline_id, position) deferrable initially immediate,
    -- What a deal refers to: stage, its pipeline and its kind in one key.
    constraint stages_pipeline_id_id_kind_key unique (pipeline_id, id, kind),
    constraint stages_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint stages_kind_check check (kind in ('open', 'won', 'lost')),
    constraint stages_probability_check check (probability between 0 and 100),
    constraint stages_rot_after_days_check check (rot_after_days > 0),
    constraint stages_color_check check (color ~ '^#[0-9a-f]{6}$')
);
create unique index stages_name_key on stages (pipeline_id, lower(name)) where archived_at is null;
create trigger stages_stamp before insert or update on stages
    for each row execute function stamp_record();
create trigger stages_versions before insert or update on stages
    for each row execute function stamp_fields();

-- A pipeline with stages keeps at least one open stage in use. The pipeline is locked first: otherwise two
-- transactions could each remove one of the last two, neither seeing the other. A pipeline that is gone takes
-- its stages along.
create function keep_open_stage() returns trigger language plpgsql as $$
declare
    pipeline uuid;
    is_locked boolean;
    has_open boolean;
begin
    foreach pipeline in array case
        when tg_op = 'INSERT' then array[new.pipeline_id]
        when tg_op = 'DELETE' then array[old.pipeline_id]
        when old.pipeline_id = new.pipeline_id then array[new.pipeline_id]
        else array[old.pipeline_id, new.pipeline_id]
    end loop
        execute format('select true from %I.pipelines p where p.id = $1 for no key update', tg_table_schema)
            into is_locked using pipeline;
        execute format(
            'select exists (select from %I.stages s
                             where s.pipeline_id = $1 and s.kind = ''open'' and s.archived_at is null)',
            tg_table_schema)
            into has_open using pipeline;
        if is_locked and not has_open then
            raise exception 'pipeline % needs at least one open stage', pipeline
                using errcode = 'check_violation', table = 'stages', constraint = 'stages_open_check';
        end if;
    end loop;
    return null;
end
$$;
comment on function keep_open_stage() is 'Trigger: a pipeline with stages has at least one open stage.';
create constraint trigger stages_open_check
    after insert or delete or update of pipeline_id, kind, archived_at on stages
    deferrable initially deferred for each row execute function keep_open_stage();

comment on table stages is 'Steps of a pipeline, in order, from the first talk to won or lost.
@access member:read';
comment on column stages.id is 'Identifies the stage.';
comment on column stages.pipeline_id is 'The pipeline the stage belongs to.';
comment on column stages.name is 'The name of the stage.';
comment on column stages.position is 'The place within the pipeline, smallest first.';
comment on column stages.kind is 'What a deal in this stage is: open, won or lost.';
comment on column stages.probability is 'The usual chance of winning a deal in this stage, in percent.';
comment on column stages.rot_after_days is 'After how many days without movement a deal counts as stale.';
comment on column stages.color is 'The colour to show, as #rrggbb.';
comment on column stages.archived_at is 'Since when the stage takes no new deals; null while it does.';
comment on column stages.created_at is 'When the record was created.';
comment on column stages.updated_at is 'When the record was last changed.';
comment on column stages.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column stages.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column stages.version is 'Counts the changes of the record, starting at 1.';
comment on column stages.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
