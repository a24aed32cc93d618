//! Identifiers: one newtype per aggregate, so that two ids cannot change places in a call.
//!
//! All are UUID version 7 (RFC 9562, section 5.7), made by [`crate::clock::Source`]: their order in time keeps
//! index inserts at the right-hand edge of the tree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The plain UUID, for the places that take any.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl<'a> FromSql<'a> for $name {
            fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                Uuid::from_sql(ty, raw).map(Self)
            }

            fn accepts(ty: &Type) -> bool {
                <Uuid as FromSql>::accepts(ty)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.0.to_sql(ty, out)
            }

            fn accepts(ty: &Type) -> bool {
                <Uuid as ToSql>::accepts(ty)
            }

            tokio_postgres::types::to_sql_checked!();
        }
    )+};
}

id! {
    /// A customer: a row of `catalog.organizations`.
    OrganizationId,
    /// A person: a row of `catalog.users`.
    UserId,
    /// A person in an organization: a row of `catalog.memberships`, and the same id in the tenant's `members`.
    MembershipId,
    /// A signed-in device: a row of `catalog.sessions`.
    SessionId,
    /// One refresh token of a session's family.
    RefreshTokenId,
    /// An API key: a row of `catalog.api_keys`.
    ApiKeyId,
    /// A migration of the fleet: a row of `catalog.migration_runs`.
    MigrationRunId,
}
