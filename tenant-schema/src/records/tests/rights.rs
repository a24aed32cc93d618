//! What writes need besides the right to write.

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
    let request = Request {
        object: "companies",
        query,
        preferences: &Preferences::parse(prefer),
        readable: Readable::nothing(),
        may_update: true,
        form: Form::Plural,
        range: None,
        operation,
    };
    let refused = prepare(&model(), &request, Limits::default(), &mut Uuid::nil).err()?;
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
    let keyed = |readable| {
        let request = Request {
            object: "companies",
            query: "on_conflict=name",
            preferences: &Preferences::parse("resolution=merge-duplicates"),
            readable,
            may_update: true,
            form: Form::Plural,
            range: None,
            operation: add(r#"{"name":"x"}"#),
        };
        let prepared = prepare(&model(), &request, Limits::default(), &mut Uuid::nil).unwrap();
        !prepared.text().contains("null::text as key")
    };
    assert!(keyed(Readable::by(&|_| true)));
    assert!(!keyed(Readable::nothing()));
}
