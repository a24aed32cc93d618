//! The query string of a request, its names looked at before its grammar.

use super::filter::unknown_column;
use crate::records::ast::{Deleted, QueryString, SelectItem};
use crate::records::error::{self, RecordError};
use crate::records::limits::Limits;
use crate::records::model::Object;
use crate::records::parse::name::{About, parse as parse_name};
use crate::records::parse::parameters::{Conditions, KNOWN};
use crate::records::parse::{self, Parameters, Verb, known};

/// Decodes and parses a query string.
pub(super) fn read_query(
    object: &Object,
    raw: &str,
    limits: Limits,
    verb: Verb,
) -> Result<QueryString, RecordError> {
    limits.check_length(raw)?;
    read_parameters(object, parse::parameters(raw)?, limits, verb)
}

/// Parses parameters after looking at their names, so that a mistyped one is called unknown rather than a filter that does
/// not parse.
pub(super) fn read_parameters(
    object: &Object,
    parameters: Parameters,
    limits: Limits,
    verb: Verb,
) -> Result<QueryString, RecordError> {
    let select = match parameters.iter().find(|(name, _)| name == "select") {
        Some((_, select)) => parse::select::parse(select)?,
        None => Vec::new(),
    };
    let names = Names {
        object,
        select: &select,
        // Without a bin, another value is that of a column which is not there.
        is_of_the_bin: object.soft_delete
            || parameters
                .iter()
                .all(|(name, word)| name != "deleted" || Deleted::of(word).is_some()),
        verb,
    };
    let asks_for_bin = parameters.iter().any(|(name, _)| name == "deleted") && names.are_meant("deleted");
    if asks_for_bin && !object.soft_delete {
        return Err(RecordError::NoBin {
            object: object.name.clone(),
        });
    }
    for (name, _) in &parameters {
        names.check(name)?;
    }
    let said = parse::query(parameters, |name| names.are_meant(name))?;
    limits.check(&said)?;
    Ok(said)
}

/// What the names of a query string may mean.
struct Names<'a> {
    object: &'a Object,
    select: &'a [SelectItem],
    is_of_the_bin: bool,
    verb: Verb,
}

impl Names<'_> {
    /// The name is a parameter's, and no column's.
    fn are_meant(&self, name: &str) -> bool {
        let is_column = || self.object.readable(name).is_some() || self.embeds(name);
        known(name).is_some_and(|known| known.is_meant(self.verb, is_column()))
            && (name != "deleted" || self.is_of_the_bin)
    }

    fn embeds(&self, wanted: &str) -> bool {
        let is = |item: &SelectItem| matches!(item, SelectItem::Embed(embed) if embed.name() == wanted);
        self.select.iter().any(is)
    }

    fn check(&self, name: &str) -> Result<(), RecordError> {
        let may_stand = if self.are_meant(name) {
            known(name).is_some_and(|known| known.is_of(self.verb))
        } else {
            self.exists(name)?;
            match self.verb.conditions() {
                Conditions::All => true,
                Conditions::OfTheAnswer => self.is_about_the_answer(name),
                Conditions::None => false,
            }
        };
        if may_stand {
            return Ok(());
        }
        Err(RecordError::MisplacedParameter {
            parameter: error::shorten(name),
            action: self.verb.action(),
        })
    }

    /// Looks for the column. A name that leads to an embedded object is looked at when that is known to be embedded.
    fn exists(&self, name: &str) -> Result<(), RecordError> {
        let unknown = |column: &str| {
            let known = KNOWN.iter().filter(|known| known.is_of(self.verb));
            let known: Vec<&str> = known.map(|known| known.name).collect();
            unknown_column(self.object, column, &known)
        };
        match parse_name(name) {
            Ok(parsed) => match parsed.about {
                About::Column(column)
                    if parsed.path.is_empty()
                        && self.object.readable(&column.name).is_none()
                        && !self.embeds(&column.name) =>
                {
                    Err(unknown(&column.name))
                }
                _ => Ok(()),
            },
            Err(error) if name.starts_with('"') => Err(error),
            Err(_) => Err(unknown(name)),
        }
    }

    /// It is about what is embedded in the answer.
    fn is_about_the_answer(&self, name: &str) -> bool {
        let column = name.split("->").next().unwrap_or_default();
        self.object.readable(column.trim_matches('"')).is_none()
    }
}
