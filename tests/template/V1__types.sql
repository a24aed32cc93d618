-- A workshop that mends bicycles, made to have everything that a template can have.

create type order_status as enum ('draft', 'placed', 'in work', 'done');
comment on type order_status is 'How far an order is.';

create type address as (street text, city text, zip character varying(10));

create domain email_address as text constraint email_address_check check (value like '%@%');
create domain quantity as integer default 1 not null constraint quantity_check check (value > 0);
create domain large_quantity as quantity constraint large_quantity_check check (value > 100);
