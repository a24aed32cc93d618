//! The model of a template that has everything: `tests/template`.

mod kept;
mod relationships;

use std::fmt::Write as _;
use std::sync::Arc;

use tenant_schema::records::model::{Field, Function, Generated, Returned};
use tenant_schema::records::{Object, SchemaModel};
use tests::TestDb;

async fn model() -> Arc<SchemaModel> {
    let t = TestDb::workshop().await;
    t.tenant("acme").await;
    t.models()
        .get(t.template().latest())
        .await
        .expect("recorded with the tenant")
}

fn field(field: &Field) -> String {
    let mut text = format!("{} {}", field.name, field.type_name);
    if field.base_type != field.type_name {
        let _ = write!(text, " ({})", field.base_type);
    }
    let _ = write!(text, " {:?}", field.category);
    if let Some(element) = &field.element_type {
        let _ = write!(text, " of {element}");
    }
    if !field.enum_labels.is_empty() {
        let _ = write!(text, " {:?}", field.enum_labels);
    }
    for (is, word) in [
        (!field.nullable, "not null"),
        (field.has_default, "default"),
        (field.updatable, "updatable"),
        (field.max_length().is_some(), "bounded"),
    ] {
        if is {
            let _ = write!(text, ", {word}");
        }
    }
    if field.generated != Generated::Never {
        let _ = write!(text, ", {:?}", field.generated);
    }
    text
}

fn fields(model: &SchemaModel, name: &str) -> String {
    let fields: Vec<String> = model.objects[name].fields.iter().map(field).collect();
    fields.join("\n")
}

fn function(function: &Function) -> String {
    let parameters = function.parameters.iter().map(|parameter| {
        let mut text = format!("{} {}", parameter.name, parameter.type_name);
        if parameter.has_default {
            text.push_str(" default");
        }
        if parameter.variadic {
            text.insert_str(0, "variadic ");
        }
        text
    });
    let parameters: Vec<String> = parameters.collect();
    let returns = match &function.returns {
        Returned::Nothing => "nothing".to_owned(),
        Returned::Record => "a record".to_owned(),
        Returned::Scalar(field) => field.type_name.clone(),
        Returned::Object(name) => format!("row of {name}"),
        Returned::Row(object) => {
            let fields: Vec<String> = object
                .fields
                .iter()
                .map(|field| format!("{} {}", field.name, field.type_name))
                .collect();
            format!("row ({})", fields.join(", "))
        }
    };
    let set = if function.returns_set { "set of " } else { "" };
    format!(
        "{}({}) -> {set}{returns}, {:?}, {:?}{}",
        function.name,
        parameters.join(", "),
        function.volatility,
        function.write,
        function
            .body_type()
            .map(|body| format!(", body {body:?}"))
            .unwrap_or_default()
    )
}

fn object(object: &Object) -> String {
    let writable = [
        (object.writable.insert, 'i'),
        (object.writable.update, 'u'),
        (object.writable.delete, 'd'),
    ];
    let writable = writable.into_iter().filter(|(can, _)| *can);
    let writable: String = writable.map(|(_, letter)| letter).collect();
    let key = object.primary_key.join(", ");
    let Object {
        name, kind, write, ..
    } = object;
    format!("{name} {kind:?} key ({key}) can [{writable}] {write:?}")
}

