//! The integration binary: everything that needs a whole Tenantry, or the whole source tree.

mod http;
mod lifecycle;
mod tidy;
