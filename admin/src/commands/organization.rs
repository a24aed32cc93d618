//! Organizations without a schema.

pub(super) mod create;
