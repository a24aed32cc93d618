//! A disk that is soon full, for PostgreSQL's files and for those of a program.
//!
//! PostgreSQL runs in a mount namespace of its own (Linux: `user_namespaces(7)`, which needs no right), where one folder is a
//! small file system in memory. A database in a tablespace there meets a true `ENOSPC`. Its log, `pg_wal`, lies elsewhere: where
//! that disk is full, PostgreSQL ends itself, which is as if it were killed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio_postgres::Client;

use crate::cluster::Cluster;
use crate::database::TestDb;

/// How large it is; a database that is copied there takes about 10 MB.
const SIZE: &str = "96m";

/// The disk of a cluster of its own.
pub struct SmallDisk {
    superuser: Client,
    place: PathBuf,
    /// Goes last.
    _folder: TempDir,
}

impl SmallDisk {
    /// A database whose files are on such a disk.
    ///
    /// # Panics
    /// Where there are no user namespaces: a test that needs one fails, it is not skipped.
    pub async fn database() -> (Self, TestDb) {
        let shared = Cluster::shared().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().join("disk");
        let programs = programs(folder.path(), &place, &shared.bin_dir().await);
        let cluster: Arc<Cluster> = Cluster::own_by(&programs).await;
        let t = TestDb::on(cluster).await;
        let superuser = t.cluster().superuser("postgres").await;
        for statement in [
            format!("create tablespace small location '{}'", place.display()),
            format!("alter database {} set tablespace small", t.name()),
            "create temporary table told (kilobytes bigint)".to_owned(),
        ] {
            superuser.batch_execute(&statement).await.expect("a small disk");
        }
        let disk = Self {
            superuser,
            place,
            _folder: folder,
        };
        (disk, t)
    }

    /// Fills it up but for so many kilobytes.
    pub async fn leave(&self, kilobytes: i64) {
        self.make_room().await;
        let rows = self.free().await - kilobytes;
        // A row is a line of 1024 bytes.
        self.ballast(&format!(
            "select repeat('x', 1023) from generate_series(1, {rows})"
        ))
        .await;
    }

    /// Takes away what fills it up.
    pub async fn make_room(&self) {
        self.ballast("select").await;
    }

    async fn ballast(&self, of: &str) {
        let file = self.place.join("ballast");
        let copy = format!("copy ({of}) to '{}'", file.display());
        self.superuser
            .batch_execute(&copy)
            .await
            .expect("a file of ballast");
    }

    /// Kilobytes.
    async fn free(&self) -> i64 {
        let ask = format!(
            "truncate told; copy told from program 'df -k --output=avail {} | tail -n 1'",
            self.place.display()
        );
        self.superuser.batch_execute(&ask).await.expect("df tells");
        let told = self.superuser.query_one("select kilobytes from told", &[]).await;
        told.expect("a number").get(0)
    }
}

/// A folder of PostgreSQL's programs in which the server is one that has the disk.
fn programs(folder: &Path, place: &Path, bin_dir: &Path) -> PathBuf {
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder, open.clone()).expect("it is ours");
    fs::create_dir(place).expect("a folder");
    let programs = folder.join("bin");
    fs::create_dir(&programs).expect("a folder");
    for entry in fs::read_dir(bin_dir).expect("PostgreSQL's programs") {
        let program = entry.expect("an entry").path();
        let name = program.file_name().expect("it has a name");
        if name != "postgres" {
            symlink(&program, programs.join(name)).expect("a link");
        }
    }
    let server = programs.join("postgres");
    let script = format!(
        "#!/bin/sh\nexec {} '{}/postgres' \"$@\"\n",
        with_disk(place, SIZE),
        bin_dir.display()
    );
    fs::write(&server, script).expect("a script");
    fs::set_permissions(&server, open).expect("it is ours");
    programs
}

/// The beginning of a command line: what follows is run where `place` is a file system of this size.
pub fn with_disk(place: &Path, size: &str) -> String {
    let place = place.display();
    format!(
        "unshare --user --map-current-user --mount --keep-caps \
         sh -c 'mount -t tmpfs -o size={size} tmpfs \"{place}\" && exec \"$0\" \"$@\"'"
    )
}
