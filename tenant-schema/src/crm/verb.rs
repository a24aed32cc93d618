//! A verb that is ready to run, as the record engine runs it.

use super::refusal::Rule;
use crate::records::{Claim, Mode, Param, Preferences, Prepared, Query, RecordError, SchemaModel};

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
}

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
    let mut query = verb.statement.query();
    let claim = manner.claim.filter(|_| verb.mode == Mode::ReadWrite);
    if let Some(claim) = claim {
        claim.keep(&mut query, ANSWER);
    }
    let locks = verb.locks.iter().map(Step::query).collect();
    Prepared::of_verb(model, verb, query, locks, manner.preferences, claim)
}
