//! The server's promises, proved over its real router and, where it matters, over real sockets.

mod access;
mod auth;
mod bad_input;
mod clients;
mod conditional;
mod errors;
mod exports;
mod functions;
mod hosts;
mod idempotency;
mod isolation;
mod limits;
mod openapi;
mod records;
