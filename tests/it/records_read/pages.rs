//! Pages, the number of all records, and the forms of an answer.

use tenant_schema::records::{Answer, Count, Form, Operation, Preferences, RecordError};

use super::Workshop;

async fn ask(
    workshop: &Workshop,
    object: &str,
    query: &str,
    count: Option<Count>,
    form: Form,
) -> Result<Answer, RecordError> {
    let preferences = Preferences {
        count,
        ..Preferences::default()
    };
    let prepared = workshop
        .records
        .preferring(&preferences, form, object, query, Operation::List)
        .await?;
    workshop.records.run(&prepared).await
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(answer.body.as_deref().unwrap_or_default()).expect("UTF-8")
}

#[tokio::test]
async fn a_page_says_how_many_records_there_are() {
    let workshop = Workshop::new().await;
    let exact = Some(Count::Exact);
    for (query, count, status, range) in [
        ("", None, 200, "0-3/*"),
        ("", exact, 200, "0-3/4"),
        ("limit=2", exact, 206, "0-1/4"),
        ("limit=2&offset=2", exact, 206, "2-3/4"),
        ("name=like.*B*&limit=1", exact, 200, "0-0/1"),
        ("name=eq.nobody", exact, 200, "*/0"),
        ("limit=0", exact, 206, "*/4"),
        ("offset=9", None, 200, "*/*"),
        ("limit=3", Some(Count::Estimated), 206, "0-2/4"),
        // Only those who have an order, and only what groups there are.
        ("select=id,orders!inner(id)&limit=1", exact, 206, "0-0/3"),
        ("select=level:profile->level,count()&limit=1", exact, 206, "0-0/3"),
    ] {
        let answer = ask(&workshop, "customers", query, count, Form::Plural).await;
        let answer = answer.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let told = (answer.status.as_u16(), answer.content_range.as_deref());
        assert_eq!(told, (status, Some(range)), "{query} {count:?}");
    }
    let beyond = ask(&workshop, "customers", "offset=9", exact, Form::Plural).await;
    let beyond = beyond.expect_err("there are only four");
    assert_eq!((beyond.status(), beyond.code()), (416, "PGRST103"));

    // What PostgreSQL expects is some number; that there is one is what counts.
    let planned = ask(
        &workshop,
        "customers",
        "limit=1",
        Some(Count::Planned),
        Form::Plural,
    )
    .await;
    let range = planned.expect("an answer").content_range.expect("a range");
    let (rows, total) = range.split_once('/').expect("a total");
    assert_eq!(rows, "0-0");
    assert!(total.parse::<u64>().is_ok(), "{range}");
}

#[tokio::test]
async fn records_come_in_the_form_that_was_asked_for() {
    let workshop = Workshop::new().await;
    for (form, query, expected) in [
        (
            Form::PluralStripped,
            "select=id,email,profile&id=in.(3,4)&order=id",
            r#"[{"id":3,"email":"cid@x.example","profile":{}}, {"id":4,"profile":{}}]"#,
        ),
        (
            Form::Singular,
            "select=id,email&id=eq.4",
            r#"{"id":4,"email":null}"#,
        ),
        (Form::SingularStripped, "select=id,email&id=eq.4", r#"{"id":4}"#),
        (
            Form::Csv,
            "select=id,Name, Jr.:name,nicknames,mail:email&order=id",
            "id,\"Name, Jr.\",nicknames,mail\n1,Ann,\"{annie,a}\",ann@x.example\n2,Bob,{},bob@x.example\n\
             3,Cid,{c},cid@x.example\n4,\"Dan, Jr. (x)\",{},",
        ),
        (Form::Csv, "select=id&id=eq.99", "id"),
    ] {
        let query = query.replace("Name, Jr.:", "\"Name, Jr.\":");
        let answer = ask(&workshop, "customers", &query, None, form).await;
        let answer = answer.unwrap_or_else(|error| panic!("{form:?}: {error:?}"));
        assert_eq!(text(&answer), expected, "{form:?}");
        assert_eq!(answer.media_type, form.media_type());
    }
    for (query, rows) in [("id=eq.99", "0"), ("", "4")] {
        let refused = ask(&workshop, "customers", query, None, Form::Singular).await;
        let refused = refused.expect_err("not one record");
        assert_eq!((refused.status(), refused.code()), (406, "PGRST116"));
        let details = refused.details().unwrap_or_default();
        assert!(details.contains(&format!("{rows} rows")), "{details}");
    }
}

#[tokio::test]
async fn a_counted_page_and_an_estimated_one_are_one_flight() {
    let workshop = Workshop::new().await;
    let (proxy, records) = workshop.through_a_proxy().await;
    for count in [Count::Exact, Count::Planned, Count::Estimated] {
        let preferences = Preferences {
            count: Some(count),
            ..Preferences::default()
        };
        let prepared = records
            .preferring(
                &preferences,
                Form::Plural,
                "customers",
                "limit=1",
                Operation::List,
            )
            .await
            .expect("a request");
        records.run(&prepared).await.expect("an answer");
        proxy.reset();
        records.run(&prepared).await.expect("an answer");
        assert_eq!(proxy.tally().flights, 1, "{count:?}");
    }
}
