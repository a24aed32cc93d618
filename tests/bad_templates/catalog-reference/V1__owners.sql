create table owners (
    id uuid not null,
    user_id uuid not null,
    constraint owners_pkey primary key (id),
    constraint owners_user_id_fkey foreign key (user_id)
        references catalog.users (id)  -- broken: catalog-reference
);
