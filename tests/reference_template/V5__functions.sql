-- For the examples about functions, and for errors that a template raises.

create function add_up(a integer, b integer) returns integer language sql immutable as $$ select a + b $$;
create function "timesThem"("firstFactor" integer, "secondFactor" integer) returns integer language sql immutable as
    $$ select "firstFactor" * "secondFactor" $$;
create function rename_coins(changes jsonb) returns void language sql volatile as $$
    update coins c set name = change ->> 'name'
      from jsonb_array_elements(changes) change where c.id = (change ->> 'id')::integer
$$;
create function multiply(json) returns integer language sql immutable as
    $$ select ($1 ->> 'x')::integer * ($1 ->> 'y')::integer $$;
create function byte_length(bytea) returns integer language sql immutable as $$ select length($1) $$;
create function text_length(text) returns integer language sql immutable as $$ select length($1) $$;
create function markup_length(xml) returns integer language sql immutable as $$ select length($1::text) $$;
create function plus_one(numbers integer[]) returns integer[] language sql immutable as
    $$ select array_agg(n + 1) from unnest(numbers) n $$;
create function each_plus_one(variadic numbers integer[]) returns integer[] language sql immutable as
    $$ select array_agg(n + 1) from unnest(numbers) n $$;
create function all_works() returns setof works language sql stable as $$ select w from works w $$;
create function works_since(first integer) returns setof works language sql stable as
    $$ select w from works w where w.year >= first $$;
create function any_places() returns setof record language sql stable as
    $$ select p.id, p.name from places p order by p.id $$;
create function loan_days(buyer integer) returns integer language sql immutable as $$ select buyer * 10 $$;
create function loan_days(buyer integer, since date) returns integer language sql immutable as
    $$ select buyer * 100 + extract(day from since)::integer $$;
create function describe(id integer) returns table (number integer, description text) language sql immutable as
    $$ select id, 'no. ' || id $$;
create function add_coin(id integer, name text) returns coins language sql volatile as
    $$ insert into coins as c (id, name) values (id, name) returning c $$;

create function must_pay() returns void language plpgsql as $$
begin
    raise sqlstate 'PT402' using message = 'Payment required', detail = 'The quota is used up', hint = 'Buy more';
end
$$;
create function must_read() returns void language plpgsql as $$
begin
    raise sqlstate 'PGRST' using
        message = '{"code": "123", "message": "Payment required", "details": "Quota exceeded", "hint": "Upgrade"}',
        detail = '{"status": 402, "headers": {"X-Quota": "none"}}';
end
$$;
create function raises_plainly() returns void language plpgsql as $$
begin
    raise exception 'I refuse' using detail = 'Quite', hint = 'Ask another';
end
$$;

-- An argument of every type.
create function take(
    a_smallint smallint default null, an_integer integer default null, a_bigint bigint default null,
    a_real real default null, a_double double precision default null, a_numeric numeric default null,
    a_boolean boolean default null, a_date date default null, a_time time default null, a_timetz timetz default null,
    a_timestamp timestamp default null, a_timestamptz timestamptz default null, an_interval interval default null,
    a_uuid uuid default null, a_json json default null, a_jsonb jsonb default null, a_bytea bytea default null,
    an_inet inet default null, a_cidr cidr default null, a_macaddr macaddr default null, a_bit bit(4) default null,
    an_int4range int4range default null, a_tstzrange tstzrange default null, a_point point default null,
    a_tsquery tsquery default null, a_spot spot default null, some_numbers integer[] default null
) returns boolean language sql immutable as $$ select true $$;
