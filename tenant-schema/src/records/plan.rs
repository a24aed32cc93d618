//! What will be done, with every name resolved to a field of the schema model.

mod filter;
mod query;
mod read;
mod select;
mod write;

pub use read::{Get, List, get, list};
pub use select::Output;
pub use write::{
    Answering, Asked, Bound, Conflict, Delete, Insert, Merge, Update, Written, delete, insert, replace,
    update,
};
