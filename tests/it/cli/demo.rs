//! `tenantry demo` as a newcomer meets it: one command, lines that work as printed, data that survives a kill.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use super::program::{Ran, Running, Tenantry};

/// A machine with nothing set up but PostgreSQL's programs.
struct Machine {
    tenantry: Tenantry,
    port: String,
}

impl Machine {
    async fn new() -> Self {
        let tenantry = Tenantry::alone().await;
        // As a home is where PostgreSQL's own account may pass, if root runs the demo.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(tenantry.home(), open).expect("the folder is ours");
        Self {
            tenantry,
            port: free_port().to_string(),
        }
    }

    fn data(&self) -> PathBuf {
        self.tenantry.home().join(".local/share/tenantry/demo")
    }

    fn postgres(&self) -> Pid {
        let file = self.data().join("cluster/data/postmaster.pid");
        let text = fs::read_to_string(file).expect("it runs");
        Pid::from_raw(text.lines().next().expect("a line").parse().expect("a number"))
    }

    fn start(&self, more: &str) -> Running {
        self.tenantry.start(&format!("demo --port {} {more}", self.port))
    }

    /// Runs a line as somebody does who pastes it.
    async fn paste(&self, line: &str) -> Ran {
        let ran = self
            .tenantry
            .end_of(self.tenantry.other("sh", &["-c", line]))
            .await;
        assert_eq!(ran.status, Some(0), "{line}\n{ran}");
        ran
    }

    async fn paste_for_json(&self, line: &str) -> Value {
        let ran = self.paste(line).await;
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{line}\n{ran}\n{error}"))
    }
}

/// A port nobody uses, below those that systems give to connections (49152 by RFC 6335, 32768 on Linux): none of the
/// other tests' can take it before the demo does.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).expect("it is below 10,000");
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..first + 100).find(is_free).expect("a free port")
}

/// What the demo prints for people, up to its last line.
async fn card(demo: &mut Running) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(line) = demo.line().await {
        let last = line.starts_with("Ctrl-C");
        lines.push(line);
        if last {
            return lines;
        }
    }
    panic!(
        "it ended without its card: {lines:?}\n{}",
        demo.rest_of_stderr().await
    );
}

fn lines_with<'a>(card: &'a [String], what: &str) -> Vec<&'a str> {
    let lines = card.iter().map(|line| line.trim());
    lines.filter(|line| line.contains(what)).collect()
}

#[tokio::test]
async fn a_newcomer_runs_it_pastes_kills_and_runs_it_again() {
    let machine = Machine::new().await;
    let begun = Instant::now();
    let mut demo = machine.start("");
    let card = card(&mut demo).await;
    let first = begun.elapsed();
    let keys = every_line_works(&machine, &card).await;
    psql_works_beside_it(&machine, &card).await;
    spares_are_built(&machine).await;
    a_second_one_is_refused(&machine, &demo).await;
    secrets_are_kept(&machine);

    let postgres = machine.postgres();
    demo.kill().await;
    let begun = Instant::now();
    let mut demo = machine.start("--json");
    let document = demo.document().await;
    let second = begun.elapsed();
    assert_ne!(machine.postgres(), postgres, "it went with the demo");
    everything_was_kept(&machine, &document, &keys).await;
    crate::tell(&format!(
        "demo: first start {first:.1?}, after kill -9 {second:.1?}"
    ));

    let postgres = machine.postgres();
    demo.signal(Signal::SIGINT);
    assert_eq!(demo.end().await, Some(0));
    assert_eq!(demo.rest_of_stderr().await, "");
    assert!(signal::kill(postgres, None).is_err(), "PostgreSQL is gone");
    assert!(!machine.data().join("cluster/data/postmaster.pid").exists());
    assert!(!machine.data().join("running.json").exists());
    let ran = machine.tenantry.run("tenant list").await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(ran.stderr.contains("no demo is running"), "{ran}");
}

