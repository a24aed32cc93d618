//! What a verb refuses, and how it says so.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::records::RecordError;

type Text = Cow<'static, str>;

/// A refused verb, with all that its problem says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status, below 500.
    pub status: u16,
    /// For programs.
    pub code: Text,
    /// The same as a sentence.
    pub message: Text,
    /// The particulars: a text, or what a program wants to know.
    pub details: Option<Value>,
    /// What to do about it.
    pub hint: Option<Text>,
    /// Everything that is wrong, field by field.
    pub errors: Vec<WrongField>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WrongField {
    /// Its name.
    pub field: String,
    /// For programs.
    pub code: Text,
    /// The same as a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(status: u16, code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: None,
            hint: None,
            errors: Vec::new(),
        }
    }

    /// The same with the particulars.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Value>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Text>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with all that is wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<WrongField>) -> Self {
        self.errors = errors;
        self
    }
}

impl From<Refusal> for RecordError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// A rule of a verb's: its statement says the word when it refuses by it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The word, and the code of the problem.
    pub(crate) word: &'static str,
    pub(crate) status: u16,
    pub(crate) message: &'static str,
    pub(crate) hint: Option<&'static str>,
}

/// The particulars, as a statement gives them for its body.
#[derive(Deserialize, Default)]
struct Particulars {
    details: Option<Value>,
    #[serde(default)]
    errors: Vec<WrongField>,
}

/// The record is not there. Every verb that is about one may say it.
const UNKNOWN: &str = "unknown";

/// The record is in another state than the request is meant for; the details are its version.
const OUTDATED: &str = "outdated";

/// What a statement refused by this word, with the body that it gave.
pub(crate) fn refused(rules: &[Rule], object: &str, word: &str, body: Option<&[u8]>) -> RecordError {
    let particulars = body.map(serde_json::from_slice::<Particulars>);
    let Ok(Particulars { details, errors }) = particulars.unwrap_or_else(|| Ok(Particulars::default()))
    else {
        return RecordError::Unreadable(format!("the particulars of the refusal {word}"));
    };
    let object = object.to_owned();
    match word {
        UNKNOWN => return RecordError::UnknownRecord { object },
        OUTDATED => {
            return RecordError::Outdated {
                object,
                version: details.as_ref().and_then(Value::as_u64),
                changed: Vec::new(),
            };
        }
        _ => {}
    }
    let Some(rule) = rules.iter().find(|rule| rule.word == word) else {
        return RecordError::Unreadable(format!("a refusal by the unknown word {word}"));
    };
    let mut refusal = Refusal::new(rule.status, rule.word, rule.message).with_errors(errors);
    refusal.details = details;
    refusal.hint = rule.hint.map(Into::into);
    refusal.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule] = &[Rule {
        word: "closed",
        status: 409,
        message: "It is closed",
        hint: Some("Open it"),
    }];

    #[test]
    fn a_word_is_told_by_its_rule_with_the_particulars() {
        let body =
            br#"{"details": {"allowed": ["open"]}, "errors": [{"field": "a", "code": "b", "message": "c"}]}"#;
        let refused = |word, body| refused(RULES, "doors", word, body);
        let error = refused("closed", Some(&body[..]));
        assert_eq!(
            (error.status(), error.code(), error.message().as_str()),
            (409, "closed", "It is closed")
        );
        assert_eq!(error.hint().as_deref(), Some("Open it"));
        let RecordError::Refused(refusal) = error else {
            unreachable!()
        };
        assert_eq!(refusal.details, Some(serde_json::json!({ "allowed": ["open"] })));
        assert_eq!(refusal.errors.len(), 1);
        assert_eq!(refused("unknown", None).status(), 404);
        assert_eq!(
            refused("outdated", Some(br#"{"details": 7}"#))
                .details()
                .as_deref(),
            Some("The current version is 7")
        );
        assert_eq!(refused("nothing we say", None).status(), 500);
        assert_eq!(refused("closed", Some(b"[")).status(), 500);
    }
}
