-- One table, some rows, other names; PostgreSQL can write through it.
create view open_orders as
    select id as number, customer_id as customer, status, total from orders where status <> 'done';
comment on view open_orders is 'Orders that are not done.';

-- A view over a view.
create view large_open_orders as select number, customer, total from open_orders where total > 100;

-- The keys of two tables.
create view order_overview as
    select o.id, o.customer_id, c.name as customer_name, c.id as owner_id, upper(c.name) as loud_name,
           (select count(1) from order_lines l where l.order_id = o.id) as lines
      from orders o join customers c on c.id = o.customer_id;

-- Half of a junction's key and the whole of one.
create view billed_products as select distinct product_sku from order_lines;
create view lines_with_products as
    select l.order_id, l.product_sku, l.amount, p.name from order_lines l join products p on p.sku = l.product_sku;

-- Columns of a union are nobody's copies.
create view names as select id, name from customers union all select id, name from employees;

-- The columns of a query within are followed by PostgreSQL itself.
create view bosses as
    with chosen as (select id as boss_id, name from employees where manager_id is null) select boss_id, name from chosen;

create materialized view sales as
    select product_sku, sum(amount) as sold from order_lines group by product_sku;
comment on materialized view sales is 'What was sold, as of the last refresh.';

-- Written by a trigger.
create view shouted_tasks as select code, upper(title) as title from tasks;
create function write_shouted_task() returns trigger language plpgsql as $$
begin
    insert into tasks (code, title) values (new.code, lower(new.title));
    return new;
end
$$;
create trigger shouted_tasks_insert instead of insert on shouted_tasks
    for each row execute function write_shouted_task();

-- Shows what is kept from the API.
create view wage_sums as select employee_id, sum(amount) as amount from wages group by employee_id;
create view _hidden_employees as select id as hidden_id, name from employees;
create view seen_employees as select hidden_id as id, name from _hidden_employees;
