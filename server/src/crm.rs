//! `/crm/v1`: what is more than a row. The verbs themselves are `tenant_schema::crm`; here HTTP becomes one, and its answer
//! HTTP.
//!
//! A handler is the proof that its caller may use the verb ([`crate::access`]), and the verb. A tenant whose template has
//! not the tables that a verb needs has no such address.

pub(crate) mod activities;
mod asked;
pub(crate) mod booking;
pub(crate) mod deals;
pub(crate) mod pipelines;
pub(crate) mod reports;
pub(crate) mod timeline;

pub(crate) use asked::Asked;
