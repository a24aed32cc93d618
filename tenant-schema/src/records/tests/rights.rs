//! What writes need besides the right to write.

use catalog::access::Action;

use super::*;
use crate::records::fixture::model;

const ONE: Operation<'_> = Operation::Delete {
    target: Target::Id("7"),
};
const SEVERAL: Operation<'_> = Operation::Delete {
    target: Target::Filtered,
};

fn change<'a>(target: Target<'a>, body: &'a str) -> Operation<'a> {
    let body = Payload::json(body.as_bytes());
    Operation::Update { target, body }
}

fn add(body: &str) -> Operation<'_> {
    let body = Payload::json(body.as_bytes());
    Operation::Insert { body }
}

fn put<'a>(target: Target<'a>, body: &'a str) -> Operation<'a> {
    let body = Payload::json(body.as_bytes());
    Operation::Replace { target, body }
}

/// The status and code with which a caller who may not read is refused.
fn unreadable(query: &str, prefer: &str, operation: Operation<'_>) -> Option<(u16, String)> {
    let (preferences, cursors) = (Preferences::parse(prefer), fixture::cursors());
    let rights = Rights::by(&|_, action| action != Action::Read);
    let request = Request::new("companies", query, &preferences, rights, &cursors);
    let refused = prepare(&model(), &request, operation, Limits::default(), &mut Uuid::nil).err()?;
    Some((refused.status(), refused.code().to_owned()))
}

