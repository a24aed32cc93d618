-- For the examples about aggregates, preferences and forms of answers.

create table buyers (
    id integer not null,
    name text not null,
    town text not null,
    region text not null,
    joined_on date not null,
    constraint buyers_pkey primary key (id)
);
create table sales (
    id integer not null,
    buyer_id integer,
    amount numeric(10,2),
    quantity integer not null,
    sold_on date not null,
    details json,
    constraint sales_pkey primary key (id),
    constraint sales_buyer_id_fkey foreign key (buyer_id) references buyers (id)
);
insert into buyers values
    (1, 'Buyer A', 'Ulm', 'Swabia', '2013-10-01'), (2, 'Buyer B', 'Ulm', 'Swabia', '2023-10-15'),
    (3, 'Buyer C', 'Trier', 'Eifel', '2016-02-11');
insert into sales values
    (1, 1, 100.25, 2, '2023-09-01', '{"tax": 10.5}'), (2, 1, 115, 1, '2023-09-01', '{"tax": 11}'),
    (3, 2, 200.5, 4, '2023-09-01', '{"tax": 20}'), (4, 3, 300.5, 1, '2023-09-03', null),
    (5, 3, null, 7, '2023-09-03', null);

create table moments (
    id integer not null,
    at timestamptz not null,
    constraint moments_pkey primary key (id)
);
insert into moments values
    (1, '2023-10-18 12:37:59.611+00'), (2, '2023-10-18 14:37:59.611+00'), (3, '2023-10-18 16:37:59.611+00');

create table coins (
    id integer not null,
    name text,
    picture bytea,
    constraint coins_pkey primary key (id)
);
insert into coins values (1, 'Taler', '\x0102'), (2, 'Heller', null), (3, null, null);

-- Written by triggers, or in part, or not at all.
create view coin_names as select id, name from coins;
create view coin_letters as select id, left(name, 1) as letter from coins;
create view coin_count as select count(1) as coins from coins;
