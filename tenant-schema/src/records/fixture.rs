//! A small schema model for tests, as [`INTROSPECT`](super::INTROSPECT) wrote it.

use std::sync::LazyLock;

use catalog::access::Action;
use uuid::Uuid;

use super::{
    CursorKeys, CursorSeal, Limits, Object, Operation, Payload, Preferences, Prepared, RecordError, Request,
    Return, Rights, SchemaModel, Target, prepare,
};

pub(super) fn model() -> SchemaModel {
    SchemaModel::from_json(include_str!("fixture.json")).unwrap()
}

/// What signs the cursors of a tenant.
pub(super) fn cursors() -> CursorSeal {
    CURSORS.of(Uuid::from_u128(7).into())
}

static CURSORS: LazyLock<CursorKeys> = LazyLock::new(|| {
    let ring = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse();
    CursorKeys::new(&ring.unwrap())
});

pub(super) fn run(
    object: &str,
    query: &str,
    returning: Option<Return>,
    operation: Operation<'_>,
) -> Result<Prepared, RecordError> {
    let preferences = Preferences {
        returning,
        ..Preferences::default()
    };
    prefer(object, query, &preferences, operation)
}

pub(super) fn prefer(
    object: &str,
    query: &str,
    preferences: &Preferences,
    operation: Operation<'_>,
) -> Result<Prepared, RecordError> {
    let may = |object: &Object, action| action != Action::Read || object.name != "audit_logs";
    let cursors = cursors();
    let request = Request::new(object, query, preferences, Rights::by(&may), &cursors);
    let mut next = 0;
    let mut new_id = || {
        next += 1;
        Uuid::from_u128(next)
    };
    prepare(&model(), &request, operation, Limits::default(), &mut new_id)
}

pub(super) fn list(object: &str, query: &str) -> Result<Prepared, RecordError> {
    run(object, query, None, Operation::List)
}

pub(super) fn get(object: &str, id: &str, query: &str) -> Result<Prepared, RecordError> {
    run(object, query, None, Operation::Get { id })
}

pub(super) fn insert(object: &str, body: &str) -> Result<Prepared, RecordError> {
    run(
        object,
        "",
        None,
        Operation::Insert {
            body: Payload::json(body.as_bytes()),
        },
    )
}

pub(super) fn update(object: &str, query: &str, body: &str) -> Result<Prepared, RecordError> {
    run(
        object,
        query,
        None,
        Operation::Update {
            target: Target::Filtered,
            body: Payload::json(body.as_bytes()),
        },
    )
}

pub(super) fn delete(object: &str, query: &str) -> Result<Prepared, RecordError> {
    run(
        object,
        query,
        None,
        Operation::Delete {
            target: Target::Filtered,
        },
    )
}
