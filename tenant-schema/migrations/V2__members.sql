-- The tenant's own mirror of its memberships. Records refer to people through it, so a tenant schema has no
-- foreign key to the catalog and can be dumped, moved and restored alone. The platform writes it in the
-- membership's transaction. Teams and roles of the tenant will stand beside it.
create table members (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    display_name text not null,
    email text not null,
    role text not null,
    is_owner boolean not null default false,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null default 'operator:' || session_user,
    updated_by text not null default 'operator:' || session_user,
    version bigint not null default 1,
    constraint members_pkey primary key (id),
    constraint members_user_id_key unique (user_id),
    constraint members_role_check check (role in ('admin', 'member'))
);
create trigger members_stamp before insert or update on members
    for each row execute function stamp_record();

comment on table members is 'The people of this organization; kept by the platform.
@access read';
comment on column members.id is 'The id of the membership.';
comment on column members.user_id is 'The person, who may be a member of other organizations too.
@personal account';
comment on column members.display_name is 'The name to show for the person.
@personal name linked';
comment on column members.email is 'The e-mail address the person signs in with.
@personal email linked';
comment on column members.role is 'What the person may do: admin or member.';
comment on column members.is_owner is 'Whether the person owns the organization.';
comment on column members.active is 'False once the person has left; the row stays for the records that name them.';
comment on column members.created_at is 'When the record was created.';
comment on column members.updated_at is 'When the record was last changed.';
comment on column members.created_by is 'Who created the record: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column members.updated_by is 'Who changed the record last: user:<id>, key:<id> or operator:<name>.
@personal account';
comment on column members.version is 'Counts the changes of the record, starting at 1.';
