//! What lives inside one tenant: its pinned transaction, its template, its life, and the records in it.
//!
//! The path of a request: [`models`] says what there is to ask for, [`tenant_db`] opens a transaction that can see one
//! tenant, [`records`] fills it. The path
//! of an operator: [`lifecycle`] makes a tenant, [`fleet`] brings all of them to the latest [`template`].

mod access_tag;
pub mod demo_data;
pub mod erd;
pub mod exports;
pub mod fleet;
mod lanes;
pub mod lifecycle;
pub mod members;
pub mod models;
pub mod records;
pub mod size;
pub mod template;
pub mod template_check;
pub mod tenant_db;

/// The statements of this crate that are constants, so that a test can prepare each; some are about tables of a tenant.
#[doc(hidden)]
pub fn statements() -> [&'static str; 18] {
    [
        records::INTROSPECT,
        records::claim::LOCK,
        records::claim::CHECK,
        records::claim::READ,
        lifecycle::RELATIONS,
        lifecycle::psql_login::END_SESSIONS,
        lifecycle::psql_login::EXPIRED,
        fleet::HAS_TABLE,
        fleet::PIN,
        fleet::LOCKS,
        fleet::STORAGE,
        members::HAS_MIRROR,
        size::ON_DISK,
        template_check::live::FOREIGN_KEYS,
        template_check::live::TABLES,
        template_check::live::OUTSIDE,
        template_check::live::FIELD_VERSIONS,
        template_check::live::LEFT_BEHIND,
    ]
}
