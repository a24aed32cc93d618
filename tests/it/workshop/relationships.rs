//! What may be embedded in what.

use std::fmt::Write as _;

use tenant_schema::records::model::{Pair, Via};
use tenant_schema::records::{Object, SchemaModel};
use tests::TestDb;

use super::{field, model};

fn equal(pairs: &[Pair]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|pair| format!("{}={}", pair.near, pair.far))
        .collect();
    pairs.join(",")
}

/// One line for each relationship.
fn relationships(object: &Object) -> String {
    object
        .relationships
        .iter()
        .fold(String::new(), |mut text, known| {
            let (name, cardinality, target) = (&object.name, known.cardinality.name(), &known.target);
            let via = match &known.via {
                Via::ForeignKey {
                    constraint,
                    is_own,
                    columns,
                } => format!(
                    "{constraint}{} {}",
                    if *is_own { "" } else { " of theirs" },
                    equal(columns)
                ),
                Via::Junction {
                    object,
                    own_constraint,
                    target_constraint,
                    own,
                    target,
                } => format!(
                    "{object}: {own_constraint} {}, {target_constraint} {}",
                    equal(own),
                    equal(target)
                ),
                Via::Function { name } => format!("{name}()"),
            };
            writeln!(text, "{name} {cardinality} {target} by {via}").expect("a text takes it");
            text
        })
}

fn of(model: &SchemaModel, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| relationships(&model.objects[*name]))
        .collect()
}

#[tokio::test]
async fn tables_relate_to_themselves_and_one_to_one() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["employees", "badges", "mentorships"]), @"
    employees one-to-many assignments by assignments_employee_id_fkey of theirs id=employee_id
    employees one-to-one badges by badges_employee_id_fkey of theirs id=employee_id
    employees many-to-one bosses by employees_manager_id_fkey manager_id=boss_id
    employees many-to-many bosses by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=boss_id
    employees many-to-many bosses by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=boss_id
    employees one-to-many employees by employees_manager_id_fkey of theirs id=manager_id
    employees many-to-one employees by employees_manager_id_fkey manager_id=id
    employees many-to-many employees by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    employees many-to-many employees by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    employees many-to-many large_open_orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=number
    employees one-to-many mentorships by mentorships_mentor_id_fkey of theirs id=mentor_id
    employees one-to-many mentorships by mentorships_pupil_id_fkey of theirs id=pupil_id
    employees many-to-many open_orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=number
    employees many-to-many order_overview by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=id
    employees many-to-many orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=id
    employees many-to-one seen_employees by employees_manager_id_fkey manager_id=id
    employees many-to-many seen_employees by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    employees many-to-many seen_employees by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    employees many-to-many shouted_tasks by assignments: assignments_employee_id_fkey id=employee_id, assignments_task_code_fkey task_code=code
    employees many-to-many tasks by assignments: assignments_employee_id_fkey id=employee_id, assignments_task_code_fkey task_code=code
    employees one-to-many wage_sums by wages_employee_id_fkey of theirs id=employee_id
    badges one-to-one bosses by badges_employee_id_fkey employee_id=boss_id
    badges one-to-one employees by badges_employee_id_fkey employee_id=id
    badges one-to-one seen_employees by badges_employee_id_fkey employee_id=id
    mentorships many-to-one bosses by mentorships_mentor_id_fkey mentor_id=boss_id
    mentorships many-to-one bosses by mentorships_pupil_id_fkey pupil_id=boss_id
    mentorships many-to-one employees by mentorships_mentor_id_fkey mentor_id=id
    mentorships many-to-one employees by mentorships_pupil_id_fkey pupil_id=id
    mentorships many-to-one seen_employees by mentorships_mentor_id_fkey mentor_id=id
    mentorships many-to-one seen_employees by mentorships_pupil_id_fkey pupil_id=id
    ");
}