#[tokio::test]
async fn objects_have_their_kinds_keys_and_rights() {
    let model = model().await;
    let all: Vec<String> = model.objects.values().map(object).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    addresses Table key (id) can [iud] Members
    all_papers View key (id) can [iu] Members
    assignments Table key (employee_id, order_id, task_code) can [iud] Members
    badges Table key (id) can [iud] Members
    billed_products View key () can [] Members
    bosses View key (boss_id) can [] Members
    cabinets Table key (id) can [iud] Members
    customer_details Table key (customer_id) can [iud] Members
    customers Table key (id) can [iud] Members
    documents Table key (id) can [iud] Members
    employees Table key (id) can [iud] Admins
    folders Table key (id) can [iud] Members
    large_open_orders View key (number) can [iud] Members
    line_remarks Table key (id) can [iud] Members
    lines_with_products View key (order_id, product_sku) can [] Members
    locks Table key (id) can [iud] Members
    mentorships Table key (mentor_id, pupil_id) can [iud] Members
    n Table key (id) can [iud] Members
    names View key () can [] Members
    open_orders View key (number) can [iud] Members
    order_lines Table key (order_id, product_sku) can [iud] Members
    order_overview View key (owner_id, id) can [] Members
    orders Table key (id) can [iud] Members
    paper_titles View key () can [] Members
    papers Table key (id) can [iud] Members
    products Table key (sku) can [iud] Members
    remarks Table key (id) can [iud] Members
    sales MaterializedView key () can [] Members
    samples Table key (id) can [iud] Members
    seals Table key (id) can [iud] Nobody
    seen_employees View key (id) can [iud] Members
    shouted_tasks View key (code) can [iud] Members
    stickers Table key (id) can [iud] Members
    tasks Table key (code) can [iud] Nobody
    tools Table key (id) can [iud] Members
    veiled_employees View key () can [iud] Members
    visits PartitionedTable key (id, came_at) can [iud] Members
    w Table key (id) can [iud] Members
    wage_sums View key () can [] Members
    ");
    assert!(model.objects["documents"].soft_delete && model.objects["documents"].versioned);
    let tracks = |name: &str| model.objects[name].tracks_fields;
    assert!(tracks("tools") && !tracks("documents"));
}

#[tokio::test]
async fn a_bin_is_known_by_its_columns_and_a_key_by_what_it_takes_along() {
    let model = model().await;
    let comment = model.objects["customers"].comment.as_deref();
    assert_eq!(comment, Some("People who bring bicycles."));
    let has_bin = |name: &str| model.objects[name].deletion().is_some();
    assert_eq!(
        ["folders", "seals", "stickers", "documents"].map(has_bin),
        [true, true, false, false]
    );
    let cascades = |name: &str| {
        model.objects[name]
            .foreign_keys
            .iter()
            .map(|key| key.cascades)
            .collect::<Vec<_>>()
    };
    assert_eq!(cascades("remarks"), [true, true]);
    assert_eq!(
        (cascades("locks"), cascades("order_lines")),
        (vec![false], vec![true, false])
    );
}

#[tokio::test]
async fn columns_are_computed_identities_and_composites() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "customers"), @"
    id bigint Numeric, not null, default, updatable, IdentityAlways
    name text String, not null, updatable
    email email_address (text) String, updatable
    home address Composite, updatable
    nicknames text[] Array of text, not null, default, updatable
    profile jsonb Other, not null, default, updatable
    birthday date DateTime, updatable
    Favourite Colour text String, updatable
    search tsvector Other, updatable, Computed
    created_at timestamp with time zone DateTime, not null, default, updatable
    ");
}

#[tokio::test]
async fn columns_are_enums_and_ranges() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "orders"), @r#"
    id integer Numeric, not null, default, updatable, IdentityByDefault
    customer_id bigint Numeric, not null, updatable
    billing_address_id integer Numeric, updatable
    shipping_address_id integer Numeric, updatable
    status order_status Enum ["draft", "placed", "in work", "done"], not null, default, updatable
    past_statuses order_status[] Array of order_status ["draft", "placed", "in work", "done"], not null, default, updatable
    promised tstzrange Range, updatable
    total numeric(12,2) Numeric, not null, default, updatable
    total_with_tax numeric(12,2) Numeric, updatable, Computed
    notes json Other, updatable
    placed_at timestamp with time zone DateTime, updatable
    "#);
}

