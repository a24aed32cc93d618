//! The PostgreSQL door: the only module that knows a driver, a pool or a connection string.
//!
//! - [`config`]: where the server is and how to speak to it (a URL, TLS).
//! - [`pool`]: connections with their timeouts, bounded in number and in what they remember.
//! - [`tx`]: a transaction of several statements, whose opening travels with the first.
//! - [`flight`]: a connection on which a whole transaction is one network flight.
//! - [`sqlstate`], [`server_error`]: what a failure means, and what the server said.
//! - [`migrator`]: numbered files applied inside such a transaction.
//! - [`erd`]: what tables a schema has, for drawing.
//! - [`local`]: a private server of our own, for the demo, the tests and the benchmark.

pub mod config;
pub mod erd;
pub mod flight;
pub mod local;
pub mod migrator;
pub mod pool;
pub mod server_error;
pub mod session;
pub mod sqlstate;
mod statements;
pub mod tx;
