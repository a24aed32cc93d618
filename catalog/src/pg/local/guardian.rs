//! Stops PostgreSQL when we cannot: a shell that waits for the end of a pipe which only we hold open. However our
//! process ends, by `exit`, a panic or SIGKILL, the kernel closes the pipe, and the shell stops PostgreSQL and removes the
//! folder of a temporary cluster. (`PR_SET_PDEATHSIG` would do on Linux only, and follows a thread, not a process.)

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::unistd::Pid;

/// `$1` signal, `$2` process, `$3` cluster's folder to remove or nothing. The server's own file tells when it has
/// ended: its process number may be a zombie's for long where nobody reaps orphans, as in many containers.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r _
kill -s "$1" "$2" 2>/dev/null
[ -n "$3" ] || exit 0
n=0
while [ -e "$3/data/postmaster.pid" ] && [ "$n" -lt 100 ]; do n=$((n + 1)); sleep 0.1 || sleep 1; done
rm -rf -- "$3"
"#;

/// Lives beside one PostgreSQL.
#[derive(Debug)]
pub(super) struct Guardian {
    shell: Child,
}

impl Guardian {
    /// `signal` as `kill -s` knows it.
    pub(super) fn watch(postmaster: Pid, signal: &str, remove: Option<&Path>) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "tenantry-guardian", signal, &postmaster.to_string()]);
        command.arg(remove.unwrap_or(Path::new("")));
        // A group of its own, so that Ctrl-C at the terminal does not reach it; nothing of ours held open.
        command.process_group(0).current_dir("/");
        let shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Guardian {
    /// We are alive and take care of PostgreSQL ourselves. Killed before the pipe is closed.
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _gone = self.shell.kill();
        let _status = self.shell.wait();
    }
}
