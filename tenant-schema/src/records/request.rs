//! A request for records, as its sender made it.

use super::{Claim, Conditions, CursorSeal, Form, Payload, Preferences, Rights, RowRange};

/// A request for records, taken from HTTP but free of it: all but the [`Operation`] that is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The object's name.
    pub object: &'a str,
    /// The raw query string, still percent-encoded, without `?`.
    pub query: &'a str,
    /// What the client prefers.
    pub preferences: &'a Preferences,
    /// What the caller may do.
    pub rights: Rights<'a>,
    /// The form of the answer.
    pub form: Form,
    /// The rows that are wanted, from the `Range` header.
    pub range: Option<RowRange>,
    /// The state that the record must be in.
    pub conditions: &'a Conditions,
    /// The idempotency key of a write; a read is done again at no harm and claims none.
    pub claim: Option<&'a Claim>,
    /// What signs the tenant's cursors.
    pub cursors: &'a CursorSeal,
}

impl<'a> Request<'a> {
    /// One in the usual form, about all rows, in whatever state the record is.
    pub fn new(
        object: &'a str,
        query: &'a str,
        preferences: &'a Preferences,
        rights: Rights<'a>,
        cursors: &'a CursorSeal,
    ) -> Self {
        Self {
            object,
            query,
            preferences,
            rights,
            form: Form::Plural,
            range: None,
            conditions: &Conditions::NONE,
            claim: None,
            cursors,
        }
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// `GET /{object}`
    List,
    /// `GET /{object}/{id}`
    Get {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `POST /{object}`
    Insert {
        /// The new records.
        body: Payload<'a>,
    },
    /// `PUT /{object}` with a filter that names a key, or `PUT /{object}/{id}`
    Replace {
        /// The key.
        target: Target<'a>,
        /// The one record.
        body: Payload<'a>,
    },
    /// `PATCH /{object}` or `PATCH /{object}/{id}`
    Update {
        /// Which records.
        target: Target<'a>,
        /// The new values.
        body: Payload<'a>,
    },
    /// `DELETE /{object}` or `DELETE /{object}/{id}`
    Delete {
        /// Which records.
        target: Target<'a>,
    },
    /// `POST /{object}/{id}/restore`
    Restore {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `POST /{object}/{id}/purge`
    Purge {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `GET` or `POST /rpc/{function}`: the request's object is the function's name.
    Call(CallBy<'a>),
}

/// How a function is called.
#[derive(Debug, Clone, Copy)]
pub enum CallBy<'a> {
    /// `GET`: the query string has the arguments, and the function can only read.
    Get,
    /// `POST`: the body has the arguments.
    Post(Payload<'a>),
}

/// The records that a write is about.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The one in the path, percent-decoded.
    Id(&'a str),
    /// Those that the query string's filters find; there must be a filter.
    Filtered,
}
