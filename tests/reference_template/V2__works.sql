-- For the examples about embedding: every kind of relationship between works of music and whoever is about them.

create table composers (
    id integer not null,
    given_name text not null,
    family_name text not null,
    constraint composers_pkey primary key (id)
);
create table players (
    id integer not null,
    given_name text not null,
    family_name text not null,
    constraint players_pkey primary key (id)
);
create table works (
    id integer not null,
    composer_id integer,
    title text not null,
    year integer,
    rating numeric(3,1),
    language text,
    constraint works_pkey primary key (id),
    constraint works_composer_id_fkey foreign key (composer_id) references composers (id)
);
-- One to one: the key is the foreign key.
create table scores (
    work_id integer not null,
    pages integer,
    paper text,
    constraint scores_pkey primary key (work_id),
    constraint scores_work_id_fkey foreign key (work_id) references works (id)
);
-- One to one: the foreign key is unique.
create table manuscripts (
    id integer not null,
    work_id integer,
    kept_in text,
    constraint manuscripts_pkey primary key (id),
    constraint manuscripts_work_id_key unique (work_id),
    constraint manuscripts_work_id_fkey foreign key (work_id) references works (id)
);
-- Many to many, by a key of both.
create table parts (
    work_id integer not null,
    player_id integer not null,
    instrument text not null,
    constraint parts_pkey primary key (work_id, player_id),
    constraint parts_work_id_fkey foreign key (work_id) references works (id),
    constraint parts_player_id_fkey foreign key (player_id) references players (id)
);
create table contests (
    id integer not null,
    name text not null,
    year integer not null,
    constraint contests_pkey primary key (id)
);
-- Many to many, by a key of both and of something else.
create table entries (
    id integer not null,
    contest_id integer not null,
    work_id integer not null,
    place integer,
    constraint entries_pkey primary key (id, contest_id, work_id),
    constraint entries_contest_id_fkey foreign key (contest_id) references contests (id),
    constraint entries_work_id_fkey foreign key (work_id) references works (id)
);
create table takings (
    day date not null,
    work_id integer not null,
    amount numeric(12,2) not null,
    constraint takings_pkey primary key (day, work_id),
    constraint takings_work_id_fkey foreign key (work_id) references works (id)
) partition by range (day);
create table takings_2021_01 partition of takings for values from ('2021-01-01') to ('2021-02-01');
create table takings_2021_02 partition of takings for values from ('2021-02-01') to ('2021-03-01');

insert into composers values (1, 'Clara', 'Albers'), (2, 'Louis', 'Bonnet'), (3, 'Georg', 'Cramm');
insert into players values (1, 'Willa', 'Dorn'), (2, 'Jehan', 'Evers'), (3, 'Tom', 'Falk'), (4, 'Tomas', 'Adam');
insert into works values
    (1, 2, 'Leaving the Mill', 1895, 7.5, 'fr'), (2, 1, 'An Early Sound', 1894, 6.1, null),
    (3, 3, 'The Haunted Hall', 1897, 8.4, 'fr'), (4, null, 'Nobody''s Song', null, null, null);
insert into scores values (1, 12, 'laid'), (3, 40, 'wove');
insert into manuscripts values (1, 1, 'Lyon');
insert into parts values (1, 1, 'oboe'), (3, 2, 'viola'), (3, 3, 'drum'), (3, 4, 'harp');
insert into contests values (1, 'Reed Prize', 1990), (2, 'Reed Prize', 1991), (3, 'Golden Bow', 1991);
insert into entries values (1, 1, 1, 5), (2, 2, 3, 1), (3, 3, 3, 5);
insert into takings values ('2021-01-05', 1, 1500000), ('2021-02-06', 3, 900);

create view entries_seen as
    select w.title as work_title, c.name as contest_name, e.place, e.work_id as entered_work_id, w.id as work_id
      from entries e
      join works w on w.id = e.work_id
      join contests c on c.id = e.contest_id;
create view long_works as select id, title, composer_id from works where year is not null;
create view rated_long_works as select id, title, composer_id from long_works where id < 4;
create materialized view works_by_year as select id, title, year, composer_id from works where year is not null;

-- What has no foreign keys is related by functions.
create table first_nights (
    id integer not null,
    town text not null,
    held_on date,
    work_id integer,
    constraint first_nights_pkey primary key (id)
);
insert into first_nights values (1, 'Metz', '1896-01-01', 1), (2, 'Graz', '1898-01-01', 3);
create function piece(first_nights) returns setof works rows 1 language sql stable as
    $$ select w from works w where w.id = $1.work_id $$;
create function first_nights(works) returns setof first_nights language sql stable as
    $$ select n from first_nights n where n.work_id = $1.id $$;
-- In place of a relationship that a foreign key makes.
create function composers(works_by_year) returns setof composers rows 1 language sql stable as
    $$ select c from composers c where c.id = $1.composer_id and c.id <> 3 $$;