#[tokio::test]
async fn tables_relate_several_times_and_by_several_columns() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["addresses", "products", "tasks", "line_remarks", "visits"]), @"
    addresses one-to-many orders by orders_billing_address_id_fkey of theirs id=billing_address_id
    addresses one-to-many orders by orders_shipping_address_id_fkey of theirs id=shipping_address_id
    products one-to-many billed_products by order_lines_product_sku_fkey of theirs sku=product_sku
    products many-to-many large_open_orders by lines_with_products: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=number
    products many-to-many large_open_orders by order_lines: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=number
    products one-to-many lines_with_products by order_lines_product_sku_fkey of theirs sku=product_sku
    products many-to-many open_orders by lines_with_products: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=number
    products many-to-many open_orders by order_lines: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=number
    products one-to-many order_lines by order_lines_product_sku_fkey of theirs sku=product_sku
    products many-to-many order_overview by lines_with_products: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=id
    products many-to-many order_overview by order_lines: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=id
    products many-to-many orders by lines_with_products: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=id
    products many-to-many orders by order_lines: order_lines_product_sku_fkey sku=product_sku, order_lines_order_id_fkey order_id=id
    products one-to-many sales by order_lines_product_sku_fkey of theirs sku=product_sku
    tasks one-to-many assignments by assignments_task_code_fkey of theirs code=task_code
    tasks many-to-many bosses by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=boss_id
    tasks many-to-many employees by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=id
    tasks many-to-many large_open_orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=number
    tasks many-to-many open_orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=number
    tasks many-to-many order_overview by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=id
    tasks many-to-many orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=id
    tasks many-to-many seen_employees by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=id
    line_remarks many-to-one lines_with_products by line_remarks_line_fkey order_id=order_id,product_sku=product_sku
    line_remarks many-to-one order_lines by line_remarks_line_fkey order_id=order_id,product_sku=product_sku
    visits many-to-one customers by visits_customer_id_fkey customer_id=id
    visits many-to-one order_overview by visits_customer_id_fkey customer_id=owner_id
    ");
}

#[tokio::test]
async fn junctions_relate_to_what_they_join() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["order_lines", "assignments"]), @"
    order_lines many-to-one large_open_orders by order_lines_order_id_fkey order_id=number
    order_lines one-to-many line_remarks by line_remarks_line_fkey of theirs order_id=order_id,product_sku=product_sku
    order_lines many-to-one open_orders by order_lines_order_id_fkey order_id=number
    order_lines many-to-one order_overview by order_lines_order_id_fkey order_id=id
    order_lines many-to-one orders by order_lines_order_id_fkey order_id=id
    order_lines many-to-one products by order_lines_product_sku_fkey product_sku=sku
    assignments many-to-one bosses by assignments_employee_id_fkey employee_id=boss_id
    assignments many-to-one employees by assignments_employee_id_fkey employee_id=id
    assignments many-to-one large_open_orders by assignments_order_id_fkey order_id=number
    assignments many-to-one open_orders by assignments_order_id_fkey order_id=number
    assignments many-to-one order_overview by assignments_order_id_fkey order_id=id
    assignments many-to-one orders by assignments_order_id_fkey order_id=id
    assignments many-to-one seen_employees by assignments_employee_id_fkey employee_id=id
    assignments many-to-one shouted_tasks by assignments_task_code_fkey task_code=code
    assignments many-to-one tasks by assignments_task_code_fkey task_code=code
    ");
}

#[tokio::test]
async fn functions_relate() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["customers", "customer_details"]), @"
    customers many-to-one customer_details by customer_details()
    customers one-to-many large_open_orders by orders_customer_id_fkey of theirs id=customer
    customers one-to-many open_orders by orders_customer_id_fkey of theirs id=customer
    customers one-to-many order_overview by orders_customer_id_fkey of theirs id=customer_id
    customers one-to-many orders by orders_customer_id_fkey of theirs id=customer_id
    customers one-to-many orders by large_orders()
    customers many-to-one orders by latest_order()
    customers one-to-many visits by visits_customer_id_fkey of theirs id=customer_id
    customer_details one-to-one customers by customer_details_customer_id_fkey customer_id=id
    customer_details one-to-one order_overview by customer_details_customer_id_fkey customer_id=owner_id
    ");
}

#[tokio::test]
async fn several_keys_name_the_same_table() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["orders"]), @"
    orders many-to-one addresses by orders_billing_address_id_fkey billing_address_id=id
    orders many-to-one addresses by orders_shipping_address_id_fkey shipping_address_id=id
    orders one-to-many assignments by assignments_order_id_fkey of theirs id=order_id
    orders many-to-many bosses by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=boss_id
    orders many-to-one customers by orders_customer_id_fkey customer_id=id
    orders many-to-many employees by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=id
    orders one-to-many lines_with_products by order_lines_order_id_fkey of theirs id=order_id
    orders one-to-many order_lines by order_lines_order_id_fkey of theirs id=order_id
    orders many-to-one order_overview by orders_customer_id_fkey customer_id=owner_id
    orders many-to-many products by lines_with_products: order_lines_order_id_fkey id=order_id, order_lines_product_sku_fkey product_sku=sku
    orders many-to-many products by order_lines: order_lines_order_id_fkey id=order_id, order_lines_product_sku_fkey product_sku=sku
    orders many-to-many seen_employees by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=id
    orders many-to-many shouted_tasks by assignments: assignments_order_id_fkey id=order_id, assignments_task_code_fkey task_code=code
    orders many-to-many tasks by assignments: assignments_order_id_fkey id=order_id, assignments_task_code_fkey task_code=code
    ");
}

