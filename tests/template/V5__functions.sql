-- Computed columns.
create function initials(customers) returns text language sql immutable as
    $$ select left($1.name, 1) || '.' $$;
comment on function initials(customers) is 'The first letter of the name.';
create function is_large(orders) returns boolean language sql immutable as $$ select $1.total > 100 $$;
create function is_large(open_orders) returns boolean language sql immutable as $$ select $1.total > 100 $$;

-- Computed relationships.
create function latest_order(customers) returns setof orders rows 1 language sql stable as
    $$ select o from orders o where o.customer_id = $1.id order by o.placed_at desc nulls last, o.id desc limit 1 $$;
create function large_orders(customers) returns setof orders language sql stable as
    $$ select o from orders o where o.customer_id = $1.id and o.total > 100 $$;
create function customer_details(customers) returns setof customer_details rows 1 language sql stable as
    $$ select d from customer_details d where d.customer_id = $1.id and d.credit >= 0 $$;

-- Functions to call.
create function add(a integer, b integer default 1) returns integer language sql immutable as $$ select a + b $$;
create function add(a text, b text) returns text language sql immutable as $$ select a || b $$;
comment on function add(integer, integer) is 'Adds two numbers.';
create function total_of(variadic amounts numeric[]) returns numeric language sql immutable as
    $$ select sum(amount) from unnest(amounts) amount $$;
create function split_name(full_name text, out first text, out last text) language sql immutable as
    $$ select split_part(full_name, ' ', 1), split_part(full_name, ' ', 2) $$;
create function one_out(n integer, out doubled integer) language sql immutable as $$ select n * 2 $$;
create function bump(inout n integer, by integer default 1) language sql immutable as $$ select n + by $$;
create function orders_of(customer bigint) returns setof orders language sql stable as
    $$ select o from orders o where o.customer_id = customer $$;
create function open_orders_over(minimum numeric default 0) returns setof open_orders language sql stable as
    $$ select o from open_orders o where o.total > minimum $$;
create function first_order() returns orders language sql stable as
    $$ select o from orders o order by o.id limit 1 $$;
create function bestsellers(most integer default 10) returns table (sku text, sold bigint) language sql stable as
    $$ select l.product_sku, sum(l.amount) from order_lines l group by l.product_sku order by 2 desc, 1 limit most $$;
create function numbers(up_to integer) returns setof integer language sql immutable as
    $$ select generate_series(1, up_to) $$;
create function status_of(order_id integer) returns order_status language sql stable as
    $$ select o.status from orders o where o.id = order_id $$;
create function orders_in(statuses order_status[]) returns setof orders language sql stable as
    $$ select o from orders o where o.status = any (statuses) $$;
create function home_of(customer bigint) returns address language sql stable as
    $$ select c.home from customers c where c.id = customer $$;
create function place_order(customer bigint, first_note json default null) returns orders language sql volatile as $$
    insert into orders (customer_id, status, notes, placed_at) values (customer, 'placed', first_note, now())
    returning orders
$$;
comment on function place_order(bigint, json) is 'Places an empty order.';
create function refresh_wages(factor numeric) returns void language sql volatile as
    $$ update wages set amount = amount * factor $$;
comment on function refresh_wages(numeric) is 'Raises what people are paid.
@access member:read';
create function touch() returns void language plpgsql volatile as $$ begin perform 1; end $$;
create function echo_json(json) returns json language sql immutable as $$ select $1 $$;
create function echo_text(text) returns text language sql immutable as $$ select $1 $$;
create function echo_bytes(bytea) returns bytea language sql immutable as $$ select $1 $$;
create function any_row() returns record language sql immutable as $$ select 1, 'one' $$;
create function padded(code character, bits bit) returns text language sql immutable as $$ select code || bits::text $$;

-- Not to be called: several unnamed parameters, internal, hidden, a procedure, an aggregate.
create function unnamed(integer, integer) returns integer language sql immutable as $$ select $1 + $2 $$;
create function _internal() returns integer language sql immutable as $$ select 1 $$;
create function secret_sum() returns numeric language sql stable as $$ select sum(amount) from wages $$;
comment on function secret_sum() is '@access hidden';
create procedure tidy_up() language sql as $$ delete from wages where amount = 0 $$;
create aggregate product_of(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
