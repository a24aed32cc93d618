//! The query string of a request, its names looked at before its grammar.

use super::filter::unknown_column;
use crate::records::ast::QueryString;
use crate::records::error::{self, RecordError};
use crate::records::limits::Limits;
use crate::records::model::Object;
use crate::records::parse::{self, Parameters, RESERVED};

/// Whether a parameter selects or filters, and does not make a page.
pub(super) fn finds(parameter: &str) -> bool {
    !["order", "limit", "offset"].contains(&parameter)
}

/// Parses a query string after looking at the names in it, so that a mistyped parameter is called unknown
/// rather than a filter that does not parse.
pub(super) fn read_query(
    object: &Object,
    raw: &str,
    limits: Limits,
    action: &'static str,
    suits: impl Fn(&str) -> bool,
) -> Result<QueryString, RecordError> {
    limits.check_length(raw)?;
    let parameters: Parameters = parse::parameters(raw)?;
    for (name, _) in &parameters {
        let quoted = name.starts_with('"');
        if !quoted && !RESERVED.contains(&name.as_str()) && object.field(name).is_none() {
            return Err(unknown_column(object, name, &RESERVED));
        }
        if !suits(name) {
            return Err(RecordError::MisplacedParameter {
                parameter: error::shorten(name),
                action,
            });
        }
    }
    let said = parse::query(&parameters)?;
    limits.check(&said)?;
    Ok(said)
}
