//! The address of the page that follows.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{CursorSeal, ListDigest};
use crate::records::error::CursorError;
use crate::records::parse;

/// What a list needs to name its next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next {
    seal: CursorSeal,
    list: ListDigest,
    /// The query string without its cursor, fit to stand in a header.
    query: String,
}

/// What cannot stand in an address within `<` and `>` (RFC 3986, section 3.4). Escapes that were sent stay.
const NOT_IN_A_LINK: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl Next {
    /// The pages that follow one of this list, which was asked for by `query`, as it came.
    pub(crate) fn new(seal: CursorSeal, list: ListDigest, query: &str) -> Self {
        let is_cursor = |pair: &&str| {
            let parsed = parse::parameters(pair).unwrap_or_default();
            parsed.first().is_some_and(|(name, _)| name == "cursor")
        };
        let rest: Vec<&str> = query.split('&').filter(|pair| !is_cursor(pair)).collect();
        let query = utf8_percent_encode(&rest.join("&"), NOT_IN_A_LINK).to_string();
        Self { seal, list, query }
    }

    /// Bytes of the query string without its cursor.
    pub(in crate::records) fn query_bytes(&self) -> usize {
        self.query.len()
    }

    /// The query string of the page behind a record: `values` is a JSON array of what it is sorted by.
    pub(in crate::records) fn after(&self, values: &str) -> Result<String, CursorError> {
        let values: Vec<Option<String>> = serde_json::from_str(values).map_err(|_| CursorError::TooLong)?;
        let cursor = self.seal.write(self.list, &values).ok_or(CursorError::TooLong)?;
        let and = if self.query.is_empty() { "" } else { "&" };
        Ok(format!("{}{and}cursor={cursor}", self.query))
    }
}
