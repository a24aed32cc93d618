//! The template: the numbered migrations every tenant schema is built from.

use std::sync::LazyLock;

use catalog::pg::migrator::Migrations;

mod embedded {
    refinery::embed_migrations!("migrations");
}

static TEMPLATE: LazyLock<Migrations> =
    LazyLock::new(|| Migrations::new(embedded::migrations::runner().get_migrations().clone()));

/// The migrations of the template that ships: a CRM.
pub fn migrations() -> &'static Migrations {
    &TEMPLATE
}

/// The version of a tenant schema that has them all.
pub fn latest() -> i32 {
    migrations().latest()
}
