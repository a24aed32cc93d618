//! The PostgreSQL door: the only module that knows a driver, a pool or a connection string.
//!
//! - [`config`]: where the server is and how to speak to it (a URL, TLS).
//! - [`pool`]: connections with their timeouts, bounded in number and in what they remember.
//! - [`tx`]: one transaction whose opening, statement and COMMIT travel together.
//! - [`sqlstate`]: what a failure means.
//! - [`migrator`]: numbered files applied inside such a transaction.
//! - [`erd`]: what tables a schema has, for drawing.
//! - [`local`]: a private server of our own, for the demo, the tests and the benchmark.

pub mod config;
pub mod erd;
pub mod local;
pub mod migrator;
pub mod pool;
pub mod sqlstate;
pub mod tx;