#[tokio::test]
async fn views_over_views_stand_for_their_tables() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["open_orders", "large_open_orders", "order_overview"]), @"
    open_orders one-to-many assignments by assignments_order_id_fkey of theirs number=order_id
    open_orders many-to-many bosses by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=boss_id
    open_orders many-to-one customers by orders_customer_id_fkey customer=id
    open_orders many-to-many employees by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=id
    open_orders one-to-many lines_with_products by order_lines_order_id_fkey of theirs number=order_id
    open_orders one-to-many order_lines by order_lines_order_id_fkey of theirs number=order_id
    open_orders many-to-one order_overview by orders_customer_id_fkey customer=owner_id
    open_orders many-to-many products by lines_with_products: order_lines_order_id_fkey number=order_id, order_lines_product_sku_fkey product_sku=sku
    open_orders many-to-many products by order_lines: order_lines_order_id_fkey number=order_id, order_lines_product_sku_fkey product_sku=sku
    open_orders many-to-many seen_employees by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=id
    open_orders many-to-many shouted_tasks by assignments: assignments_order_id_fkey number=order_id, assignments_task_code_fkey task_code=code
    open_orders many-to-many tasks by assignments: assignments_order_id_fkey number=order_id, assignments_task_code_fkey task_code=code
    large_open_orders one-to-many assignments by assignments_order_id_fkey of theirs number=order_id
    large_open_orders many-to-many bosses by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=boss_id
    large_open_orders many-to-one customers by orders_customer_id_fkey customer=id
    large_open_orders many-to-many employees by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=id
    large_open_orders one-to-many lines_with_products by order_lines_order_id_fkey of theirs number=order_id
    large_open_orders one-to-many order_lines by order_lines_order_id_fkey of theirs number=order_id
    large_open_orders many-to-one order_overview by orders_customer_id_fkey customer=owner_id
    large_open_orders many-to-many products by lines_with_products: order_lines_order_id_fkey number=order_id, order_lines_product_sku_fkey product_sku=sku
    large_open_orders many-to-many products by order_lines: order_lines_order_id_fkey number=order_id, order_lines_product_sku_fkey product_sku=sku
    large_open_orders many-to-many seen_employees by assignments: assignments_order_id_fkey number=order_id, assignments_employee_id_fkey employee_id=id
    large_open_orders many-to-many shouted_tasks by assignments: assignments_order_id_fkey number=order_id, assignments_task_code_fkey task_code=code
    large_open_orders many-to-many tasks by assignments: assignments_order_id_fkey number=order_id, assignments_task_code_fkey task_code=code
    order_overview one-to-many assignments by assignments_order_id_fkey of theirs id=order_id
    order_overview many-to-many bosses by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=boss_id
    order_overview one-to-one customer_details by customer_details_customer_id_fkey of theirs owner_id=customer_id
    order_overview many-to-one customers by orders_customer_id_fkey customer_id=id
    order_overview many-to-many employees by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=id
    order_overview one-to-many large_open_orders by orders_customer_id_fkey of theirs owner_id=customer
    order_overview one-to-many lines_with_products by order_lines_order_id_fkey of theirs id=order_id
    order_overview one-to-many open_orders by orders_customer_id_fkey of theirs owner_id=customer
    order_overview one-to-many order_lines by order_lines_order_id_fkey of theirs id=order_id
    order_overview one-to-many order_overview by orders_customer_id_fkey of theirs owner_id=customer_id
    order_overview many-to-one order_overview by orders_customer_id_fkey customer_id=owner_id
    order_overview one-to-many orders by orders_customer_id_fkey of theirs owner_id=customer_id
    order_overview many-to-many products by lines_with_products: order_lines_order_id_fkey id=order_id, order_lines_product_sku_fkey product_sku=sku
    order_overview many-to-many products by order_lines: order_lines_order_id_fkey id=order_id, order_lines_product_sku_fkey product_sku=sku
    order_overview many-to-many seen_employees by assignments: assignments_order_id_fkey id=order_id, assignments_employee_id_fkey employee_id=id
    order_overview many-to-many shouted_tasks by assignments: assignments_order_id_fkey id=order_id, assignments_task_code_fkey task_code=code
    order_overview many-to-many tasks by assignments: assignments_order_id_fkey id=order_id, assignments_task_code_fkey task_code=code
    order_overview one-to-many visits by visits_customer_id_fkey of theirs owner_id=customer_id
    ");
}

