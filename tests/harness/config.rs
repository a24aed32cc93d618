//! What the harness reads from the environment: where PostgreSQL is.

use std::path::PathBuf;

use catalog::pg::local::Search;

/// `TENANTRY_PG_BIN` names the folder of `postgres` and `initdb`; without it, `PATH` and the usual folders are
/// searched. Nothing is downloaded: a test run must not depend on somebody's mirror.
pub(crate) fn search() -> Search {
    Search {
        explicit: std::env::var_os("TENANTRY_PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        download_to: None,
    }
}
