//! The server's promises, proved over its real router and, where it matters, over real sockets.

mod access;
mod auth;
mod bad_input;
mod bare_values;
mod booking;
mod clients;
mod conditional;
mod crm;
mod errors;
mod exports;
mod forged;
mod functions;
mod hosts;
mod idempotency;
mod isolation;
mod limits;
mod moving;
mod openapi;
mod origins;
mod quotas;
mod records;
mod scene;
