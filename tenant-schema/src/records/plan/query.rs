//! The query string of a request, its names looked at before its grammar.

use super::deleted;
use super::filter::unknown_column;
use crate::records::ast::{QueryString, SelectItem};
use crate::records::error::{self, RecordError};
use crate::records::limits::Limits;
use crate::records::model::Object;
use crate::records::parse::name::{About, parse as parse_name};
use crate::records::parse::{self, OF_LISTS, Parameters, RESERVED};

/// Whether a parameter selects or filters, and does not make a page.
pub(super) fn finds(parameter: &str) -> bool {
    !["order", "limit", "offset"].contains(&parameter) && !is_of_lists(parameter)
}

/// Whether a parameter is one that only lists have.
pub(super) fn is_of_lists(parameter: &str) -> bool {
    OF_LISTS.contains(&parameter)
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
    let mut parameters: Parameters = parse::parameters(raw)?;
    let select = match parameters.iter().find(|(name, _)| name == "select") {
        Some((_, select)) => parse::select::parse(select)?,
        None => Vec::new(),
    };
    let deleted = deleted::take(object, &select, &mut parameters)?;
    for (name, _) in &parameters {
        check_name(object, &select, name)?;
        if !suits(name) {
            return Err(RecordError::MisplacedParameter {
                parameter: error::shorten(name),
                action,
            });
        }
    }
    let mut said = parse::query(&parameters)?;
    said.deleted = deleted;
    limits.check(&said)?;
    Ok(said)
}

/// A name that leads to an embedded object is looked at when that is known to be embedded.
fn check_name(object: &Object, select: &[SelectItem], name: &str) -> Result<(), RecordError> {
    if RESERVED.contains(&name) {
        return Ok(());
    }
    let embeds = |wanted: &str| {
        let is = |item: &SelectItem| matches!(item, SelectItem::Embed(embed) if embed.name() == wanted);
        select.iter().any(is)
    };
    match parse_name(name) {
        Ok(parsed) => match parsed.about {
            About::Column(column)
                if parsed.path.is_empty()
                    && object.readable(&column.name).is_none()
                    && !embeds(&column.name) =>
            {
                Err(unknown_column(object, &column.name, &RESERVED))
            }
            _ => Ok(()),
        },
        Err(error) if name.starts_with('"') => Err(error),
        Err(_) => Err(unknown_column(object, name, &RESERVED)),
    }
}
