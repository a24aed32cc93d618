//! Reading `postmaster.pid`, the file in which a running PostgreSQL writes its process id, its port and its status.
//!
//! Its lines: process id, data folder, start time, port, socket folder, listen address, shared memory key, status
//! (`src/include/utils/pidfile.h`; the status line exists since PostgreSQL 10).

use std::path::Path;
use std::{fs, io};

use nix::unistd::Pid;

/// Its name inside the data folder.
pub(super) const NAME: &str = "postmaster.pid";

/// The lines that matter to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PidFile {
    /// Whose file it is. The process may be long dead, and its number reused.
    pub(super) pid: Pid,
    /// Whether PostgreSQL accepts connections.
    pub(super) is_ready: bool,
}

/// Reads the file; `None` if there is none or it is not written in full yet.
pub(super) fn read(data_dir: &Path) -> io::Result<Option<PidFile>> {
    match fs::read_to_string(data_dir.join(NAME)) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A negative number is a standalone backend (`postgres --single`); it counts by its absolute value.
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines
        .next()?
        .trim()
        .parse::<i32>()
        .ok()?
        .checked_abs()
        .filter(|pid| *pid > 1)?;
    let is_ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    Some(PidFile {
        pid: Pid::from_raw(pid),
        is_ready,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/srv/data\n1700000000\n5432\n/tmp\n127.0.0.1\n  123456     7\nready   \n";

    #[test]
    fn the_status_line_tells_whether_connections_are_accepted() {
        let ready = PidFile {
            pid: Pid::from_raw(4711),
            is_ready: true,
        };
        assert_eq!(parse(READY), Some(ready));
        assert_eq!(
            parse(&READY.replace("ready   ", "starting")),
            Some(PidFile {
                is_ready: false,
                ..ready
            })
        );
    }

    #[test]
    fn a_file_written_in_part_is_not_ready() {
        let early = READY.lines().take(5).collect::<Vec<_>>().join(
            "
",
        );
        assert_eq!(
            parse(&early),
            Some(PidFile {
                pid: Pid::from_raw(4711),
                is_ready: false
            })
        );
    }

    #[test]
    fn numbers_that_must_never_be_signalled_are_refused() {
        for text in [
            "",
            "\n",
            "0\n",
            "1\n",
            "-1\n",
            "x\n",
            "99999999999\n",
            "-2147483648\n",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("-4711\n").map(|file| file.pid), Some(Pid::from_raw(4711)));
    }
}
