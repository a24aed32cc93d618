//! What the harness reads from the environment: where PostgreSQL is, what must be there besides, and how long a
//! benchmark takes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
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

/// `PATH` with this folder before all others: the programs a test runs are those of its cluster.
pub fn path_beginning_with(folder: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).expect("a folder that was found through PATH may stand in it")
}

/// `TENANTRY_REQUIRE_CLIENTS=1`: Node.js and the clients in `tests/js` must be there. The gate says so; elsewhere their
/// tests do nothing without them.
pub fn requires_clients() -> bool {
    std::env::var_os("TENANTRY_REQUIRE_CLIENTS").is_some_and(|value| value == "1")
}

/// `TENANTRY_REQUIRE_PGBOUNCER=1`: `PgBouncer` must be there. The gate says so; elsewhere its tests do nothing without it.
pub fn requires_pgbouncer() -> bool {
    std::env::var_os("TENANTRY_REQUIRE_PGBOUNCER").is_some_and(|value| value == "1")
}

/// `TENANTRY_TEST_PGBOUNCER=1`: servers in process reach their database through `PgBouncer` in transaction mode, in every
/// test that does not say otherwise.
pub fn is_pooled() -> bool {
    std::env::var_os("TENANTRY_TEST_PGBOUNCER").is_some_and(|value| value == "1")
}

/// Numbers that a benchmark is told by the environment, `default` where it is told nothing.
pub fn numbers(name: &str, default: &str) -> Result<Vec<usize>> {
    let text = std::env::var_os(name).map_or_else(|| default.into(), |v| v.to_string_lossy().into_owned());
    let parsed: Result<_, _> = text.split(',').map(str::parse).collect();
    parsed.with_context(|| format!("{name}={text} is not a list of numbers such as {default}"))
}
