create table visits (
    id bigint generated always as identity,
    came_at timestamp not null,  -- broken: timestamp
    went_at timestamptz,
    constraint visits_pkey primary key (id)
);
comment on table visits is 'Visits.';
