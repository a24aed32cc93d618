//! The integration binary: everything that needs a whole Tenantry, or the whole source tree.

mod lifecycle;
mod tidy;