#[test]
fn a_write_that_reads_needs_the_right_to_read() {
    let (named, body) = (Target::Id("7"), r#"{"name":"x"}"#);
    let record = r#"{"id":"7","name":"x"}"#;
    let merging = "resolution=merge-duplicates";
    for (query, prefer, operation) in [
        (
            "id=not.is.null",
            "return=representation",
            change(Target::Filtered, "{}"),
        ),
        ("id=not.is.null", "return=representation,tx=rollback", SEVERAL),
        ("name=like.a*", "count=exact", change(Target::Filtered, body)),
        ("or=(name.eq.a,name.eq.b)", "", SEVERAL),
        ("order=name&limit=1", "", SEVERAL),
        ("name=like.a*", "", ONE),
        ("name=like.a*", "", change(named, body)),
        ("", "return=representation", ONE),
        ("", "return=representation", change(named, body)),
        ("", "return=representation", add(body)),
        ("order=name", "", add(body)),
        ("", "return=representation", put(named, record)),
        ("id=eq.7", "return=representation", put(Target::Filtered, record)),
        (
            "on_conflict=name",
            "return=headers-only,resolution=merge-duplicates",
            add(body),
        ),
    ] {
        let refused = Some((403, "42501".to_owned()));
        assert_eq!(
            unreadable(query, prefer, operation),
            refused,
            "{query} {prefer} {operation:?}"
        );
    }
    for (query, prefer, operation) in [
        ("", "count=exact", ONE),
        ("", "return=minimal", change(named, body)),
        ("", "return=headers-only", add(body)),
        ("columns=name", "missing=default", add(body)),
        ("", merging, add(record)),
        ("", "", put(named, record)),
        ("id=eq.7", "", put(Target::Filtered, record)),
    ] {
        assert_eq!(
            unreadable(query, prefer, operation),
            None,
            "{query} {prefer} {operation:?}"
        );
    }
}

#[test]
fn a_merge_tells_the_key_only_to_those_who_may_read() {
    let keyed = |rights| {
        let preferences = Preferences::parse("resolution=merge-duplicates");
        let cursors = fixture::cursors();
        let request = Request::new("companies", "on_conflict=name", &preferences, rights, &cursors);
        let new = add(r#"{"name":"x"}"#);
        let prepared = prepare(&model(), &request, new, Limits::default(), &mut Uuid::nil).unwrap();
        !prepared.text().contains("null::text as key")
    };
    assert!(keyed(Rights::by(&|_, _| true)));
    assert!(!keyed(Rights::by(&|_, action| action != Action::Read)));
}

/// The status and code with which a caller who may not delete is refused.
fn unremovable(object: &str, query: &str, prefer: &str, operation: Operation<'_>) -> Option<(u16, String)> {
    let (preferences, cursors) = (Preferences::parse(prefer), fixture::cursors());
    let rights = Rights::by(&|_, action| action != Action::Delete);
    let request = Request::new(object, query, &preferences, rights, &cursors);
    let refused = prepare(&model(), &request, operation, Limits::default(), &mut Uuid::nil).err()?;
    Some((refused.status(), refused.code().to_owned()))
}

fn sent(format: Format, body: &str) -> Operation<'_> {
    let bytes = body.as_bytes();
    Operation::Insert {
        body: Payload { bytes, format },
    }
}

#[test]
fn setting_deleted_at_needs_the_right_to_delete() {
    let (named, now) = (Target::Id("7"), r#"{"deleted_at":"now"}"#);
    let merging = "resolution=merge-duplicates";
    for (query, prefer, operation) in [
        ("", "", change(named, now)),
        ("score=gt.1", "", change(Target::Filtered, now)),
        ("columns=deleted_at", "", change(named, now)),
        ("", "", change(named, r#"{"deleted\u005fat":"now"}"#)),
        ("", "", change(named, r#"{"deleted_at":[]}"#)),
        ("", "", add(now)),
        (
            "columns=id,deleted_at",
            "",
            add(r#"[{"id":"1"},{"id":"2","deleted_at":"now"}]"#),
        ),
        ("", merging, add(r#"{"id":"7","deleted_at":"now"}"#)),
        ("", "", put(named, r#"{"id":"7","deleted_at":"now"}"#)),
        ("", "", sent(Format::Csv, "email,deleted_at\na,NULL\nb,now\n")),
        (
            "",
            "",
            sent(Format::Ndjson, "{\"deleted_at\":null}\n{\"deleted_at\":\"now\"}"),
        ),
        ("", "", sent(Format::Form, "email=a&deleted_at=now")),
        ("", "", sent(Format::Form, "deleted_at=")),
    ] {
        let refused = Some((403, "42501".to_owned()));
        assert_eq!(
            unremovable("contacts", query, prefer, operation),
            refused,
            "{query} {operation:?}"
        );
    }
    for (object, query, operation) in [
        ("contacts", "", change(named, r#"{"deleted_at":null}"#)),
        (
            "contacts",
            "deleted_at=not.is.null",
            change(Target::Filtered, r#"{"deleted_at":null}"#),
        ),
        (
            "contacts",
            "columns=email",
            change(named, r#"{"email":"a","deleted_at":"now"}"#),
        ),
        ("contacts", "", sent(Format::Csv, "email,deleted_at\na,NULL\n")),
        ("contacts", "", put(named, r#"{"id":"7","deleted_at":null}"#)),
    ] {
        assert_eq!(
            unremovable(object, query, "", operation),
            None,
            "{query} {operation:?}"
        );
    }
    assert!(
        update("contacts", "score=gt.1", now).is_ok(),
        "whoever may delete"
    );
}

#[test]
fn a_limit_above_a_page_is_none() {
    let max = Limits::default().max_rows;
    for limit in [max + 1, i64::MAX.unsigned_abs(), u64::MAX] {
        let query = format!("limit={limit}&order=id");
        for refused in [
            delete("contacts", &query),
            update("contacts", &query, r#"{"score":1}"#),
        ] {
            assert_eq!(refused.unwrap_err().code(), "21000", "{query}");
        }
        assert!(delete("contacts", &format!("{query}&score=gt.1")).is_ok());
    }
    assert!(delete("contacts", &format!("limit={max}&order=id")).is_ok());
}

#[test]
fn an_embed_called_deleted_at_does_not_show_deleted_records() {
    let hides = |query: &str| {
        let text = list("contacts", query).unwrap().text().to_owned();
        text.contains(r#"t."deleted_at" is null"#)
    };
    let embed = "select=id,deleted_at:companies()";
    assert!(hides(&format!("{embed}&deleted_at=not.is.null")));
    assert!(hides(&format!("{embed}&or=(deleted_at.not.is.null,score.gt.1)")));
    assert!(!hides("deleted_at=lt.2026-01-01"));
    assert!(!hides("or=(deleted_at.lt.2026-01-01,score.gt.1)"));
}
