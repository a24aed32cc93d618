//! The program as an operator runs it: its environment is the test's, and nothing of it outlives the test.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Stdio;

use insta::internals::SettingsBindDropGuard;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tests::binary::{self, Profile};
use tests::{Cluster, TestDb, config};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What an operator's own environment may hold and a test must not be moved by.
const FOREIGN: &[&str] = &[
    "DATABASE_URL",
    "SERVER_DATABASE_URL",
    "TARGET_DATABASE_URL",
    "TENANTRY_KEYRING",
    "TENANTRY_KEYRING_FILE",
    "TENANTRY_TEMPLATE",
    "TENANTRY_SERVER_PASSWORD",
    "TENANTRY_DROP_GRACE",
    "TENANTRY_LISTEN",
    "TENANTRY_BASE_DOMAIN",
    "TENANTRY_PUBLIC_SCHEME",
    "TENANTRY_PUBLIC_PORT",
    "TENANTRY_TRUSTED_PROXIES",
    "TENANTRY_ALLOWED_ORIGINS",
    "TENANTRY_DEMO_DATA",
    "RUST_LOG",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "PSQLRC",
    "PGOPTIONS",
    "PGPASSWORD",
    "SUDO_USER",
    "LOGNAME",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Arguments: as a list, or as a line that is split where a shell splits it, single quotes included.
pub(super) trait Arguments {
    /// One by one.
    fn list(&self) -> Vec<String>;
}

impl Arguments for str {
    fn list(&self) -> Vec<String> {
        let parts = self.split('\'').enumerate();
        let words = parts.flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }
}

impl Arguments for String {
    fn list(&self) -> Vec<String> {
        self.as_str().list()
    }
}

impl Arguments for [&str] {
    fn list(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl<const N: usize> Arguments for [&str; N] {
    fn list(&self) -> Vec<String> {
        self[..].list()
    }
}

impl Arguments for Vec<&str> {
    fn list(&self) -> Vec<String> {
        self[..].list()
    }
}

/// The program with an environment.
pub(super) struct Tenantry {
    variables: Vec<(&'static str, OsString)>,
    secrets: Vec<String>,
    home: TempDir,
}

impl Tenantry {
    /// With the environment of somebody who has a PostgreSQL installed, and nothing else.
    pub(super) async fn alone() -> Self {
        let bin_dir = Cluster::shared().await.bin_dir().await;
        let home = tempfile::tempdir().expect("a temporary folder");
        Self {
            variables: vec![
                ("HOME", home.path().into()),
                ("USER", "ann".into()),
                ("PATH", config::path_beginning_with(&bin_dir)),
                ("TENANTRY_POSTGRES_BIN", bin_dir.into()),
            ],
            secrets: Vec::new(),
            home,
        }
    }

    /// With the environment of an operator of this database.
    pub(super) async fn on(t: &TestDb) -> Self {
        let url = t.owner_url();
        let (password, _) = url
            .expose_secret()
            .trim_start_matches("postgres://")
            .split_once('@')
            .expect("the harness's URLs name a login");
        let (_, password) = password.split_once(':').expect("and its password");
        let ring = t.cluster().key_ring_text().expose_secret();
        let mut tenantry = Self::alone()
            .await
            .with("DATABASE_URL", url.expose_secret())
            .with("TENANTRY_KEYRING", ring);
        tenantry.secrets = vec![password.to_owned(), ring.to_owned()];
        tenantry
    }

    /// The same with this variable.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self = self.without(name);
        self.variables.push((name, value.into()));
        self
    }

    /// The same without it.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    /// A folder of its own, empty.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program's path.
    pub(super) fn program() -> OsString {
        binary::tenantry(Profile::Dev)
            .expect("the program is built")
            .into_os_string()
    }

    /// A program in this environment, killed when it is dropped.
    pub(super) fn other(
        &self,
        program: impl Into<OsString>,
        arguments: &(impl Arguments + ?Sized),
    ) -> Command {
        let mut command = Command::new(program.into());
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .args(arguments.list())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The program with these arguments.
    pub(super) fn command(&self, arguments: &(impl Arguments + ?Sized)) -> Command {
        self.other(Self::program(), arguments)
    }

    /// Runs it to its end.
    pub(super) async fn run(&self, arguments: &(impl Arguments + ?Sized)) -> Ran {
        self.end_of(self.command(arguments)).await
    }

    /// Runs it to its end with this on standard input.
    pub(super) async fn run_with_input(&self, arguments: &(impl Arguments + ?Sized), input: &str) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // It may end without reading what it is given.
        let _unread = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        self.checked(child.wait_with_output().await.expect("it ends"))
    }

    /// Runs a command to its end.
    pub(super) async fn end_of(&self, mut command: Command) -> Ran {
        let child = command.spawn().expect("it starts");
        self.checked(child.wait_with_output().await.expect("it ends"))
    }

    /// Runs it to its end; it must succeed.
    pub(super) async fn does(&self, arguments: &(impl Arguments + ?Sized)) -> Ran {
        let ran = self.run(arguments).await;
        assert_eq!(ran.status, Some(0), "{:?}\n{ran}", arguments.list());
        ran
    }

    /// Runs it with `--json` and reads its document; it must succeed.
    pub(super) async fn json(&self, arguments: &(impl Arguments + ?Sized)) -> Value {
        let mut all = arguments.list();
        all.push("--json".to_owned());
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let ran = self.does(&all).await;
        assert_eq!(ran.stderr, "", "{all:?}");
        serde_json::from_str(&ran.stdout).expect("one JSON document")
    }

    /// Starts it.
    pub(super) fn start(&self, arguments: &(impl Arguments + ?Sized)) -> Running {
        Running::new(self.command(arguments).stdin(Stdio::piped()))
    }

    /// Nothing the program says, well or not, repeats a secret of its environment.
    fn checked(&self, output: std::process::Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
        let ran = Ran {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for secret in &self.secrets {
            let shown = ran.stdout.contains(secret) || ran.stderr.contains(secret);
            assert!(!shown, "a secret is shown:\n{ran}");
        }
        ran
    }
}

/// What a run gave.
#[derive(Debug)]
pub(super) struct Ran {
    /// The exit status, if no signal ended it.
    pub(super) status: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    /// The failure as `--json` tells it.
    pub(super) fn failure(&self) -> Value {
        assert_eq!(self.stdout, "", "{self}");
        let mut told: Value = serde_json::from_str(&self.stderr).expect("one JSON document");
        told["error"].take()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "exit status {status}")?,
            None => write!(f, "ended by a signal")?,
        }
        for (name, text) in [("out", &self.stdout), ("err", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n-- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// A program that runs, killed when it is dropped.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: Lines<BufReader<ChildStdout>>,
    pub(super) stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts a command.
    pub(super) fn new(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        Self {
            stdin: child.stdin.take().expect("it is piped"),
            stdout: BufReader::new(child.stdout.take().expect("it is piped")).lines(),
            stderr: BufReader::new(child.stderr.take().expect("it is piped")).lines(),
            child,
        }
    }

    /// Its process number.
    pub(super) fn pid(&self) -> i32 {
        let pid = self.child.id().expect("nobody has waited for it");
        i32::try_from(pid).expect("process numbers are small")
    }

    /// The next line on standard output.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.stdout.next_line().await.expect("it speaks UTF-8")
    }

    /// Reads its JSON document, which is one line.
    pub(super) async fn document(&mut self) -> Value {
        match self.line().await {
            Some(line) => serde_json::from_str(&line).expect("one JSON document"),
            None => panic!("it ended without its document: {}", self.rest_of_stderr().await),
        }
    }

    /// Reads standard error up to the line that holds this.
    pub(super) async fn says(&mut self, words: &str) {
        while let Some(line) = self.stderr.next_line().await.expect("it speaks UTF-8") {
            if line.contains(words) {
                return;
            }
        }
        panic!("it ended and never said {words:?}");
    }

    /// Types a line.
    pub(super) async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.stdin
            .write_all(line.as_bytes())
            .await
            .expect("it reads its standard input");
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::kill(pid, signal).expect("it runs");
    }

    /// Kills it, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Waits for its end and gives the exit status, if no signal ended it.
    pub(super) async fn end(&mut self) -> Option<i32> {
        self.child.wait().await.expect("it ends").code()
    }

    /// What it still says on standard error.
    pub(super) async fn rest_of_stderr(&mut self) -> String {
        let mut text = String::new();
        let read = self.stderr.get_mut().read_to_string(&mut text).await;
        read.expect("it speaks UTF-8");
        text
    }
}

/// Snapshots show a word where a run invents a value.
pub(super) fn masked() -> SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    for (pattern, word) in [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
            "<id>",
        ),
        (r"t_[0-9a-f]{32}", "<schema>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
        (r"tk_[A-Za-z0-9_-]{40,}", "<key>"),
        (r"tk_[A-Za-z0-9_-]{5}", "<prefix>"),
        (r"\b[a-z02-9]{24}\b", "<password>"),
        (r"test_\d+", "<database>"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
        (r#""size_bytes": \d+"#, r#""size_bytes": <size>"#),
        (r"(size +)[0-9.]+ [kM]B", "$1<size>"),
        // A migration more is not a reason to fail.
        (r#"("applied": )\[[^\]]+\]"#, "$1[<versions>]"),
        (r#"(version"?:? +)\d+"#, "$1<version>"),
        (r"(needs |to )\d+", "$1<version>"),
        (r"os error \d+", "os error <n>"),
        (r"(active  )\d+ ", "$1<version> "),
    ] {
        settings.add_filter(pattern, word);
    }
    settings.bind_to_scope()
}
