//! PostgreSQL's own client programs, which some commands drive.

use std::ffi::OsString;
use std::io;

use tokio::process::Command;

use crate::failure::Problem;
use crate::operator::Operator;

/// `psql`, `pg_dump`, …: the one beside the demo's PostgreSQL, or the one found through `PATH`.
pub(crate) struct ClientProgram(OsString);

impl ClientProgram {
    /// Where it is.
    pub(crate) fn find(name: &str, operator: &Operator) -> Self {
        let beside = operator.bin_dir.as_ref().map(|folder| folder.join(name));
        let beside = beside.filter(|path| path.is_file());
        Self(beside.map_or_else(|| OsString::from(name), Into::into))
    }

    /// The program, to be given its arguments and the environment of a connection.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        // The operator's own PGSERVICE or PGHOSTADDR would win over PGHOST.
        for name in ["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGTARGETSESSIONATTRS"] {
            command.env_remove(name);
        }
        command
    }

    /// What to say when it does not start.
    pub(crate) fn cannot_run(&self, error: &io::Error) -> anyhow::Error {
        let program = self.0.to_string_lossy();
        if error.kind() == io::ErrorKind::NotFound {
            let next = "install PostgreSQL's client programs, such as the package postgresql-client";
            let why = format!("could not run {program}: it is not on this machine");
            return Problem::environment(why, next).into();
        }
        let why = format!("could not run {program}: {error}");
        Problem::environment(why, "check its permissions").into()
    }
}
