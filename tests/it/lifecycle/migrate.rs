//! Migrating tenants.
