//! Who exists: organizations, users, memberships, sessions and keys; and [`pg`], the one door to PostgreSQL.
//!
//! Everything that knows a table of the `catalog` schema lives here, together with the value types the other
//! crates share ([`ids`], [`slug`], [`schema_name`], [`clock`]). Nothing here knows HTTP, a command line, or a
//! table inside a tenant schema.

pub mod actor;
pub mod changes;
pub mod clock;
pub mod email;
pub mod ids;
pub mod init;
pub mod pg;
pub mod schema_name;
pub mod slug;
pub mod tx;
