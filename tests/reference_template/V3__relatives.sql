-- For the examples about embedding what is related twice, or to itself.

create table places (
    id integer not null,
    name text not null,
    town text,
    constraint places_pkey primary key (id)
);
create table parcels (
    id integer not null,
    name text not null,
    billing_place_id integer,
    shipping_place_id integer,
    constraint parcels_pkey primary key (id),
    constraint billing foreign key (billing_place_id) references places (id),
    constraint shipping foreign key (shipping_place_id) references places (id)
);
insert into places values (1, '32 Mill Lane', 'Dell'), (2, '30 Mill Lane', 'Dell');
insert into parcels values (1, 'Kettle', 1, 2), (2, 'Teapot', 1, 1);

-- One to one with itself.
create table abbots (
    id integer not null,
    name text not null,
    predecessor_id integer,
    constraint abbots_pkey primary key (id),
    constraint abbots_predecessor_id_key unique (predecessor_id),
    constraint abbots_predecessor_id_fkey foreign key (predecessor_id) references abbots (id)
);
insert into abbots values (1, 'Wigo', null), (2, 'Anno', 1), (3, 'Thilo', 2);
create function predecessor(abbots) returns setof abbots rows 1 language sql stable as
    $$ select a from abbots a where a.id = $1.predecessor_id $$;
create function successor(abbots) returns setof abbots rows 1 language sql stable as
    $$ select a from abbots a where a.predecessor_id = $1.id $$;

-- One to many, and many to one, with itself.
create table clerks (
    id integer not null,
    name text not null,
    head_id integer,
    constraint clerks_pkey primary key (id),
    constraint clerks_head_id_fkey foreign key (head_id) references clerks (id)
);
insert into clerks values (1, 'Tait', null), (2, 'Jonas', 1), (3, 'Moll', 1);
create function subordinates(clerks) returns setof clerks language sql stable as
    $$ select c from clerks c where c.head_id = $1.id order by c.id $$;
create function head(clerks) returns setof clerks rows 1 language sql stable as
    $$ select c from clerks c where c.id = $1.head_id $$;

-- Many to many with itself.
create table listeners (
    id integer not null,
    username text not null,
    constraint listeners_pkey primary key (id),
    constraint listeners_username_key unique (username)
);
create table follows (
    follower_id integer not null,
    followed_id integer not null,
    constraint follows_pkey primary key (follower_id, followed_id),
    constraint follows_follower_id_fkey foreign key (follower_id) references listeners (id),
    constraint follows_followed_id_fkey foreign key (followed_id) references listeners (id)
);
insert into listeners values (1, 'pat'), (2, 'ali'), (3, 'top_stream'), (4, 'top_artist');
insert into follows values (1, 4), (2, 4), (4, 3);
create function followers(listeners) returns setof listeners language sql stable as
    $$ select l from listeners l join follows f on f.follower_id = l.id where f.followed_id = $1.id order by l.id $$;
create function following(listeners) returns setof listeners language sql stable as
    $$ select l from listeners l join follows f on f.followed_id = l.id where f.follower_id = $1.id order by l.id $$;
