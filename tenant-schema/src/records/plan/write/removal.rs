//! Bodies that remove records: where deleting sets `deleted_at`, setting it is deleting.

use crate::records::plan::Asked;
use std::borrow::Cow;
use std::fmt;

use catalog::access::Action;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::records::error::RecordError;
use crate::records::model::{DELETED_AT, Object};
use crate::records::parse::body::{Body, Given};

/// Refuses a body that sets `deleted_at`, unless the caller may delete. To set it to null is to restore a record, which
/// is a change like others.
pub(super) fn check(object: &Object, body: &Body<'_>, asked: &Asked<'_>) -> Result<(), RecordError> {
    let is_given = body
        .column(DELETED_AT)
        .is_some_and(|column| column.given != Given::Nowhere);
    if !object.soft_delete || !is_given || asked.context.rights.allows(object, Action::Delete) {
        return Ok(());
    }
    // Whatever was sent is JSON by now.
    let rows: Vec<Row> = serde_json::from_str(&body.to_array())
        .map_err(|error| RecordError::body(format!("The body is not JSON: {error}")))?;
    if rows.iter().any(|row| row.removes) {
        return Err(RecordError::MayNotDelete {
            object: object.name.clone(),
        });
    }
    Ok(())
}

/// One object of a body.
struct Row {
    /// It has a `deleted_at` that is not null. Of several, each counts, whichever PostgreSQL would take.
    removes: bool,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowVisitor;
        impl<'de> Visitor<'de> for RowVisitor {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut removes = false;
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    let value = map.next_value::<Option<IgnoredAny>>()?;
                    removes |= key == DELETED_AT && value.is_some();
                }
                Ok(Row { removes })
            }
        }
        deserializer.deserialize_map(RowVisitor)
    }
}