/// Gives the tenants' keys.
async fn every_line_works(machine: &Machine, card: &[String]) -> BTreeSet<String> {
    let curl = lines_with(card, "curl ");
    let [read, write, header, sign_in] = curl[..] else {
        panic!("four lines of curl, not {curl:?}")
    };
    let contacts = machine.paste_for_json(read).await;
    let names = contacts.as_array().expect("a list");
    assert!(
        names.len() == 3 && names.iter().all(|contact| contact["first_name"].is_string()),
        "{contacts}"
    );
    let made = machine.paste_for_json(write).await;
    assert!(made.to_string().contains(r#""last_name":"Hopper""#), "{made}");
    let deals = machine.paste_for_json(header).await;
    let won = deals.as_array().expect("a list");
    assert!(
        won.len() == 2 && won.iter().all(|deal| deal["status"] == "won"),
        "{deals}"
    );
    let session = machine.paste_for_json(sign_in).await;
    assert!(
        session["access_token"].is_string() && session["refresh_token"].is_string(),
        "{session}"
    );

    let is_key = |word: &&str| word.starts_with("tk_") && word.len() > 40;
    let words = card.iter().flat_map(|line| line.split([' ', '\'']));
    let keys: BTreeSet<String> = words.filter(is_key).map(str::to_owned).collect();
    assert_eq!(keys.len(), 3, "{card:?}");
    keys
}

async fn psql_works_beside_it(machine: &Machine, card: &[String]) {
    let lines = lines_with(card, " psql acme");
    let [line] = lines[..] else {
        panic!("one line of psql, not {lines:?}")
    };
    let counted = machine
        .paste(&format!("{line} -- -X -A -t -c 'select count(*) from contacts'"))
        .await;
    let contacts: u32 = counted.stdout.trim().parse().expect("a number");
    assert!(contacts >= 100, "a few hundred rows, not {contacts}");
    let listed = machine.tenantry.json("tenant list").await;
    let slugs: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["slug"].as_str())
        .collect();
    assert_eq!(slugs, [Some("acme"), Some("globex"), Some("initech")]);
}

/// It fills the pool when it has begun to serve.
async fn spares_are_built(machine: &Machine) {
    let filled =
        async { while machine.tenantry.json("spare list").await.as_array().map(Vec::len) != Some(2) {} };
    let in_time = tokio::time::timeout(Duration::from_mins(1), filled).await;
    in_time.expect("two spare schemas");
}

async fn a_second_one_is_refused(machine: &Machine, demo: &Running) {
    let again = machine.tenantry.run("demo --port 1").await;
    let (data, port, pid) = (machine.data(), &machine.port, demo.pid());
    let expected = format!(
        "exit status 1\n-- err\nerror: could not start the demo: a demo runs on {} already (process {pid}, \
         http://127.0.0.1:{port})\n  next: use that one, stop it, or name another folder by --data DIR",
        data.display()
    );
    assert_eq!(again.to_string(), expected);
    let elsewhere = machine.tenantry.home().join("elsewhere");
    let elsewhere_text = elsewhere.to_str().expect("UTF-8");
    let beside = machine
        .tenantry
        .run(&["demo", "--port", port, "--data", elsewhere_text])
        .await;
    let other: u16 = port.parse().expect("a port");
    let expected = format!(
        "exit status 1\n-- err\nerror: could not start the demo: port {port} on 127.0.0.1 is in use by another \
         program\n  next: stop that program, or choose another port, such as {} (demo: --port, serve: TENANTRY_LISTEN)",
        other + 1
    );
    assert_eq!(beside.to_string(), expected);
    assert!(!elsewhere.exists(), "nothing was begun");
}

/// Only their owner reads them, and no process shows them in its command line.
fn secrets_are_kept(machine: &Machine) {
    let data = machine.data();
    for name in ["secrets.json", "keyring", "running.json"] {
        let mode = fs::metadata(data.join(name))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(data.join(name)).expect("it is there");
        serde_json::from_str(&text).expect("JSON")
    };
    let (secrets, running) = (read("secrets.json"), read("running.json"));
    let url = running["database_url"].as_str().expect("a text");
    let owner = url
        .split_once('@')
        .and_then(|(login, _)| login.rsplit_once(':'))
        .expect("a password")
        .1;
    let text = |name: &str| secrets[name].as_str().expect("a text");
    for line in command_lines(Path::new("/proc")) {
        for secret in [owner, text("server_password"), text("user_password")] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

/// Those of all processes; none on a system without `/proc`.
fn command_lines(proc: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(proc) else {
        return Vec::new();
    };
    let line = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    let lines = entries.flatten().filter_map(line);
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect()
}

async fn everything_was_kept(machine: &Machine, document: &Value, keys: &BTreeSet<String>) {
    let tenants = document["tenants"].as_array().expect("a list");
    let key = |tenant: &Value| tenant["key"].as_str().expect("a text").to_owned();
    assert_eq!(&tenants.iter().map(key).collect::<BTreeSet<_>>(), keys);
    let globex = &tenants[1];
    assert_eq!(globex["slug"], "globex");
    let (key, url) = (key(globex), globex["url"].as_str().expect("a text"));
    let line =
        format!("curl -H 'apikey: {key}' '{url}/rest/v1/contacts?last_name=eq.Hopper&select=first_name'");
    assert_eq!(
        machine.paste_for_json(&line).await,
        serde_json::json!([{"first_name": "Grace"}])
    );
    for line in document["curl"].as_array().expect("a list") {
        machine.paste_for_json(line.as_str().expect("a text")).await;
    }
    machine
        .paste_for_json(document["sign_in"].as_str().expect("a text"))
        .await;
}
