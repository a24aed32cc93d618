//! What processes have of memory to themselves, as Linux tells it.

use anyhow::{Context, Result};
use tests::bench::{Fleet, Served};

/// Of the server and of its backends, in MiB.
pub(crate) struct Memory {
    /// The server's.
    pub(crate) server: f64,
    /// How many backends it has.
    pub(crate) backends: usize,
    /// Theirs together, without what all of PostgreSQL shares.
    pub(crate) of_backends: f64,
}

impl Memory {
    /// As it is now.
    pub(crate) async fn of(fleet: &Fleet, server: &Served) -> Result<Self> {
        let backends = fleet.backends().await?;
        let mut of_backends = 0.0;
        for pid in &backends {
            of_backends += anonymous(*pid)?;
        }
        Ok(Self {
            server: anonymous(server.pid()?)?,
            backends: backends.len(),
            of_backends,
        })
    }
}

/// The pages of a process that are of no file (proc(5), `smaps_rollup`), in MiB. A process that has ended has none.
fn anonymous(pid: u32) -> Result<f64> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.raw_os_error() == Some(3) || error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(0.0);
        }
        Err(error) => return Err(error).context(file),
    };
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
    let line = line.with_context(|| format!("{file} has no Pss_Anon"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
