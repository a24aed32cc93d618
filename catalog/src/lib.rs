//! Who exists: organizations, users, memberships, sessions and keys; and [`pg`], the one door to PostgreSQL.
//!
//! Everything that knows a table of the `catalog` schema lives here, together with the value types the other
//! crates share ([`ids`], [`slug`], [`schema_name`], [`clock`]). Nothing here knows HTTP, a command line, or a
//! table inside a tenant schema.

pub mod access;
pub mod actor;
pub mod api_keys;
pub mod archives;
pub mod audit;
pub mod authenticate;
pub mod changes;
pub mod citus;
pub mod clock;
pub mod credentials;
pub mod dba_grants;
pub mod departures;
pub mod doctor;
pub mod domains;
pub mod email;
pub mod erasures;
pub mod error;
pub mod fitness;
pub mod ids;
pub mod init;
pub mod jwks;
pub mod limits;
pub mod memberships;
pub mod migration_runs;
pub mod moves;
pub mod nearest;
pub mod organizations;
pub mod password;
pub mod pg;
pub mod plans;
pub mod post_steps;
pub mod private_file;
pub mod resolve;
pub mod resolver;
mod row;
pub mod schema_name;
pub mod scope;
pub mod seal;
pub mod secret;
pub mod selection;
pub mod sessions;
pub mod slug;
pub mod spare_schemas;
pub mod standing;
pub mod stored_text;
pub mod template_models;
pub mod tenant_schemas;
pub mod tx;
pub mod users;

/// Every statement of this crate on catalog tables, so that a test can prepare each against a migrated catalog.
#[doc(hidden)]
pub fn statements() -> Vec<&'static str> {
    [
        api_keys::STATEMENTS,
        archives::STATEMENTS,
        audit::STATEMENTS,
        authenticate::STATEMENTS,
        changes::STATEMENTS,
        citus::STATEMENTS,
        credentials::STATEMENTS,
        dba_grants::STATEMENTS,
        departures::STATEMENTS,
        doctor::STATEMENTS,
        doctor::database::STATEMENTS,
        domains::STATEMENTS,
        erasures::STATEMENTS,
        fitness::STATEMENTS,
        init::STATEMENTS,
        jwks::STATEMENTS,
        limits::STATEMENTS,
        memberships::STATEMENTS,
        migration_runs::STATEMENTS,
        migration_runs::report::STATEMENTS,
        moves::STATEMENTS,
        moves::carried::STATEMENTS,
        moves::carried::person::STATEMENTS,
        organizations::STATEMENTS,
        pg::erd::STATEMENTS,
        plans::STATEMENTS,
        pg::migrator::STATEMENTS,
        post_steps::STATEMENTS,
        post_steps::report::STATEMENTS,
        resolve::STATEMENTS,
        selection::STATEMENTS,
        sessions::STATEMENTS,
        spare_schemas::STATEMENTS,
        standing::STATEMENTS,
        template_models::STATEMENTS,
        tenant_schemas::STATEMENTS,
        users::STATEMENTS,
    ]
    .concat()
}

/// The statement of every condition that tenants can be selected by, for the same test.
#[doc(hidden)]
pub fn selection_statements() -> Vec<String> {
    selection::statements()
}
