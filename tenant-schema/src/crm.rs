//! What the CRM does beyond rows: its verbs, for tenants whose template has the tables that they need.
//!
//! A [`Verb`] is one flight, as a request for records is: statements that lock, and the one that looks, decides, writes
//! and makes the answer. So nothing is decided on what somebody else has changed meanwhile, and a verb that is refused
//! has written nothing. What it refuses is a rule: the statement says its word and the particulars, the rule the rest.
//! Idempotency keys, `Prefer: tx`, time zones, the fence against migrations and PostgreSQL's own refusals are the record
//! engine's ([`records`](crate::records)).

pub mod booking;
pub mod deals;
mod fields;
mod id;
mod moment;
mod parameters;
mod refusal;
pub mod slots;
mod verb;

pub use fields::Fields;
pub use id::id_of;
pub use parameters::Parameters;
pub use refusal::{Refusal, WrongField};
pub use verb::{Manner, Verb, prepare};

/// Its statements.
pub(crate) const STATEMENTS: &[&str] = &[
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

pub(crate) use refusal::{Rule, refused};
pub(crate) use verb::{Step, answer};
