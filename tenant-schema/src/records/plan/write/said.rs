//! What the query string of a write says: as for a read, and the columns to write.

use super::Asked;
use crate::records::ast::QueryString;
use crate::records::error::RecordError;
use crate::records::model::Object;
use crate::records::parse::{self, columns};
use crate::records::plan::query::{is_of_lists, read_query};

/// The query string of a write.
pub(super) struct Said {
    /// `columns=…`
    pub(super) columns: Option<Vec<String>>,
    /// `on_conflict=…`
    pub(super) on_conflict: Option<Vec<String>>,
    /// Everything that a read may say too.
    pub(super) query: QueryString,
}

/// What a write has besides a read. A column of such a name can be written, but not filtered by.
const OWN: [&str; 2] = ["columns", "on_conflict"];

/// Parses the query string of a write that takes the parameters which `suits`.
pub(super) fn read(
    object: &Object,
    asked: &Asked<'_>,
    action: &'static str,
    suits: impl Fn(&str) -> bool,
) -> Result<Said, RecordError> {
    asked.context.limits.check_length(asked.query)?;
    let mut said: [Option<Vec<String>>; 2] = [None, None];
    let mut rest = Vec::new();
    for pair in asked.query.split('&') {
        let parsed = parse::parameters(pair)?;
        let own = parsed.first().and_then(|(name, value)| {
            let index = OWN.iter().position(|own| own == name)?;
            Some((index, value))
        });
        match own {
            Some((index, _)) if said[index].is_some() => {
                return Err(RecordError::syntax(
                    OWN[index],
                    "",
                    "the parameter is given more than once",
                ));
            }
            Some((index, value)) => said[index] = Some(columns::parse(OWN[index], value)?),
            None => rest.push(pair),
        }
    }
    let [columns, on_conflict] = said;
    let suits = |name: &str| !is_of_lists(name) && suits(name);
    Ok(Said {
        columns,
        on_conflict,
        query: read_query(object, &rest.join("&"), asked.context.limits, action, suits)?,
    })
}

/// Whether a parameter is about the answer of a write that has no filter: what it selects and how that is ordered.
pub(super) fn answers(object: &Object, parameter: &str) -> bool {
    let column = parameter.split("->").next().unwrap_or_default();
    match parameter {
        "select" | "order" | "limit" | "offset" => true,
        "and" | "or" | "not.and" | "not.or" => false,
        _ => object.readable(column.trim_matches('"')).is_none(),
    }
}
