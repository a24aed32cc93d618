//! What the CRM does beyond rows: its verbs, for tenants whose template has the tables that they need.
//!
//! A [`Verb`] is one flight, as a request for records is: statements that lock, and the one that looks, decides, writes
//! and makes the answer. So nothing is decided on what somebody else has changed meanwhile. A refusal is an answer, and the
//! flight is committed with it: a statement ahead of the one that decides carries its conditions itself, or writes only what is true
//! whether the verb is refused or not. What it refuses is a rule: the statement says its word and the particulars, the rule the rest.
//! Idempotency keys, `Prefer: tx`, time zones, the fence against migrations and PostgreSQL's own refusals are the record
//! engine's ([`records`](crate::records)).

pub mod activities;
pub mod board;
pub mod booking;
pub mod deals;
mod fields;
mod id;
mod moment;
mod parameters;
pub mod pipelines;
mod refusal;
pub mod reports;
pub mod slots;
pub mod timeline;
mod verb;

pub use fields::Fields;
pub use id::id_of;
pub use parameters::Parameters;
pub use refusal::{Refusal, WrongField};
pub use verb::{Manner, Verb, prepare};

/// Its statements.
pub(crate) fn statements() -> Vec<&'static str> {
    let own: &[&str] = &[
        activities::CHANGE,
        activities::DUE,
        activities::LOCK,
        board::BOARD,
        booking::change::BOOK,
        booking::change::CHANGE,
        booking::change::LOCK,
        booking::place::LOCK_SERVICE,
        booking::place::MADE,
        booking::place::MAKE,
        booking::place::SWEEP,
        booking::reschedule::LOCK_STAFF,
        booking::reschedule::MOVE,
        booking::reschedule::SWEEP,
        slots::FIND,
        deals::CHANGE,
        deals::LOCK_DEAL,
        deals::LOCK_STAGES,
    ];
    [
        own,
        pipelines::STATEMENTS,
        reports::STATEMENTS,
        timeline::STATEMENTS,
    ]
    .concat()
}

pub(crate) use refusal::{Rule, refused};
pub(crate) use verb::{Step, answer};
