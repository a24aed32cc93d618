//! A verb that is ready to run, as the record engine runs it.

use catalog::nearest::nearest;

use super::{Parameters, Rule};
use crate::records::{Claim, Mode, Next, Param, Preferences, Prepared, Query, RecordError, SchemaModel};

/// How every statement of a verb's ends: the row of its last part, which is named `_answer`, is the answer. A `count`
/// of -1 says that it refuses, by the word that is the `key`.
macro_rules! answer {
    () => {
        "\nselect a.body, a.count, a.version, a.key from _answer a"
    };
}
pub(crate) use answer;

/// The same as a text.
pub(crate) const ANSWER: &str = answer!();

/// A verb: what it sends, and what it refuses.
#[derive(Debug, Clone)]
pub struct Verb {
    /// The object that it is about, for errors.
    pub(crate) object: &'static str,
    /// Whether it writes.
    pub(crate) mode: Mode,
    /// What it locks first, each a statement of its own: what comes behind it sees all that was written under the lock.
    pub(crate) locks: Vec<Step>,
    /// The statement that makes the answer.
    pub(crate) statement: Step,
    /// What that statement refuses.
    pub(crate) rules: &'static [Rule],
    /// The time zone whose days it means, if the request says one.
    pub(crate) time_zone: Option<String>,
    /// It makes a record, whose id is the `key` of the answer: 201, and where it is.
    pub(crate) creates: bool,
    /// What names the next page, of a verb that lists: its `key` are the sort values of the last entry.
    pub(crate) next: Option<Next>,
}

impl Verb {
    /// A verb that reads by one statement.
    pub(crate) fn reads(object: &'static str, sql: &'static str, params: Vec<Option<String>>) -> Self {
        Self {
            object,
            mode: Mode::ReadOnly,
            locks: Vec::new(),
            statement: Step { sql, params },
            rules: &[],
            time_zone: None,
            creates: false,
            next: None,
        }
    }

    /// A verb that writes by one statement behind others.
    pub(crate) fn writes(
        object: &'static str,
        locks: Vec<Step>,
        statement: Step,
        rules: &'static [Rule],
    ) -> Self {
        Self {
            mode: Mode::ReadWrite,
            locks,
            rules,
            ..Self::reads(object, statement.sql, statement.params)
        }
    }

    /// The same by the clocks of this zone.
    pub(crate) fn in_time_zone(mut self, zone: Option<String>) -> Self {
        self.time_zone = zone;
        self
    }
}

/// The zone of those who say none.
pub(crate) const UTC: &str = "UTC";

/// A statement and its parameters, as PostgreSQL's input functions read them.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) sql: &'static str,
    pub(crate) params: Vec<Option<String>>,
}

impl Step {
    /// The step as the engine sends it.
    fn query(&self) -> Query {
        Query {
            text: self.sql.to_owned(),
            params: self.params.iter().cloned().map(bare).collect(),
        }
    }
}

fn bare(value: Option<String>) -> Param {
    Param { value, column: None }
}

/// What a request says of how a verb is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// `Prefer`
    pub preferences: &'a Preferences,
    /// `Idempotency-Key`
    pub claim: Option<&'a Claim>,
}

/// The verb as a prepared request.
///
/// # Errors
/// A preference that it cannot follow, with `handling=strict`.
pub fn prepare(model: &SchemaModel, verb: &Verb, manner: Manner<'_>) -> Result<Prepared, RecordError> {
    if let Some(zone) = verb
        .time_zone
        .as_ref()
        .filter(|zone| !model.time_zones.contains(*zone))
    {
        let mut wrong = Parameters::read("", &[])?;
        let shown: String = zone.chars().take(60).collect();
        let names = model.time_zones.iter().map(String::as_str);
        let meant = nearest(&shown, names).map(|meant| format!("; perhaps you meant {meant}"));
        let expected = "must be the name of a time zone, such as Europe/Berlin";
        wrong.refuse(
            "time_zone",
            "unknown_time_zone",
            format!("{expected}{}", meant.unwrap_or_default()),
        );
        wrong.finish()?;
    }
    let mut query = verb.statement.query();
    let claim = manner.claim.filter(|_| verb.mode == Mode::ReadWrite);
    if let Some(claim) = claim {
        claim.keep(&mut query, ANSWER);
    }
    let locks = verb.locks.iter().map(Step::query).collect();
    Prepared::of_verb(model, verb, query, locks, manner.preferences, claim)
}