#[tokio::test]
async fn a_view_stands_for_a_part_of_a_key() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["billed_products", "lines_with_products", "sales"]), @"
    billed_products many-to-one products by order_lines_product_sku_fkey product_sku=sku
    lines_with_products many-to-one large_open_orders by order_lines_order_id_fkey order_id=number
    lines_with_products one-to-many line_remarks by line_remarks_line_fkey of theirs order_id=order_id,product_sku=product_sku
    lines_with_products many-to-one open_orders by order_lines_order_id_fkey order_id=number
    lines_with_products many-to-one order_overview by order_lines_order_id_fkey order_id=id
    lines_with_products many-to-one orders by order_lines_order_id_fkey order_id=id
    lines_with_products many-to-one products by order_lines_product_sku_fkey product_sku=sku
    sales many-to-one products by order_lines_product_sku_fkey product_sku=sku
    ");
}

#[tokio::test]
async fn views_stand_for_what_is_hidden() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["names", "bosses", "seen_employees", "wage_sums", "shouted_tasks"]), @"
    bosses one-to-many assignments by assignments_employee_id_fkey of theirs boss_id=employee_id
    bosses one-to-one badges by badges_employee_id_fkey of theirs boss_id=employee_id
    bosses many-to-many bosses by mentorships: mentorships_mentor_id_fkey boss_id=mentor_id, mentorships_pupil_id_fkey pupil_id=boss_id
    bosses many-to-many bosses by mentorships: mentorships_pupil_id_fkey boss_id=pupil_id, mentorships_mentor_id_fkey mentor_id=boss_id
    bosses one-to-many employees by employees_manager_id_fkey of theirs boss_id=manager_id
    bosses many-to-many employees by mentorships: mentorships_mentor_id_fkey boss_id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    bosses many-to-many employees by mentorships: mentorships_pupil_id_fkey boss_id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    bosses many-to-many large_open_orders by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_order_id_fkey order_id=number
    bosses one-to-many mentorships by mentorships_mentor_id_fkey of theirs boss_id=mentor_id
    bosses one-to-many mentorships by mentorships_pupil_id_fkey of theirs boss_id=pupil_id
    bosses many-to-many open_orders by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_order_id_fkey order_id=number
    bosses many-to-many order_overview by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_order_id_fkey order_id=id
    bosses many-to-many orders by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_order_id_fkey order_id=id
    bosses many-to-many seen_employees by mentorships: mentorships_mentor_id_fkey boss_id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    bosses many-to-many seen_employees by mentorships: mentorships_pupil_id_fkey boss_id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    bosses many-to-many shouted_tasks by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_task_code_fkey task_code=code
    bosses many-to-many tasks by assignments: assignments_employee_id_fkey boss_id=employee_id, assignments_task_code_fkey task_code=code
    bosses one-to-many wage_sums by wages_employee_id_fkey of theirs boss_id=employee_id
    seen_employees one-to-many assignments by assignments_employee_id_fkey of theirs id=employee_id
    seen_employees one-to-one badges by badges_employee_id_fkey of theirs id=employee_id
    seen_employees many-to-many bosses by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=boss_id
    seen_employees many-to-many bosses by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=boss_id
    seen_employees one-to-many employees by employees_manager_id_fkey of theirs id=manager_id
    seen_employees many-to-many employees by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    seen_employees many-to-many employees by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    seen_employees many-to-many large_open_orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=number
    seen_employees one-to-many mentorships by mentorships_mentor_id_fkey of theirs id=mentor_id
    seen_employees one-to-many mentorships by mentorships_pupil_id_fkey of theirs id=pupil_id
    seen_employees many-to-many open_orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=number
    seen_employees many-to-many order_overview by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=id
    seen_employees many-to-many orders by assignments: assignments_employee_id_fkey id=employee_id, assignments_order_id_fkey order_id=id
    seen_employees many-to-many seen_employees by mentorships: mentorships_mentor_id_fkey id=mentor_id, mentorships_pupil_id_fkey pupil_id=id
    seen_employees many-to-many seen_employees by mentorships: mentorships_pupil_id_fkey id=pupil_id, mentorships_mentor_id_fkey mentor_id=id
    seen_employees many-to-many shouted_tasks by assignments: assignments_employee_id_fkey id=employee_id, assignments_task_code_fkey task_code=code
    seen_employees many-to-many tasks by assignments: assignments_employee_id_fkey id=employee_id, assignments_task_code_fkey task_code=code
    seen_employees one-to-many wage_sums by wages_employee_id_fkey of theirs id=employee_id
    wage_sums many-to-one bosses by wages_employee_id_fkey employee_id=boss_id
    wage_sums many-to-one employees by wages_employee_id_fkey employee_id=id
    wage_sums many-to-one seen_employees by wages_employee_id_fkey employee_id=id
    shouted_tasks one-to-many assignments by assignments_task_code_fkey of theirs code=task_code
    shouted_tasks many-to-many bosses by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=boss_id
    shouted_tasks many-to-many employees by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=id
    shouted_tasks many-to-many large_open_orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=number
    shouted_tasks many-to-many open_orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=number
    shouted_tasks many-to-many order_overview by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=id
    shouted_tasks many-to-many orders by assignments: assignments_task_code_fkey code=task_code, assignments_order_id_fkey order_id=id
    shouted_tasks many-to-many seen_employees by assignments: assignments_task_code_fkey code=task_code, assignments_employee_id_fkey employee_id=id
    ");
}

