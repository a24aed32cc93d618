//! The parameters of a query string: which there are, what takes each, and what a request gives them.

use percent_encoding::percent_decode;

use crate::records::error::RecordError;

/// What a query string is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Listing records.
    List,
    /// Reading one.
    Get,
    /// Adding records.
    Insert,
    /// Putting one at its key.
    Put,
    /// Changing those that a filter finds.
    Update,
    /// Changing one.
    UpdateOne,
    /// Removing those that a filter finds.
    Delete,
    /// Removing one.
    DeleteOne,
    /// Bringing one back.
    Restore,
    /// Removing one for good.
    Purge,
    /// Calling a function that returns records.
    CallForRecords,
    /// Calling one that returns values.
    CallForValues,
    /// Calling one that returns one value, or nothing.
    CallForOne,
}

/// The conditions that a query string may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::records) enum Conditions {
    /// On whatever is there.
    All,
    /// On what is embedded in the answer, but not on the object itself.
    OfTheAnswer,
    /// None, and nothing about what is embedded.
    None,
}

impl Verb {
    /// What is done, as a verb phrase.
    pub(in crate::records) fn action(self) -> &'static str {
        match self {
            Self::List => "list records",
            Self::Get => "get one record",
            Self::Insert => "insert records",
            Self::Put => "put a record",
            Self::Update | Self::UpdateOne => "update records",
            Self::Delete | Self::DeleteOne => "delete records",
            Self::Restore => "restore a record",
            Self::Purge => "purge a record",
            Self::CallForRecords => "call a function",
            Self::CallForValues | Self::CallForOne => "call a function that does not return records",
        }
    }

    pub(in crate::records) fn conditions(self) -> Conditions {
        match self {
            Self::Insert => Conditions::OfTheAnswer,
            Self::Restore | Self::Purge => Conditions::None,
            _ => Conditions::All,
        }
    }

    fn is_write(self) -> bool {
        !matches!(
            self,
            Self::List | Self::Get | Self::CallForRecords | Self::CallForValues | Self::CallForOne
        )
    }
}

/// When a name is that of a column, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yields {
    /// Never: such a column can be read and written, but not filtered by under its bare name.
    Never,
    /// Where nothing is written, since only writes have the parameter.
    ToReads,
    /// Wherever a column or an embedded object is called so.
    ToColumns,
}

/// A parameter that is no condition on a column.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    verbs: &'static [Verb],
    yields: Yields,
}

impl Known {
    /// Whether requests of this kind take it.
    pub fn is_of(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// Whether the name is the parameter's in such a request, and not a column's. `is_column` says that there is one, or
    /// an embedded object.
    pub fn is_meant(&self, verb: Verb, is_column: bool) -> bool {
        match self.yields {
            Yields::Never => true,
            Yields::ToReads => verb.is_write(),
            Yields::ToColumns => !is_column,
        }
    }
}

/// All of them.
pub const KNOWN: &[Known] = {
    use Verb::{
        CallForRecords, CallForValues, Delete, DeleteOne, Get, Insert, List, Purge, Put, Restore, Update,
        UpdateOne,
    };
    use Yields::{Never, ToColumns, ToReads};

    const fn known(name: &'static str, yields: Yields, verbs: &'static [Verb]) -> Known {
        Known { name, verbs, yields }
    }
    // A PUT is refused for a page or a group of conditions by codes of its own.
    const GROUPS: &[Verb] = &[
        List,
        Get,
        Put,
        Update,
        UpdateOne,
        Delete,
        DeleteOne,
        CallForRecords,
    ];
    const PAGES: &[Verb] = &[List, Insert, Put, Update, Delete, CallForRecords, CallForValues];
    &[
        known(
            "select",
            Never,
            &[
                List,
                Get,
                Insert,
                Put,
                Update,
                UpdateOne,
                Delete,
                DeleteOne,
                Restore,
                Purge,
                CallForRecords,
            ],
        ),
        known(
            "order",
            Never,
            &[List, Insert, Put, Update, Delete, CallForRecords],
        ),
        known("limit", Never, PAGES),
        known("offset", Never, PAGES),
        known("and", Never, GROUPS),
        known("or", Never, GROUPS),
        known("not.and", Never, GROUPS),
        known("not.or", Never, GROUPS),
        known("cursor", Never, &[List]),
        known("q", Never, &[List]),
        known(
            "deleted",
            ToColumns,
            &[List, Get, Update, UpdateOne, CallForRecords],
        ),
        known("columns", ToReads, &[Insert, Put, Update, UpdateOne]),
        known("on_conflict", ToReads, &[Insert]),
    ]
};

/// The parameter of this name.
pub fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// The decoded parameters of a query string, in their order, repetitions kept.
pub type Parameters = Vec<(String, String)>;

/// Splits a raw query string at `&` and the first `=`, and decodes `+` and percent escapes (WHATWG URL, section 5.1).
///
/// A parameter without a name is skipped when it is empty too (`a=1&&b=2`).
pub fn parameters(raw: &str) -> Result<Parameters, RecordError> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(raw: &str) -> Result<String, RecordError> {
    let spaced: Vec<u8> = raw
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| {
        RecordError::syntax(
            "query string",
            raw,
            "the percent encoding does not make valid UTF-8",
        )
    })
}

/// Takes the value of a parameter out that may be given once.
pub fn take_once(parameters: &mut Parameters, name: &str) -> Result<Option<String>, RecordError> {
    let mut values = parameters
        .extract_if(.., |(given, _)| given == name)
        .map(|(_, value)| value);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(twice(name)),
    }
}

/// The refusal of a parameter that is given more than once.
pub fn twice(name: &str) -> RecordError {
    RecordError::syntax(name, "", "the parameter is given more than once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let decoded = parameters("a%20b=c+d%2B&&x&y=%C3%A4=1").unwrap();
        let expected = [("a b", "c d+"), ("x", ""), ("y", "ä=1")];
        assert_eq!(
            decoded,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(parameters("a=%FF").unwrap_err().code(), "PGRST100");
    }

    #[test]
    fn a_value_is_taken_once() {
        let mut given = parameters("a=1&b=2&c=3&b=4").unwrap();
        assert_eq!(take_once(&mut given, "a").unwrap().as_deref(), Some("1"));
        assert_eq!(take_once(&mut given, "a"), Ok(None));
        let refused = take_once(&mut given, "b").unwrap_err();
        assert_eq!(refused.message(), "failed to parse b ()");
    }

    #[test]
    fn each_name_is_known_once() {
        for known in KNOWN {
            let of_name = KNOWN.iter().filter(|other| other.name == known.name);
            assert_eq!(of_name.count(), 1, "{}", known.name);
            assert!(!known.is_of(Verb::CallForOne), "{}", known.name);
        }
        let of_writes = |name| known(name).is_some_and(|known| known.is_meant(Verb::Delete, true));
        assert!(of_writes("columns") && of_writes("select") && !of_writes("deleted"));
        assert!(!known("columns").is_some_and(|known| known.is_meant(Verb::List, true)));
    }
}
