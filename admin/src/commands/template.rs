//! `tenantry template …`.

pub(super) mod check;
