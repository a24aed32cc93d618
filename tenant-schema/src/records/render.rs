//! The row that came back, as an answer for the server to put into HTTP.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::condition::{self, Verdict};
use super::error::RecordError;
use super::parse::prefer::{Count, Return};
use super::prepared::Shape;
use super::{Form, Prepared};
use crate::crm::refused;
use page::{content_range, nowhere};

mod page;

/// The row that every statement of the engine gives, in the order of its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultRow {
    /// `body text`: JSON in UTF-8, if any is wanted.
    pub body: Option<Bytes>,
    /// `count bigint`: the records in the page, or the records written.
    pub count: i64,
    /// `version text`: of a single record of a versioned object.
    pub version: Option<String>,
    /// `key text`: a JSON array of the primary key's values as strings, for a single new record; of the sort values of the
    /// last record, for a full page of a list that is paged by cursor.
    pub key: Option<String>,
    /// `inserted bigint` of a statement that may merge: how many of the records are new. `total bigint` of a page whose
    /// records are counted: how many there are in all.
    pub extra: Option<i64>,
    /// How many records PostgreSQL expects a page to be taken from.
    pub estimate: Option<i64>,
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: Status,
    /// UTF-8, ready to send.
    pub body: Option<Bytes>,
    /// `Content-Type` of the body.
    pub media_type: &'static str,
    /// `Content-Range`, in rows: `0-24/*`, or `*/*` where no row has a place.
    pub content_range: Option<String>,
    /// `Location`, relative to the root of the records: `/contacts?id=eq.…`, as PostgREST writes it.
    pub location: Option<String>,
    /// `Preference-Applied`
    pub preference_applied: Option<String>,
    /// `ETag`, with its quotes.
    pub etag: Option<String>,
    /// The request was answered before, and this is what it was answered.
    pub is_replayed: bool,
    /// The query string of the next page, fit to stand in a `Link`.
    pub next: Option<String>,
}

/// The statuses of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// 200
    Ok = 200,
    /// 201
    Created = 201,
    /// 204
    NoContent = 204,
    /// 206
    PartialContent = 206,
    /// 304
    NotModified = 304,
}

impl Status {
    /// The number.
    pub fn as_u16(self) -> u16 {
        self as u16
    }
}

/// The count of a verb that refuses.
const REFUSED: i64 = -1;

/// Makes the answer to a prepared request from the row it gave, or from none.
pub fn render(prepared: &Prepared, row: Option<ResultRow>) -> Result<Answer, RecordError> {
    let unknown = || RecordError::UnknownRecord {
        object: prepared.object.clone(),
    };
    let mut row = row.ok_or_else(unknown)?;
    check_refusal(prepared, &row)?;
    if prepared.form == Form::Bytes {
        row.body = row.body.as_deref().map(unhex).transpose()?;
    }
    let tag = row
        .version
        .as_deref()
        .map(|version| tag(prepared, version, row.body.as_deref()));
    let etag = tag.as_ref().map(|tag| format!("\"{tag}\""));
    let mut answer = Answer {
        status: Status::Ok,
        body: row.body.take().filter(|_| is_wanted(prepared)),
        media_type: prepared.form.media_type(),
        content_range: None,
        location: None,
        preference_applied: prepared.applied.clone(),
        etag,
        is_replayed: false,
        next: None,
    };
    let total = Some(row.count).filter(|_| prepared.count.is_some_and(Count::counts));
    let nothing_new = row.extra == Some(0);
    match &prepared.planned.shape {
        Shape::Record => check(prepared, &row, tag.as_deref(), &mut answer)?,
        Shape::Page { offset } => page::render(prepared, *offset, &row, &mut answer)?,
        Shape::Inserted { key } | Shape::Merged { key } => {
            let merged = matches!(prepared.planned.shape, Shape::Merged { .. }) && nothing_new;
            answer.status = if merged { Status::Ok } else { Status::Created };
            answer.content_range = Some(nowhere(total));
            answer.location = row
                .key
                .and_then(|values| location(&prepared.object, key, &values));
        }
        Shape::Put if nothing_new => answer.status = written(prepared),
        Shape::Put => {
            answer.status = Status::Created;
            // A verb names what it has made; who puts a record has named it.
            answer.location = row.key.map(|id| format!("/{}/{id}", prepared.object));
        }
        Shape::WrittenRecord | Shape::Restored if row.count == 0 => return Err(unknown()),
        Shape::WrittenRecord | Shape::Restored => answer.status = written(prepared),
        Shape::Updated => {
            answer.status = written(prepared);
            answer.content_range = Some(content_range(0, row.count, total));
        }
        Shape::Deleted => {
            answer.status = written(prepared);
            answer.content_range = Some(nowhere(total));
        }
        Shape::Called { nothing: true, .. } => answer.status = Status::NoContent,
        Shape::Called { page: None, .. } => answer.content_range = Some(content_range(0, row.count, total)),
        Shape::Called {
            page: Some((offset, limit)),
            ..
        } => page::render_results(prepared, *offset, *limit, &row, &mut answer)?,
    }
    Ok(answer)
}

