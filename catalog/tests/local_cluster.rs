//! Local clusters on real PostgreSQL: made, reused, refused to a second run, and recovered from every kind of kill.
//!
//! Works as root and as an ordinary user; the one test that differs says what it proves for each.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; the line says where"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process;

use catalog::clock::Source;
use catalog::pg::local::{Durability, LocalCluster, LocalClusterError, Search, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

const MAKE: &str = "create table kept (note text not null)";
const WRITE: &str = "insert into kept (note) values ('still here')";
const READ: &str = "select note from kept";
const SETTINGS: &str = "select current_setting('data_checksums'), current_setting('server_encoding'), \
    current_setting('password_encryption'), current_setting('max_connections'), current_setting('work_mem')";

fn settings() -> Settings {
    let search = Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        download_to: None,
    };
    Settings::new(search)
        .durability(Durability::Unsafe)
        .configure("shared_buffers", "16MB")
}

/// A folder that every account may enter, as a home folder or a clone usually is.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn start(folder: &Path) -> Result<LocalCluster, LocalClusterError> {
    LocalCluster::start(folder, settings(), &Source::system()).await
}

async fn connect(cluster: &LocalCluster) -> Client {
    let url = cluster.url("postgres");
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn write_note(cluster: &LocalCluster) {
    let client = connect(cluster).await;
    client.batch_execute(MAKE).await.unwrap();
    client.batch_execute(WRITE).await.unwrap();
}

async fn notes(cluster: &LocalCluster) -> Vec<String> {
    let rows = connect(cluster).await.query(READ, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn pid_of(cluster: &LocalCluster) -> Pid {
    Pid::from_raw(cluster.postmaster_pid().unwrap())
}

fn is_alive(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

#[tokio::test]
async fn a_stopped_cluster_is_found_again_with_its_data_and_password() {
    let root = open_folder();
    let folder = root.path().join("deep/cluster");
    let configured = settings().configure("work_mem", "5MB");
    let cluster = LocalCluster::start(&folder, configured, &Source::system())
        .await
        .unwrap();
    let row = connect(&cluster).await.query_one(SETTINGS, &[]).await.unwrap();
    let values: Vec<String> = (0..5).map(|column| row.get(column)).collect();
    assert_eq!(values, ["on", "UTF8", "scram-sha-256", "200", "5MB"]);
    write_note(&cluster).await;
    let (url, pid) = (cluster.url("postgres"), pid_of(&cluster));
    let same_port = settings().preferred_port(cluster.port());
    assert!(!format!("{cluster:?}").contains(cluster.password().expose_secret()));
    cluster.stop().await.unwrap();
    assert!(!is_alive(pid));

    let cluster = LocalCluster::start(&folder, same_port, &Source::system())
        .await
        .unwrap();
    assert_eq!(cluster.url("postgres").expose_secret(), url.expose_secret());
    assert_eq!(notes(&cluster).await, ["still here"]);
    assert_eq!(fs::metadata(cluster.data_dir()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(
        fs::metadata(folder.join("password")).unwrap().mode() & 0o777,
        0o600
    );
    let pid = pid_of(&cluster);
    drop(cluster);
    assert!(!is_alive(pid), "dropping stops the server");
}

#[tokio::test]
async fn nobody_is_let_in_without_the_password() {
    let cluster = LocalCluster::ephemeral(settings(), &Source::system())
        .await
        .unwrap();
    for host in ["127.0.0.1", cluster.socket_dir().to_str().unwrap()] {
        let mut config = Config::new();
        config.host(host).port(cluster.port()).user(cluster.superuser());
        assert!(config.connect(NoTls).await.is_err(), "{host}: none");
        let refused = config.password("wrong").connect(NoTls).await.err().unwrap();
        assert_eq!(refused.code().unwrap().code(), "28P01", "{host}: wrong");
        let _let_in = config
            .password(cluster.password().expose_secret())
            .connect(NoTls)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_second_run_on_the_folder_is_refused_and_told_who_has_it() {
    let root = open_folder();
    let folder = root.path().join("cluster");
    let first = start(&folder).await.unwrap();
    let refused = start(&folder).await.unwrap_err().to_string();
    assert!(
        refused.contains(&format!("another tenantry (pid {})", process::id())),
        "{refused}"
    );
    assert!(is_alive(pid_of(&first)), "the refused run does no harm");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_starts_again_with_what_was_committed() {
    let root = open_folder();
    let mut cluster = start(&root.path().join("cluster")).await.unwrap();
    write_note(&cluster).await;
    let killed = pid_of(&cluster);
    cluster.kill_now().await.unwrap();
    assert!(!is_alive(killed));
    assert_eq!(cluster.postmaster_pid(), None);
    assert!(cluster.data_dir().join("postmaster.pid").exists());
    cluster.start_again().await.unwrap();
    assert_eq!(notes(&cluster).await, ["still here"]);

    // Only the postmaster dies, under our feet; its children may live on for a while.
    kill(pid_of(&cluster), Signal::SIGKILL).unwrap();
    cluster.start_again().await.unwrap();
    assert_eq!(notes(&cluster).await, ["still here"]);

    let before = pid_of(&cluster);
    cluster.restart().await.unwrap();
    assert_ne!(pid_of(&cluster), before);
    assert_eq!(notes(&cluster).await, ["still here"]);
}

#[tokio::test]
async fn leftovers_of_a_killed_run_do_not_stop_the_next() {
    let root = open_folder();
    let folder = root.path().join("cluster");
    let cluster = start(&folder).await.unwrap();
    write_note(&cluster).await;
    let pid_file = cluster.data_dir().join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    cluster.stop().await.unwrap();

    // The number in the stale file belongs to a living process again: ours.
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", process::id())).unwrap();
    let unfinished = folder.join("data.new-0123456789abcdef/base");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("1"), "half").unwrap();

    let cluster = start(&folder).await.unwrap();
    assert_eq!(notes(&cluster).await, ["still here"]);
    assert!(!folder.join("data.new-0123456789abcdef").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn an_orphaned_server_is_stopped_and_replaced() {
    let root = open_folder();
    let folder = root.path().join("cluster");
    let cluster = start(&folder).await.unwrap();
    write_note(&cluster).await;
    let (bin_dir, data_dir) = (cluster.bin_dir().to_owned(), cluster.data_dir());
    cluster.stop().await.unwrap();

    // A server that nobody watches, as when our process and the guardian were both killed.
    let mut orphan = process::Command::new(bin_dir.join("pg_ctl"));
    orphan
        .arg("-D")
        .arg(&data_dir)
        .args(["-l", "/dev/null", "-w", "start", "-o"]);
    orphan
        .arg(format!(
            "-c listen_addresses= -k {}",
            folder.join("run").display()
        ))
        .current_dir("/");
    orphan
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null());
    if geteuid().is_root() {
        let owner = fs::metadata(&data_dir).unwrap();
        orphan.uid(owner.uid()).gid(owner.gid());
    }
    assert!(orphan.status().unwrap().success());
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).unwrap();

    let cluster = start(&folder).await.unwrap();
    assert!(!text.starts_with(&format!("{}\n", pid_of(&cluster))));
    assert_eq!(notes(&cluster).await, ["still here"]);
    let log = fs::read_to_string(cluster.log_path()).unwrap();
    assert!(
        !log.contains("not properly shut down"),
        "it was asked to stop, not killed"
    );
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_one_elsewhere() {
    let root = open_folder();
    let folder = root.path().join("x".repeat(120));
    let cluster = start(&folder).await.unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(!socket_dir.starts_with(&folder), "{}", socket_dir.display());
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    assert!(socket_dir.join(format!(".s.PGSQL.{}", cluster.port())).exists());
    cluster.stop().await.unwrap();
    assert!(!socket_dir.exists(), "it goes with the server");
}

/// Whatever account we are: what others could have put there is not worked with. Only root can give things away.
#[tokio::test]
async fn a_folder_that_somebody_else_could_have_prepared_is_refused() {
    let root = open_folder();
    let folder = root.path().join("cluster");
    start(&folder).await.unwrap().stop().await.unwrap();
    let is_refused = async |because: &str| {
        let error = start(&folder).await.unwrap_err().to_string();
        assert!(error.contains(because), "{because}: {error}");
    };
    for (path, good, bad, because) in [
        (folder.clone(), 0o711, 0o777, "others may write to it (mode 777)"),
        (
            folder.join("password"),
            0o600,
            0o644,
            "others may read or write it (mode 644)",
        ),
        (folder.join("run"), 0o700, 0o770, "others may write to it"),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(bad)).unwrap();
        is_refused(because).await;
        fs::set_permissions(&path, Permissions::from_mode(good)).unwrap();
    }
    if geteuid().is_root() {
        for entry in ["", "password", "data", "run"] {
            let path = folder.join(entry);
            let owner = fs::metadata(&path).unwrap();
            chown(&path, Some(4711), None).unwrap();
            is_refused("belongs to user id 4711").await;
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
    start(&folder).await.unwrap().stop().await.unwrap();
}

/// As root, PostgreSQL's account cannot enter, so the data goes elsewhere, the same place every time; to an
/// ordinary user the folder is simply their own.
#[tokio::test]
async fn a_closed_parent_folder_is_respected() {
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let wanted = closed.path().join("cluster");
    let cluster = start(&wanted).await.unwrap();
    write_note(&cluster).await;
    let folder = cluster.folder().to_owned();
    cluster.stop().await.unwrap();

    let again = start(&wanted).await.unwrap();
    assert_eq!(again.folder(), folder);
    assert_eq!(notes(&again).await, ["still here"]);
    again.stop().await.unwrap();
    assert_eq!(folder == wanted, !geteuid().is_root());
    assert_eq!(
        fs::metadata(closed.path()).unwrap().mode() & 0o777,
        0o700,
        "never changed"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_temporary_cluster_leaves_nothing() {
    let cluster = LocalCluster::ephemeral(settings(), &Source::system())
        .await
        .unwrap();
    let (folder, pid) = (cluster.folder().to_owned(), pid_of(&cluster));
    cluster.stop().await.unwrap();
    assert!(!folder.exists());
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn what_cannot_work_says_so_in_a_sentence() {
    let root = open_folder();
    let folder = root.path().join("cluster");
    let empty = settings().bin_dir(root.path());
    let error = LocalCluster::start(&folder, empty, &Source::system())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("because it has no postgres; name another folder"),
        "{error}"
    );

    let nonsense = settings().configure("shared_buffers", "a lot");
    let error = LocalCluster::start(&folder, nonsense, &Source::system())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("invalid value for parameter \"shared_buffers\""),
        "{error}"
    );

    fs::write(folder.join("data/PG_VERSION"), "9\n").unwrap();
    let error = start(&folder).await.unwrap_err().to_string();
    assert!(error.contains("the data was made by version 9"), "{error}");
    assert!(error.contains("; install one with: "), "{error}");

    let strange = root.path().join("strange");
    fs::create_dir_all(strange.join("data")).unwrap();
    fs::write(strange.join("data/holiday.jpg"), "").unwrap();
    let error = start(&strange).await.unwrap_err().to_string();
    assert!(
        error.contains("because it is not PostgreSQL's; move it away"),
        "{error}"
    );
}
