//! Speaks HTTP: authenticate, authorize, parse, call, render. A library; the binary calls [`serve()`].
//!
//! A request passes, from the outside in: [`mod@serve`] (connections), `cors` (what other origins may see), `frame` (id, limits, log, error bodies),
//! [`routes`] (the one list of routes), [`access`] (extractors that prove who may do what), and a handler, which is
//! one call into `catalog` or `tenant-schema` and one conversion.

pub mod config;
pub mod context;
pub mod error;
pub mod host;
pub mod routes;
pub mod serve;
pub mod state;
pub mod token;

pub mod access;
pub mod callers;

mod admission;
mod attempts;
mod auth;
mod body;
mod client_network;
mod cors;
mod credentials;
mod crm;
mod device;
mod forwarded;
mod frame;
mod headers;
mod health;
mod openapi;
mod query;
mod records;
mod shares;
mod signing_keys;

pub use config::ServerConfig;
pub use routes::router;
pub use serve::{Server, serve};
pub use state::{AppState, StateParts};
