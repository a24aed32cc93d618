//! Actors: who did it, as audit rows and the tenant's `created_by` columns say it.

use std::fmt;

use crate::ids::{ApiKeyId, UserId};

/// The origin of a change: written as `user:<id>`, `key:<id>` or `operator:<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    User(UserId),
    /// A program with an API key.
    Key(ApiKeyId),
    /// An operator at the command line: the operating system's login name.
    Operator(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
        }
    }
}
