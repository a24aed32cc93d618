//! People.

pub(super) mod create;
