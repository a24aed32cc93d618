//! The template that ships: a search vector without accents, and trigrams.

use serde_json::json;
use tenant_schema::records::Count;
use tests::TestDb;

use super::Searched;

const CONTACTS: &str = "
insert into companies (id, name) values ('00000000-0000-7000-8000-000000000001', 'Müller & Söhne GmbH');
insert into contacts (id, first_name, last_name, email, job_title, status, company_id, deleted_at) values
  ('00000000-0000-7000-8000-00000000000a', 'Anna', 'Müller', 'anna.mueller@x.example', 'Buyer', 'lead',
   '00000000-0000-7000-8000-000000000001', null),
  ('00000000-0000-7000-8000-00000000000b', 'Ann', 'Lee', 'ann@lee.example', 'Owner', 'customer', null, null),
  ('00000000-0000-7000-8000-00000000000c', 'Ingrid', 'Björklund', 'ib@y.example', null, 'lead', null, null),
  ('00000000-0000-7000-8000-00000000000d', 'Jürgen', 'Annen-O''Neill', null, 'Head of (&) | ! sales:*', 'lead', null, null),
  ('00000000-0000-7000-8000-00000000000e', 'Anna', 'Muller', 'gone@x.example', null, 'lead', null, now());
";

async fn crm() -> Searched {
    Searched::new(TestDb::new().await, CONTACTS).await
}

#[tokio::test]
async fn words_are_found_by_how_they_begin_with_and_without_accents() {
    let crm = crm().await;
    for words in [
        "ann m%C3%BCl",
        "mul ANN",
        "M%C3%9CLLER",
        "m%C3%BCller+anna",
        "  anna%09muller%0A",
        "mul buy",
    ] {
        crm.finds("contacts", "full_name", words, &["Anna Müller"]).await;
    }
    for (words, expected) in [
        // Addresses are much like each other.
        ("ib@y.example", vec!["Ingrid Björklund", "Anna Müller", "Ann Lee"]),
        ("lee.example", vec!["Ann Lee", "Anna Müller", "Ingrid Björklund"]),
        ("o'nei", vec!["Jürgen Annen-O'Neill"]),
        ("annen-o", vec!["Jürgen Annen-O'Neill"]),
        ("ann zoe", vec![]),
        ("xyzzy", vec![]),
    ] {
        crm.finds("contacts", "full_name", words, &expected).await;
    }
}

#[tokio::test]
async fn words_are_found_in_spite_of_typing_errors() {
    let crm = crm().await;
    for (words, expected) in [
        ("bjorklnd", "Ingrid Björklund"),
        ("bj%C3%B6rklnud", "Ingrid Björklund"),
        ("ingrd", "Ingrid Björklund"),
        ("mulller", "Anna Müller"),
        ("anna mueler", "Anna Müller"),
    ] {
        crm.finds("contacts", "full_name", words, &[expected]).await;
    }
    crm.finds("companies", "name", "mulller sohne", &["Müller & Söhne GmbH"])
        .await;
}

#[tokio::test]
async fn the_best_come_first_unless_another_order_is_said() {
    let crm = crm().await;
    crm.finds(
        "contacts",
        "full_name",
        "ann",
        &["Ann Lee", "Jürgen Annen-O'Neill", "Anna Müller"],
    )
    .await;
    let rows = crm
        .ask("contacts", "select=first_name&q=ann&order=last_name")
        .await;
    assert_eq!(
        rows.expect("an answer"),
        json!([{"first_name": "Jürgen"}, {"first_name": "Ann"}, {"first_name": "Anna"}])
    );
    let rows = crm
        .ask(
            "contacts",
            "select=first_name&q=ann&order=last_name.desc&limit=1&offset=1",
        )
        .await;
    assert_eq!(rows.expect("an answer"), json!([{"first_name": "Ann"}]));
}

#[tokio::test]
async fn a_search_goes_with_everything_else_that_lists_have() {
    let crm = crm().await;
    let embedding =
        "select=full_name,company:companies(name)&q=ann&limit=1&status=eq.lead&full_name=like.*M*";
    let rows = crm.ask("contacts", embedding).await.expect("an answer");
    assert_eq!(
        rows,
        json!([{"full_name": "Anna Müller", "company": {"name": "Müller & Söhne GmbH"}}])
    );
    for (count, range) in [(Count::Exact, "0-1/3"), (Count::Estimated, "0-1/3")] {
        let answer = crm
            .answer(Some(count), "contacts", "q=ann&limit=2")
            .await
            .expect("an answer");
        assert_eq!(answer.content_range.as_deref(), Some(range));
    }
    let groups = crm
        .ask("contacts", "select=status,count()&q=ann&order=status")
        .await;
    assert_eq!(
        groups.expect("an answer"),
        json!([{"status": "customer", "count": 1}, {"status": "lead", "count": 2}])
    );
    let deleted = crm
        .ask("contacts", "select=email&q=anna&deleted_at=not.is.null")
        .await;
    assert_eq!(deleted.expect("an answer"), json!([{"email": "gone@x.example"}]));
    for (deleted, expected) in [
        ("exclude", &["anna.mueller@x.example"][..]),
        ("include", &["anna.mueller@x.example", "gone@x.example"]),
        ("only", &["gone@x.example"]),
    ] {
        let query = format!("select=email&q=anna%20muller&order=email&deleted={deleted}");
        let rows = crm.ask("contacts", &query).await.expect("an answer");
        let emails: Vec<_> = expected.iter().map(|email| json!({"email": email})).collect();
        assert_eq!(rows, json!(emails), "{deleted}");
    }
    crm.refused("contacts", "q=ann&cursor=", "cursor_unsupported")
        .await;
    let page = crm
        .answer(
            None,
            "contacts",
            "select=first_name&q=ann&order=last_name&limit=2&cursor=",
        )
        .await;
    let next = page.expect("a page").next.expect("a next page");
    assert_eq!(
        crm.ask("contacts", &next).await.expect("a page"),
        json!([{"first_name": "Anna"}])
    );
    let other = next.replace("q=ann", "q=anna");
    crm.refused("contacts", &other, "cursor_mismatch").await;
}

#[tokio::test]
async fn nothing_to_search_for_is_no_search() {
    let crm = crm().await;
    for query in ["select=count()&q=", "select=count()&q=%20%09", "select=count()"] {
        let rows = crm.ask("contacts", query).await.expect(query);
        assert_eq!(rows, json!([{"count": 4}]), "{query}");
    }
}
