//! Tenants.

pub(super) mod create;
pub(super) mod list;
pub(super) mod pin;
pub(super) mod show;