/// A verb may have refused.
fn check_refusal(prepared: &Prepared, row: &ResultRow) -> Result<(), RecordError> {
    match (row.count, &row.key) {
        (REFUSED, Some(word)) => {
            let body = row.body.as_deref();
            Err(refused(prepared.planned.rules, &prepared.object, word, body))
        }
        _ => Ok(()),
    }
}

/// A verb makes its answer, whether it is wanted or not.
fn is_wanted(prepared: &Prepared) -> bool {
    let is_written = matches!(prepared.planned.shape, Shape::WrittenRecord | Shape::Put);
    !is_written || prepared.returning == Return::Representation
}

/// The tag of the record's representation. What a write answers has that of the record's plain representation, whatever
/// it shows of it.
fn tag(prepared: &Prepared, version: &str, body: Option<&[u8]>) -> String {
    let planned = &prepared.planned;
    let is_plain =
        planned.is_plain && prepared.time_zone.is_none() || !matches!(planned.shape, Shape::Record);
    condition::opaque(version, body.filter(|_| !is_plain))
}

/// Holds a read against the request's conditions. Without a version there are none.
fn check(
    prepared: &Prepared,
    row: &ResultRow,
    tag: Option<&str>,
    answer: &mut Answer,
) -> Result<(), RecordError> {
    page::name_next(prepared, row, answer)?;
    let (Some(version), Some(tag)) = (&row.version, tag) else {
        return Ok(());
    };
    match prepared.conditions.of_read(version, tag) {
        Verdict::Answered => Ok(()),
        Verdict::NotModified => {
            answer.status = Status::NotModified;
            answer.body = None;
            Ok(())
        }
        Verdict::Failed => Err(RecordError::Outdated {
            object: prepared.object.clone(),
            version: version.parse().ok(),
            changed: Vec::new(),
        }),
    }
}

/// The bytes that a text has in hexadecimal.
fn unhex(text: &[u8]) -> Result<Bytes, RecordError> {
    let unreadable = || RecordError::Unreadable("the bytes are not in hexadecimal".to_owned());
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, []) = text.as_chunks::<2>() else {
        return Err(unreadable());
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.map(Bytes::from).ok_or_else(unreadable)
}

fn written(prepared: &Prepared) -> Status {
    match prepared.returning {
        Return::Representation => Status::Ok,
        _ => Status::NoContent,
    }
}

/// Unreserved characters of RFC 3986 stay as they are.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn location(object: &str, key: &[String], values: &str) -> Option<String> {
    let values: Vec<String> = serde_json::from_str(values).ok()?;
    let encode = |text| utf8_percent_encode(text, QUERY_VALUE);
    let pairs = key
        .iter()
        .zip(&values)
        .map(|(name, value)| format!("{}=eq.{}", encode(name), encode(value)));
    Some(format!(
        "/{}?{}",
        encode(object),
        pairs.collect::<Vec<_>>().join("&")
    ))
}