#[tokio::test]
async fn columns_are_hidden_and_kept() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "documents"), @"
    id uuid Other, not null, default, updatable
    title text String, not null, updatable
    body text String, updatable
    keywords tsvector Other, updatable, Computed
    version bigint Numeric, not null, default, updatable, Kept
    deleted_at timestamp with time zone DateTime, updatable
    ");
}

#[tokio::test]
async fn a_views_columns_may_not_be_updatable() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "shouted_tasks"), @"
    code text String, updatable
    title text String
    ");
}

#[tokio::test]
async fn columns_have_all_types() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "samples"), @r#"
    id integer Numeric, not null, updatable
    a_smallint smallint Numeric, updatable
    a_bigint bigint Numeric, updatable
    a_real real Numeric, updatable
    a_double double precision Numeric, updatable
    a_numeric numeric Numeric, updatable
    a_char character(3) String, updatable, bounded
    a_varchar character varying(10) String, updatable, bounded
    a_boolean boolean Boolean, updatable
    a_date date DateTime, updatable
    a_time time without time zone DateTime, updatable
    a_timetz time with time zone DateTime, updatable
    a_timestamp timestamp without time zone DateTime, updatable
    a_timestamptz timestamp with time zone DateTime, updatable
    an_interval interval Timespan, updatable
    a_uuid uuid Other, updatable
    a_json json Other, updatable
    a_jsonb jsonb Other, updatable
    a_bytea bytea Other, updatable
    an_inet inet Network, updatable
    a_cidr cidr Network, updatable
    a_bit bit(4) Other, updatable
    a_varbit bit varying(8) Other, updatable
    an_int4range int4range Range, updatable
    a_tstzmultirange tstzmultirange Range, updatable
    a_point point Other, updatable
    a_tsvector tsvector Other, updatable
    a_status order_status Enum ["draft", "placed", "in work", "done"], updatable
    some_statuses order_status[] Array of order_status ["draft", "placed", "in work", "done"], updatable
    an_email email_address (text) String, updatable
    a_large_quantity large_quantity (integer) Numeric, not null, default, updatable
    an_address address Composite, updatable
    some_addresses address[] Array of address, updatable
    a_matrix integer[] Array of integer, updatable
    select text String, updatable
    Ümlaut "quoted" text String, updatable
    "#);
}

#[tokio::test]
async fn functions_say_how_they_are_called() {
    let model = model().await;
    let all: Vec<String> = model.functions.values().flatten().map(function).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    add(a integer, b integer default) -> integer, Immutable, Members
    add(a text, b text) -> text, Immutable, Members
    any_row() -> a record, Immutable, Members
    bestsellers(most integer default) -> set of row (sku text, sold bigint), Stable, Members
    bump(n integer, by integer default) -> row (n integer), Immutable, Members
    echo_bytes( bytea) -> bytea, Immutable, Members, body Bytes
    echo_json( json) -> json, Immutable, Members, body Json
    echo_text( text) -> text, Immutable, Members, body Text
    first_order() -> row of orders, Stable, Members
    folders_of(parent integer) -> set of row of folders, Stable, Members
    home_of(customer bigint) -> row (street text, city text, zip character varying(10)), Stable, Members
    numbers(up_to integer) -> set of integer, Immutable, Members
    one_out(n integer) -> row (doubled integer), Immutable, Members
    open_orders_over(minimum numeric default) -> set of row of open_orders, Stable, Members
    orders_in(statuses order_status[]) -> set of row of orders, Stable, Members
    orders_of(customer bigint) -> set of row of orders, Stable, Members
    padded(code bpchar, bits "bit") -> text, Immutable, Members
    place_order(customer bigint, first_note json default) -> row of orders, Volatile, Members
    refresh_wages(factor numeric) -> nothing, Volatile, Admins
    split_name(full_name text) -> row (first text, last text), Immutable, Members
    status_of(order_id integer) -> order_status, Stable, Members
    total_of(variadic amounts numeric[]) -> numeric, Immutable, Members
    touch() -> nothing, Volatile, Members
    "#);
}
