//! What can go wrong in the catalog, as far as a caller would act on it.

use crate::pg::sqlstate::PgError;

/// A refusal by the catalog's rules, or a failure beneath.
///
/// The rules are kept by the database; [`From<PgError>`] translates the names of its constraints. Some of them are
/// deferred and speak at COMMIT, so a caller that wants their meaning converts that error too.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Another organization lives under this slug.
    #[error("the slug is taken")]
    SlugTaken,
    /// The slug is kept for the platform.
    #[error("the slug is reserved")]
    SlugReserved,
    /// Another organization left this slug less than 90 days ago.
    #[error("the slug was another organization's until recently and rests for 90 days")]
    SlugRetired,
    /// Another user has this address.
    #[error("the e-mail address belongs to another user")]
    EmailTaken,
    /// The person belongs to the organization already.
    #[error("the user is a member already")]
    AlreadyMember,
    /// A tenant would be left without an owner who is an active admin.
    #[error("the organization needs an owner, who is an active admin")]
    LastOwner,
    /// A tenant would have two owners.
    #[error("the organization has an owner already")]
    SecondOwner,
    /// The nesting is platform, agency, client; a platform and a standalone organization stand in nothing.
    #[error(
        "the parent does not fit: a client belongs to an agency, an agency to a platform, others to nothing"
    )]
    InvalidParent,
    /// The tenant is on its way, and it is not known whether it has arrived.
    #[error("it is on its way to {target}, and it is not known whether it has arrived")]
    InDoubt {
        /// The other database.
        target: String,
    },
    /// The tenant lives in another database.
    #[error("it has moved to {target}")]
    Elsewhere {
        /// The other database.
        target: String,
    },
    /// Tenants are on the plan.
    #[error("tenants are on this plan")]
    PlanInUse,
    /// Only a client or a standalone organization owns a tenant schema.
    #[error("the organization is not a tenant: only a client or standalone organization has a schema")]
    NotATenant,
    /// A value breaks a rule on its column.
    #[error("a value is refused by {constraint}")]
    Invalid {
        /// The name of the check, `<table>_<column>_check`.
        constraint: String,
    },
    /// The thing to be changed, or a thing referred to, is not there.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for, in one word.
        what: &'static str,
    },
    /// A row holds what no program of ours writes.
    #[error("catalog.{table}.{column} holds a value that cannot be")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The database failed, or refused for a reason no caller could act on.
    #[error(transparent)]
    Database(PgError),
}

/// `check_violation` (PostgreSQL documentation, appendix A).
const CHECK_VIOLATION: &str = "23514";

impl From<PgError> for CatalogError {
    fn from(error: PgError) -> Self {
        match error.constraint() {
            Some("organizations_slug_key") => Self::SlugTaken,
            Some("organizations_slug_reserved") => Self::SlugReserved,
            Some("organizations_slug_retired") => Self::SlugRetired,
            Some("organizations_parent_check" | "organizations_parent_id_parent_kind_fkey") => {
                Self::InvalidParent
            }
            Some("users_email_key") => Self::EmailTaken,
            Some("memberships_organization_id_user_id_key") => Self::AlreadyMember,
            Some("memberships_owner_required" | "memberships_owner_check") => Self::LastOwner,
            Some("memberships_one_owner") => Self::SecondOwner,
            Some("tenant_schemas_organization_kind_check") => Self::NotATenant,
            Some("tenant_plans_plan_fkey") => Self::NotFound { what: "plan" },
            Some("memberships_user_id_fkey" | "sessions_user_id_fkey" | "user_credentials_user_id_fkey") => {
                Self::NotFound { what: "user" }
            }
            Some(
                "memberships_organization_id_fkey"
                | "sessions_organization_id_fkey"
                | "api_keys_organization_id_fkey",
            ) => Self::NotFound { what: "organization" },
            Some(constraint) if error.sqlstate() == Some(CHECK_VIOLATION) => Self::Invalid {
                constraint: constraint.to_owned(),
            },
            _ => Self::Database(error),
        }
    }
}
