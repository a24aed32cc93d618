//! What lives inside one tenant: its pinned transaction, its template, its life, and the records in it.
//!
//! The path of a request: [`models`] says what there is to ask for, [`tenant_db`] opens a transaction that can see one
//! tenant, [`records`] fills it. The path
//! of an operator: [`lifecycle`] makes a tenant, [`fleet`] brings all of them to the latest [`template`], [`fleet_sql`]
//! asks all of them something, [`container`] holds one of them in a file.

mod access_tag;
pub mod container;
pub mod crm;
pub mod demo_data;
pub mod doctor;
pub mod erd;
pub mod exports;
pub mod fleet;
pub mod fleet_sql;
mod lanes;
pub mod lifecycle;
pub mod members;
pub mod models;
pub mod personal;
pub mod records;
pub mod size;
pub mod template;
pub mod template_check;
pub mod tenant_db;
pub mod usage;

/// The statements of this crate that are constants, so that a test can prepare each; some are about tables of a tenant.
#[doc(hidden)]
pub fn statements() -> Vec<&'static str> {
    let own = [
        records::INTROSPECT,
        records::claim::LOCK,
        records::claim::CHECK,
        records::claim::READ,
        container::SHAPE,
        container::SEQUENCES,
        container::export::SERVER,
        container::import::SET_SEQUENCE,
        demo_data::FIRST_WITH_RECORDS,
        demo_data::SET_ACTOR,
        fleet::PIN,
        fleet::LOCKS,
        fleet::STORAGE,
        members::HAS_MIRROR,
        size::ON_DISK,
        template_check::SHAPE,
        usage::SIZES,
        usage::ACTIVITY,
        usage::BY_TABLE,
        usage::RUNNING,
        template_check::live::FOREIGN_KEYS,
        template_check::live::TABLES,
        template_check::live::OUTSIDE,
        template_check::live::FIELD_VERSIONS,
        template_check::live::LEFT_BEHIND,
        tenant_db::opening::BOUNDED,
        tenant_db::opening::BOUNDED_EXPORT,
        tenant_db::opening::BOUNDED_STATEMENT,
        tenant_db::opening::READ,
        tenant_db::opening::TIME_ZONE,
        tenant_db::opening::WRITE,
    ];
    let steps = lifecycle::post_steps::concurrent::STATEMENTS;
    [
        own.as_slice(),
        OF_LIFECYCLE,
        steps,
        &doctor::statements(),
        &crm::statements(),
    ]
    .concat()
}

const OF_LIFECYCLE: &[&str] = &[
    lifecycle::foreign::FOUND,
    lifecycle::foreign::REFUSED,
    lifecycle::RELATIONS,
    lifecycle::belongings::LARGE_OBJECTS,
    lifecycle::belongings::LOCKS,
    lifecycle::belongings::UNLINK,
    lifecycle::clone::anonymise::COLUMNS,
    lifecycle::clone::anonymise::SEED,
    lifecycle::clone::copy::COLUMNS,
    lifecycle::clone::copy::LEFT_OUT,
    lifecycle::clone::copy::SEQUENCES,
    lifecycle::clone::open::DEFERRABLE,
    lifecycle::clone::open::FOREIGN_KEYS,
    lifecycle::clone::open::TABLES,
    lifecycle::clone::open::TRIGGERS,
    lifecycle::fleet_table::TYPES,
    lifecycle::logins::END_SESSIONS,
    lifecycle::logins::OVERDUE,
    lifecycle::psql_login::OF_SCHEMA,
    lifecycle::stamp::BEARER,
    lifecycle::stamp::STAMP,
    lifecycle::purge::ROLES,
    lifecycle::purge::budget::OF_SCHEMA,
    lifecycle::purge::budget::OF_RELATIONS,
    lifecycle::purge::budget::OUTSIDE,
    lifecycle::purge::budget::ROOM,
    lifecycle::purge::row_counts::TABLES,
    lifecycle::version_mark::CHECK,
    lifecycle::version_mark::FIND,
];
