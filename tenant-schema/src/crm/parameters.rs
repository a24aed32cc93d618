//! What a verb is told by its query string: parameters that it knows, each once.

use catalog::nearest::nearest;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{Refusal, WrongField, moment};
use crate::records::{RecordError, parse};

/// The parameters of a query string. What is wrong with them is gathered, so that all of it is told at once by
/// [`Parameters::finish`].
#[derive(Debug)]
pub struct Parameters {
    given: Vec<(String, String)>,
    wrong: Vec<WrongField>,
}

impl Parameters {
    /// Reads a query string.
    ///
    /// # Errors
    /// Parameters that are not `known`, and such as stand twice.
    pub fn read(query: &str, known: &[&str]) -> Result<Self, RecordError> {
        let given = parse::parameters(query)?;
        for (at, (name, _)) in given.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(unknown(name, known));
            }
            if given[..at].iter().any(|(before, _)| before == name) {
                let message = format!("The parameter '{name}' may stand once");
                return Err(Refusal::new(400, "repeated_parameter", message).into());
            }
        }
        Ok(Self {
            given,
            wrong: Vec::new(),
        })
    }

    /// Refuses all parameters.
    ///
    /// # Errors
    /// If there is one.
    pub fn none(query: &str) -> Result<(), RecordError> {
        Self::read(query, &[]).map(|_| ())
    }

    /// The value of a parameter.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(at).1)
    }

    /// Says what is wrong with a parameter.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.wrong.push(WrongField {
            field: name.to_owned(),
            code: code.into(),
            message: message.into(),
        });
    }

    /// A parameter that is an id.
    pub fn id(&mut self, name: &str) -> Option<Uuid> {
        let text = self.take(name)?;
        let id = Uuid::parse_str(&text).ok();
        if id.is_none() {
            self.refuse(name, "not_an_id", "must be a UUID");
        }
        id
    }

    /// A parameter that is a day.
    pub fn day(&mut self, name: &str) -> Option<NaiveDate> {
        let text = self.take(name)?;
        let day = moment::date(&text);
        if day.is_none() {
            self.refuse(name, "not_a_day", "must be a day, such as 2026-03-31");
        }
        day
    }

    /// A parameter that is a number of this range.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let text = self.take(name)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = range.into_inner();
            self.refuse(
                name,
                "not_a_number",
                format!("must be a whole number from {from} to {to}"),
            );
        }
        number
    }

    /// A parameter that is one of some words.
    pub fn word<'w>(&mut self, name: &str, words: &[&'w str]) -> Option<&'w str> {
        let text = self.take(name)?;
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            let hint = nearest(&text, words.iter().copied());
            let hint = hint
                .map(|meant| format!("; perhaps you meant {meant}"))
                .unwrap_or_default();
            self.refuse(
                name,
                "not_a_word",
                format!("must be one of {}{hint}", words.join(", ")),
            );
        }
        word
    }

    /// A parameter that must be there.
    pub fn required<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let is_wrong = self.wrong.iter().any(|wrong| wrong.field == name);
        if value.is_none() && !is_wrong {
            self.refuse(name, "missing", "must be given");
        }
        value
    }

    /// Nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish(self) -> Result<(), RecordError> {
        let message = match self.wrong.as_slice() {
            [] => return Ok(()),
            [one] => format!("The parameter '{}' {}", one.field, one.message),
            several => format!("{} parameters are wrong", several.len()),
        };
        Err(Refusal::new(400, "bad_parameter", message)
            .with_errors(self.wrong)
            .into())
    }
}

fn unknown(name: &str, known: &[&str]) -> RecordError {
    let name: String = name.chars().take(100).collect();
    let refusal = Refusal::new(
        400,
        "unknown_parameter",
        format!("This takes no parameter '{name}'"),
    );
    let refusal = refusal.with_details(if known.is_empty() {
        "It takes none".to_owned()
    } else {
        format!("It takes {}", known.join(", "))
    });
    match nearest(&name, known.iter().copied()) {
        Some(meant) => refusal.with_hint(format!("Perhaps you meant '{meant}'")).into(),
        None => refusal.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["from", "limit", "group", "owner_id"];

    fn read(query: &str) -> Parameters {
        Parameters::read(query, KNOWN).unwrap()
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        let refused = |query| {
            let error = Parameters::read(query, KNOWN).unwrap_err();
            (error.status(), error.message(), error.hint())
        };
        let hint = Some("Perhaps you meant 'owner_id'".to_owned());
        assert_eq!(
            refused("ownerid=1"),
            (400, "This takes no parameter 'ownerid'".to_owned(), hint)
        );
        assert_eq!(
            refused("limit=1&limit=1").1,
            "The parameter 'limit' may stand once"
        );
        assert!(Parameters::none("").is_ok() && Parameters::none("limit=1").is_err());
    }

    #[test]
    fn values_are_read_and_everything_wrong_is_told_at_once() {
        let mut good = read("from=2026-02-28&limit=9&group=week");
        assert_eq!(good.day("from"), NaiveDate::from_ymd_opt(2026, 2, 28));
        assert_eq!(
            (good.number("limit", 1..=9), good.word("group", &["week"])),
            (Some(9), Some("week"))
        );
        assert!(good.finish().is_ok());
        let mut bad = read("from=2026-02-29&limit=0&group=weak&owner_id=x");
        assert_eq!((bad.day("from"), bad.number("limit", 1..=9)), (None, None));
        assert_eq!((bad.word("group", &["week"]), bad.id("owner_id")), (None, None));
        assert_eq!(bad.required("to", None::<u8>), None);
        let Err(RecordError::Refused(refusal)) = bad.finish() else {
            unreachable!()
        };
        assert_eq!((refusal.status, refusal.errors.len()), (400, 5));
        assert_eq!(
            refusal.errors[2].message,
            "must be one of week; perhaps you meant week"
        );
        for wrong in [
            "2026-2-8",
            "0001-01-01",
            "-999-01-01",
            "%2B99999-1-1",
            "9999-12-31",
        ] {
            assert_eq!(read(&format!("from={wrong}")).day("from"), None, "{wrong}");
        }
    }
}
