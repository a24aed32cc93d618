//! The messages that carry a statement.

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use crate::pg::sqlstate::PgError;

/// The statement's text; the types of its parameters are left to PostgreSQL.
pub(super) fn parse(name: &str, sql: &str, out: &mut BytesMut) -> Result<(), PgError> {
    frontend::parse(name, sql, [], out).map_err(PgError::unsendable)
}

/// Parameters and results in text format.
pub(super) fn bind(
    portal: &str,
    name: &str,
    params: &[Option<&str>],
    out: &mut BytesMut,
) -> Result<(), PgError> {
    let write = |param: Option<&str>, out: &mut BytesMut| {
        Ok(match param {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    };
    frontend::bind(portal, name, [], params.iter().copied(), write, [], out).map_err(|error| match error {
        frontend::BindError::Conversion(error) => PgError::Protocol(error),
        frontend::BindError::Serialization(error) => PgError::unsendable(error),
    })
}
