//! Cursors and what they are bound to, and the statements of pages.

use super::super::*;
use crate::records::fixture;

fn with<'a>(query: &'a str, cursors: &'a CursorSeal, preferences: &'a Preferences) -> Request<'a> {
    Request::new("contacts", query, preferences, Rights::none(), cursors)
}

fn list(model: &SchemaModel, query: &str) -> Result<Prepared, RecordError> {
    let (cursors, preferences) = (fixture::cursors(), Preferences::default());
    let request = with(query, &cursors, &preferences);
    prepare(
        model,
        &request,
        Operation::List,
        Limits::default(),
        &mut uuid::Uuid::nil,
    )
}

/// The query string of the page behind a record with these sort values.
fn next(model: &SchemaModel, query: &str, values: &str) -> Result<Option<String>, RecordError> {
    let prepared = list(model, query)?;
    let row = ResultRow {
        body: Some("[]".into()),
        count: 1,
        key: Some(values.to_owned()),
        ..ResultRow::default()
    };
    Ok(render(&prepared, Some(row))?.next)
}

const EMAIL: &str = r#"["a@x", "00000000-0000-0000-0000-000000000001"]"#;

#[test]
fn a_cursor_survives_a_template_that_leaves_its_columns_alone() {
    let old = fixture::model();
    let query = next(&old, "order=email&limit=1&cursor=", EMAIL).unwrap().unwrap();
    assert!(list(&old, &query).is_ok());

    let mut other = old.clone();
    let contacts = other.objects.get_mut("contacts").unwrap();
    contacts.fields.retain(|field| field.name != "score");
    assert!(list(&other, &query).is_ok(), "another column is gone");

    let mut other = old.clone();
    let contacts = other.objects.get_mut("contacts").unwrap();
    let email = contacts.fields.iter_mut().find(|field| field.name == "email");
    email.unwrap().type_name = "integer".to_owned();
    assert_eq!(
        list(&other, &query).unwrap_err().code(),
        "cursor_mismatch",
        "another type"
    );

    let mut other = old.clone();
    let contacts = other.objects.get_mut("contacts").unwrap();
    contacts.primary_key = vec!["email".to_owned()];
    assert_eq!(
        list(&other, &query).unwrap_err().code(),
        "cursor_mismatch",
        "another key"
    );

    let mut other = old;
    let contacts = other.objects.get_mut("contacts").unwrap();
    contacts.primary_key.clear();
    contacts.unique_keys.clear();
    assert_eq!(
        list(&other, &query).unwrap_err().code(),
        "cursor_unsupported",
        "no key"
    );
}

#[test]
fn a_page_without_a_cursor_is_the_statement_it_was() {
    let model = fixture::model();
    let plain = list(&model, "order=email&limit=1").unwrap();
    assert!(!plain.text().contains("with _page as"), "{}", plain.text());
    assert_eq!(next(&model, "order=email&limit=1", EMAIL).unwrap(), None);
}

#[test]
fn what_is_behind_a_record_is_said_for_an_index() {
    let model = fixture::model();
    let behind = |order: &str, values: &str| {
        let query = next(
            &model,
            &format!("select=id&order={order}&limit=1&cursor="),
            values,
        );
        let prepared = list(&model, &query.unwrap().unwrap()).unwrap();
        let text = prepared.text();
        let (_, rest) = text.split_once("\"contacts\" as t where ").unwrap();
        let (condition, _) = rest.split_once(" order by ").unwrap();
        let (_, condition) = condition
            .split_once("t.\"deleted_at\" is null")
            .unwrap_or(("", condition));
        condition.trim_start_matches(" and ").to_owned()
    };
    let id = r#""00000000-0000-0000-0000-000000000001""#;
    insta::assert_snapshot!(behind("id", &format!("[{id}]")), @r#"(t."id") > ($1::uuid)"#);
    insta::assert_snapshot!(behind("email", EMAIL), @r#"(t."email", t."id") > ($1::text, $2::uuid)"#);
    insta::assert_snapshot!(behind("email.desc,id", EMAIL), @r#"t."email" <= $1::text and (t."email" < $2::text or t."email" = $3::text and (t."id" > $4::uuid))"#);
    insta::assert_snapshot!(behind("email,score.desc", &format!(r#"["a", "5", {id}]"#)), @r#"t."email" >= $1::text and (t."email" > $2::text or t."email" = $3::text and (t."score" < $4::integer or t."score" = $5::integer and (t."id" < $6::uuid)))"#);
    insta::assert_snapshot!(behind("email.nullsfirst", &format!("[null, {id}]")), @r#"(t."email" is distinct from null or t."email" is not distinct from null and (t."id" > $1::uuid))"#);
    insta::assert_snapshot!(behind("email", &format!("[null, {id}]")), @r#"t."email" is not distinct from null and (t."id" > $1::uuid)"#);
}
