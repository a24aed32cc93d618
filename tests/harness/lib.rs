//! The harness: a PostgreSQL of our own, a database for every test, and words to set a scene.
//!
//! ```ignore
//! let t = TestDb::new().await;
//! let acme = t.tenant("acme").await;
//! let ann = t.user("ann@example.com").await;
//! ```
//!
//! The first test of a process starts one local cluster and makes a template database: catalog migrated, server
//! login ready. Every [`TestDb`] is a copy of it, gone when dropped. Time stands still ([`fixed::FixedClock`]) and
//! ids come from a seed, so a test can say what it expects. [`Proxy`] stands between a pool and PostgreSQL to count
//! network flights, cut a connection after any message, or ask a question on somebody else's connection. A [`Pooler`] is
//! `PgBouncer` between a server and PostgreSQL.

pub mod app;
pub mod bench;
pub mod binary;
pub mod cluster;
pub mod config;
pub mod database;
pub mod fixed;
pub mod pooler;
pub mod proxy;
pub mod records;
pub mod small_disk;
pub mod tenant;

pub use app::TestApp;
pub use cluster::Cluster;
pub use database::TestDb;
pub use fixed::FixedClock;
pub use pooler::Pooler;
pub use proxy::Proxy;
pub use records::Records;
pub use small_disk::SmallDisk;
pub use tenant::TestTenant;
