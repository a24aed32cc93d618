//! What the catalog refuses or cannot do, as an answer.

use catalog::authenticate::AuthenticateError;
use catalog::error::CatalogError;
use catalog::password::HashingError;
use catalog::pg::sqlstate::{Failure, PgError};

use super::ApiError;

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Database(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<PgError> for ApiError {
    fn from(error: PgError) -> Self {
        match error.failure() {
            Failure::Server | Failure::Timeout => Self::unavailable(error),
            Failure::Contention => Self::conflict(
                "conflict",
                "Another request changed the same at the same time; please try again",
            ),
            Failure::Other => Self::internal(error),
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Catalog(error) => error.into(),
            AuthenticateError::Hashing(HashingError::Busy) => Self::overloaded("passwords hashed at once"),
            AuthenticateError::Hashing(HashingError::Failed) => Self::internal(HashingError::Failed),
        }
    }
}