#[tokio::test]
async fn functions_of_a_row_are_columns() {
    let model = model().await;
    let computed = model.objects.values().flat_map(|object| {
        object
            .computed
            .iter()
            .map(|column| format!("{}.{}", object.name, field(column)))
    });
    let computed: Vec<String> = computed.collect();
    insta::assert_snapshot!(computed.join("\n"), @"
    customers.initials text String, Computed
    open_orders.is_large boolean Boolean, Computed
    orders.is_large boolean Boolean, Computed
    ");
}

/// What relationships say of the template that ships: nothing that somebody would have to tell apart by hand.
#[tokio::test]
async fn the_crm_relates_as_people_expect() {
    let t = TestDb::new().await;
    t.tenant("acme").await;
    let model = t
        .models()
        .get(t.template().latest())
        .await
        .expect("recorded with the tenant");
    insta::assert_snapshot!(of(&model, &["contacts", "deals"]), @"
    contacts one-to-many activities by activities_contact_id_fkey of theirs id=contact_id
    contacts one-to-many appointments by appointments_contact_id_fkey of theirs id=contact_id
    contacts many-to-one companies by contacts_company_id_fkey company_id=id
    contacts one-to-many consents by consents_contact_id_fkey of theirs id=contact_id
    contacts one-to-many contact_points by contact_points_contact_id_fkey of theirs id=contact_id
    contacts one-to-many contact_tags by contact_tags_contact_id_fkey of theirs id=contact_id
    contacts one-to-many current_consents by consents_contact_id_fkey of theirs id=contact_id
    contacts one-to-many deal_contacts by deal_contacts_contact_id_fkey of theirs id=contact_id
    contacts one-to-many deals by deals_contact_id_fkey of theirs id=contact_id
    contacts many-to-one members by contacts_owner_id_fkey owner_id=id
    contacts one-to-many note_targets by note_targets_contact_id_fkey of theirs id=contact_id
    contacts one-to-many privacy_requests by privacy_requests_contact_id_fkey of theirs id=contact_id
    contacts many-to-many tags by contact_tags: contact_tags_contact_id_fkey id=contact_id, contact_tags_tag_id_fkey tag_id=id
    deals one-to-many activities by activities_deal_id_fkey of theirs id=deal_id
    deals many-to-one companies by deals_company_id_fkey company_id=id
    deals many-to-one contacts by deals_contact_id_fkey contact_id=id
    deals one-to-many deal_contacts by deal_contacts_deal_id_fkey of theirs id=deal_id
    deals one-to-many deal_stage_history by deal_stage_history_deal_id_fkey of theirs id=deal_id
    deals one-to-many deal_tags by deal_tags_deal_id_fkey of theirs id=deal_id
    deals many-to-one lost_reasons by deals_lost_reason_id_fkey lost_reason_id=id
    deals many-to-one members by deals_owner_id_fkey owner_id=id
    deals one-to-many note_targets by note_targets_deal_id_fkey of theirs id=deal_id
    deals many-to-one pipelines by deals_pipeline_id_fkey pipeline_id=id
    deals many-to-one stages by deals_stage_fkey pipeline_id=pipeline_id,stage_id=id,status=kind
    deals many-to-many tags by deal_tags: deal_tags_deal_id_fkey id=deal_id, deal_tags_tag_id_fkey tag_id=id
    ");
    assert!(model.functions.is_empty(), "{:?}", model.functions.keys());
}
