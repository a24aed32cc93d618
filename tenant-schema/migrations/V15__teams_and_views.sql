-- How the people of the organization are grouped, what roles of its own it has, and what they have made for themselves.
create table teams (
    id uuid not null default gen_random_uuid(),
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint teams_pkey primary key (id),
    constraint teams_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint teams_description_check check (length(description) <= 2000)
);
create unique index teams_name_key on teams (lower(name));
create trigger teams_stamp before insert or update on teams
    for each row execute function stamp_record();
create trigger teams_versions before insert or update on teams
    for each row execute function stamp_fields();

comment on table teams is 'Groups of members.
@access member:read';
comment on column teams.id is 'Identifies the team.';
comment on column teams.name is 'The name of the team.';
comment on column teams.description is 'What it is for.';
comment on column teams.created_at is 'When the record was created.';
comment on column teams.updated_at is 'When the record was last changed.';
comment on column teams.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column teams.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column teams.version is 'Counts the changes of the record, starting at 1.';
comment on column teams.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

create table team_members (
    team_id uuid not null,
    member_id uuid not null,
    is_lead boolean not null default false,
    created_at timestamptz not null default now(),
    constraint team_members_pkey primary key (team_id, member_id),
    constraint team_members_team_id_fkey foreign key (team_id) references teams (id) on delete cascade,
    constraint team_members_member_id_fkey foreign key (member_id) references members (id) on delete cascade
);
create index team_members_member_id_idx on team_members (member_id);
comment on table team_members is 'Who is in which team.
@access member:read';
comment on column team_members.team_id is 'The team.';
comment on column team_members.member_id is 'The member.';
comment on column team_members.is_lead is 'Whether the member leads the team.';
comment on column team_members.created_at is 'Since when.';

create table roles (
    id uuid not null default gen_random_uuid(),
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint roles_pkey primary key (id),
    constraint roles_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint roles_description_check check (length(description) <= 2000)
);
create unique index roles_name_key on roles (lower(name));
create trigger roles_stamp before insert or update on roles
    for each row execute function stamp_record();
create trigger roles_versions before insert or update on roles
    for each row execute function stamp_fields();

comment on table roles is 'Sets of permissions that members may have besides being admin or member.
@access member:read';
comment on column roles.id is 'Identifies the role.';
comment on column roles.name is 'The name of the role.';
comment on column roles.description is 'What it is for.';
comment on column roles.created_at is 'When the record was created.';
comment on column roles.updated_at is 'When the record was last changed.';
comment on column roles.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column roles.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column roles.version is 'Counts the changes of the record, starting at 1.';
comment on column roles.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

create table role_permissions (
    role_id uuid not null,
    permission text not null,
    created_at timestamptz not null default now(),
    constraint role_permissions_pkey primary key (role_id, permission),
    constraint role_permissions_role_id_fkey foreign key (role_id) references roles (id) on delete cascade,
    constraint role_permissions_permission_check check (
        permission ~ '^([a-z_][a-z0-9_]{0,62}|[*]):(read|insert|update|delete|write|purge|[*])$')
);
comment on table role_permissions is 'What a role permits.
@access member:read';
comment on column role_permissions.role_id is 'The role.';
comment on column role_permissions.permission is 'An object and what may be done with it, as in the scopes of keys: contacts:read, deals:update.';
comment on column role_permissions.created_at is 'Since when.';

create table member_roles (
    member_id uuid not null,
    role_id uuid not null,
    created_at timestamptz not null default now(),
    constraint member_roles_pkey primary key (member_id, role_id),
    constraint member_roles_member_id_fkey foreign key (member_id) references members (id) on delete cascade,
    constraint member_roles_role_id_fkey foreign key (role_id) references roles (id) on delete cascade
);
create index member_roles_role_id_idx on member_roles (role_id);
comment on table member_roles is 'Which roles a member has.
@access member:read';
comment on column member_roles.member_id is 'The member.';
comment on column member_roles.role_id is 'The role.';
comment on column member_roles.created_at is 'Since when.';

create table views (
    id uuid not null default gen_random_uuid(),
    object text not null,
    name text not null,
    query text not null default '',
    is_shared boolean not null default false,
    position integer not null default 0,
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint views_pkey primary key (id),
    constraint views_owner_id_fkey foreign key (owner_id) references members (id) on delete cascade,
    constraint views_object_check check (object ~ '^[a-z_][a-z0-9_]{0,62}$'),
    constraint views_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint views_query_check check (length(query) <= 8000)
);
create index views_owner_id_idx on views (owner_id);
create index views_object_idx on views (object, position);
create trigger views_stamp before insert or update on views
    for each row execute function stamp_record();
create trigger views_versions before insert or update on views
    for each row execute function stamp_fields();

comment on table views is 'Lists that people have saved: filters, columns and order.';
comment on column views.id is 'Identifies the view.';
comment on column views.object is 'What is listed, for example deals.';
comment on column views.name is 'The name of the view.';
comment on column views.query is 'The query string that lists it, as after the question mark of /rest/v1/{object}.
@personal text';
comment on column views.is_shared is 'Whether others are shown it too.';
comment on column views.position is 'The place among the views, smallest first.';
comment on column views.owner_id is 'Whose it is.';
comment on column views.created_at is 'When the record was created.';
comment on column views.updated_at is 'When the record was last changed.';
comment on column views.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column views.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column views.version is 'Counts the changes of the record, starting at 1.';
comment on column views.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';

create table settings (
    key text not null,
    value jsonb not null,
    updated_at timestamptz not null default now(),
    constraint settings_pkey primary key (key),
    constraint settings_key_check check (key ~ '^[a-z][a-z0-9_.]{0,98}$'),
    constraint settings_value_check check (octet_length(value::text) <= 65536)
);
comment on table settings is 'What the organization has set for itself.
@access member:read';
comment on column settings.key is 'What is set, for example time_zone or labels.contact.';
comment on column settings.value is 'To what.';
comment on column settings.updated_at is 'When the row was written.';

insert into settings (key, value) values ('time_zone', '"UTC"'), ('currency', '"EUR"');

create table widgets (
    id uuid not null default gen_random_uuid(),
    name text not null,
    kind text not null default 'booking',
    service_ids uuid[] not null default '{}',
    config jsonb not null default '{}',
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    field_versions jsonb not null default '{}',
    constraint widgets_pkey primary key (id),
    constraint widgets_name_check check (btrim(name) <> '' and length(name) <= 200),
    constraint widgets_kind_check check (kind in ('booking')),
    constraint widgets_config_check check (jsonb_typeof(config) = 'object')
);
create trigger widgets_stamp before insert or update on widgets
    for each row execute function stamp_record();
create trigger widgets_versions before insert or update on widgets
    for each row execute function stamp_fields();

comment on table widgets is 'What the organization puts on its web pages.
@access member:read';
comment on column widgets.id is 'Identifies the widget.';
comment on column widgets.name is 'The name of the widget.';
comment on column widgets.kind is 'What it is: booking.';
comment on column widgets.service_ids is 'The services it offers; none means all.';
comment on column widgets.config is 'How it looks: an object with title, color and locale.';
comment on column widgets.active is 'Whether it works.';
comment on column widgets.created_at is 'When the record was created.';
comment on column widgets.updated_at is 'When the record was last changed.';
comment on column widgets.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column widgets.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column widgets.version is 'Counts the changes of the record, starting at 1.';
comment on column widgets.field_versions is 'At which version each field last changed, where that is not the first.
@access hidden';
