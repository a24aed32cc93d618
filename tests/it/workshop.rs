//! The model of a template that has everything: `tests/template`.

use std::fmt::Write as _;
use std::sync::Arc;

use tenant_schema::records::model::{Field, Function, Generated, Pair, Returned, Via};
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

#[tokio::test]
async fn objects_have_their_kinds_keys_and_rights() {
    let model = model().await;
    let all = model.objects.values().map(|object| {
        let writable = [
            (object.writable.insert, 'i'),
            (object.writable.update, 'u'),
            (object.writable.delete, 'd'),
        ];
        let writable: String = writable
            .into_iter()
            .filter(|(can, _)| *can)
            .map(|(_, letter)| letter)
            .collect();
        format!(
            "{} {:?} key ({}) can [{writable}] {:?}",
            object.name,
            object.kind,
            object.primary_key.join(", "),
            object.write
        )
    });
    let all: Vec<String> = all.collect();
    insta::assert_snapshot!(all.join("\n"), @"");
    assert_eq!(
        model.objects["customers"].comment.as_deref(),
        Some("People who bring bicycles.")
    );
    assert!(model.objects["documents"].soft_delete && model.objects["documents"].versioned);
}

#[tokio::test]
async fn columns_have_their_types() {
    let model = model().await;
    insta::assert_snapshot!(fields(&model, "customers"), @"");
    insta::assert_snapshot!(fields(&model, "orders"), @"");
    insta::assert_snapshot!(fields(&model, "documents"), @"");
    insta::assert_snapshot!(fields(&model, "shouted_tasks"), @"");
    insta::assert_snapshot!(fields(&model, "samples"), @"");
}

#[tokio::test]
async fn foreign_keys_relate_tables() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["employees", "badges", "mentorships"]), @"");
    insta::assert_snapshot!(of(&model, &["addresses", "products", "tasks", "line_remarks", "visits"]), @"");
    insta::assert_snapshot!(of(&model, &["order_lines", "assignments"]), @"");
}

#[tokio::test]
async fn views_and_functions_relate_too() {
    let model = model().await;
    insta::assert_snapshot!(of(&model, &["customers", "customer_details"]), @"");
    insta::assert_snapshot!(of(&model, &["orders"]), @"");
    insta::assert_snapshot!(of(&model, &["open_orders", "large_open_orders", "order_overview"]), @"");
    insta::assert_snapshot!(of(&model, &["billed_products", "lines_with_products", "sales"]), @"");
    insta::assert_snapshot!(of(&model, &["names", "bosses", "seen_employees", "wage_sums", "shouted_tasks"]), @"");
    let computed = model.objects.values().flat_map(|object| {
        object
            .computed
            .iter()
            .map(|column| format!("{}.{}", object.name, field(column)))
    });
    let computed: Vec<String> = computed.collect();
    insta::assert_snapshot!(computed.join("\n"), @"");
}

#[tokio::test]
async fn functions_say_how_they_are_called() {
    let model = model().await;
    let all: Vec<String> = model.functions.values().flatten().map(function).collect();
    insta::assert_snapshot!(all.join("\n"), @"");
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
    insta::assert_snapshot!(of(&model, &["contacts", "deals"]), @"");
    assert!(model.functions.is_empty(), "{:?}", model.functions.keys());
}
