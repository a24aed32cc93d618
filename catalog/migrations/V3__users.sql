-- People and their passwords. Both tables belong to no organization: a person may be a member of several.

create table catalog.users (
  id uuid not null,
  email text not null,
  email_verified_at timestamptz,
  display_name text,
  first_name text,
  last_name text,
  image_url text,
  locale text,
  time_zone text,
  status text not null default 'active',
  platform_role text,
  last_login_at timestamptz,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint users_pkey primary key (id),
  constraint users_email_check check (email = lower(email) and char_length(email) between 3 and 254),
  constraint users_display_name_check check (char_length(display_name) <= 200),
  constraint users_first_name_check check (char_length(first_name) <= 200),
  constraint users_last_name_check check (char_length(last_name) <= 200),
  constraint users_image_url_check check (char_length(image_url) <= 2048),
  constraint users_locale_check check (char_length(locale) <= 35),
  constraint users_time_zone_check check (char_length(time_zone) <= 64),
  constraint users_status_check check (status in ('active', 'disabled')),
  constraint users_platform_role_check check (platform_role in ('operator')),
  constraint users_metadata_check check (jsonb_typeof(metadata) = 'object')
);
create unique index users_email_key on catalog.users (email) where deleted_at is null;

comment on table catalog.users is 'People, once each, whatever the number of organizations they belong to.';
comment on column catalog.users.id is 'UUID version 7, made by the application.';
comment on column catalog.users.email is 'The account name, in lower case. Unique among users that are not deleted.';
comment on column catalog.users.email_verified_at is 'When a message to the address was answered; null until then.';
comment on column catalog.users.display_name is 'The name to show.';
comment on column catalog.users.first_name is 'Given name.';
comment on column catalog.users.last_name is 'Family name.';
comment on column catalog.users.image_url is 'Where the picture is.';
comment on column catalog.users.locale is 'Language tag (BCP 47), such as de-AT.';
comment on column catalog.users.time_zone is 'Name in the IANA time zone database, such as Europe/Vienna.';
comment on column catalog.users.status is 'active, or disabled: cannot sign in anywhere.';
comment on column catalog.users.platform_role is 'operator: may use the platform API; null for everybody else. The server cannot write it.';
comment on column catalog.users.last_login_at is 'When the person last signed in.';
comment on column catalog.users.metadata is 'What the application notes; an object the product never interprets.';
comment on column catalog.users.created_at is 'When the account was made.';
comment on column catalog.users.updated_at is 'When the row last changed; kept by a trigger.';
comment on column catalog.users.deleted_at is 'When the account was deleted; null while it lives.';

create trigger users_touch
  before update on catalog.users for each row
  execute function catalog.touch_updated_at();
create trigger users_notify_on_update
  after update of status, platform_role, deleted_at on catalog.users for each row
  when ((old.status, old.platform_role, old.deleted_at) is distinct from (new.status, new.platform_role, new.deleted_at))
  execute function catalog.notify_change('user', 'id');
create trigger users_notify_on_delete
  after delete on catalog.users for each row
  execute function catalog.notify_change('user', 'id');

create table catalog.user_credentials (
  user_id uuid not null,
  password_hash text not null,
  changed_at timestamptz not null,
  failed_count integer not null default 0,
  lock_count integer not null default 0,
  last_failed_at timestamptz,
  locked_until timestamptz,
  constraint user_credentials_pkey primary key (user_id),
  constraint user_credentials_user_id_fkey foreign key (user_id) references catalog.users (id) on delete cascade,
  constraint user_credentials_password_hash_check check (password_hash like '$argon2id$%'),
  constraint user_credentials_failed_count_check check (failed_count >= 0),
  constraint user_credentials_lock_count_check check (lock_count >= 0)
);
comment on table catalog.user_credentials is 'Passwords, apart from the people so that a query on users can never carry one away.';
comment on column catalog.user_credentials.user_id is 'Whose password it is.';
comment on column catalog.user_credentials.password_hash is 'Argon2id in PHC string format.';
comment on column catalog.user_credentials.changed_at is 'When the password was set.';
comment on column catalog.user_credentials.failed_count is 'Wrong passwords in a row since the last right one, fewer after a lock.';
comment on column catalog.user_credentials.lock_count is 'Locks in a row since the last right password: each is longer than the one before.';
comment on column catalog.user_credentials.last_failed_at is 'When the last wrong password was counted; null after a right one.';
comment on column catalog.user_credentials.locked_until is 'No password is accepted before; null when not locked.';

-- The server may sign people up and note that they signed in. It cannot make an operator, disable or delete.
grant select,
  insert (id, email, display_name, first_name, last_name, image_url, locale, time_zone, metadata, created_at, updated_at),
  update (email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, last_login_at, metadata)
  on catalog.users to tenantry_server;
grant select, insert, update (password_hash, changed_at, failed_count, lock_count, last_failed_at, locked_until)
  on catalog.user_credentials to tenantry_server;

-- Whoever has stolen the server's login must not become an operator by giving one a password they know. A condition
-- on columns' values is beyond row-level security, so a trigger asks; failures are still counted.
create function catalog.keep_operator_password() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp
  as $$
begin
  if current_user = 'tenantry_server'
    and exists (select from catalog.users u where u.id = new.user_id and u.platform_role is not null)
  then
    raise exception 'the server cannot set the password of an operator'
      using errcode = 'insufficient_privilege', constraint = 'user_credentials_operator',
        schema = tg_table_schema, table = tg_table_name;
  end if;
  return new;
end
$$;
comment on function catalog.keep_operator_password() is 'Row trigger: the server''s login cannot set the password of an operator.';
revoke execute on function catalog.keep_operator_password() from public;

create trigger user_credentials_operator_on_insert
  before insert on catalog.user_credentials for each row
  execute function catalog.keep_operator_password();
create trigger user_credentials_operator_on_update
  before update of password_hash, changed_at on catalog.user_credentials for each row
  when ((old.password_hash, old.changed_at) is distinct from (new.password_hash, new.changed_at))
  execute function catalog.keep_operator_password();
