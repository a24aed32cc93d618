//! What will be done, with every name resolved to something of the schema model.

use super::limits::Limits;
use super::model::SchemaModel;
use super::rights::Rights;

mod asked;
mod cascade;
mod cast;
mod cursor;
mod deleted;
mod embed;
mod filter;
mod items;
mod levels;
mod nested;
mod order;
mod query;
mod read;
mod relate;
mod rpc;
mod search;
mod select;
mod write;

pub use asked::Asked;
pub use cascade::{Cascade, Falling, Group, Tie};
pub use cursor::{Paging, Sorted};
pub(in crate::records) use cursor::{is_descending, is_pageable, nulls_come_first};
pub use embed::{Embed, Shape};
pub use filter::{Spot, Subject};
pub use order::SortBy;
pub use read::{Get, List, Node, get, list};
pub use rpc::{Call, Given, Results, call};
pub use search::Words;
pub use select::{Origin, Output, Selection, Shown, Value};
pub use write::{
    Absent, Answering, Bound, Conflict, Delete, Fall, Held, Insert, Merge, Owner, Purge, Restore, Since,
    States, Update, Written, delete, insert, purge, replace, restore, update,
};

pub(super) use write::check;

/// What every plan depends on besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'m> {
    /// The tenant's schema.
    pub model: &'m SchemaModel,
    /// How much one request may ask for.
    pub limits: Limits,
    /// What the caller may do.
    pub rights: Rights<'m>,
}
