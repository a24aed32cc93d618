//! What lives inside one tenant: the pinned transaction, the template, the lifecycle and the record engine.

pub mod records;
