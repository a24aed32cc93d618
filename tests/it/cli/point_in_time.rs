//! One tenant brought back as it was at a moment, by the script of the documentation, from a base backup and archived WAL.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tests::{Cluster, TestDb};
use tokio_postgres::Client;

use super::program::Tenantry;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/point-in-time.sh");

/// A folder that the account of the PostgreSQL server can write in.
fn folder(parent: &Path, name: &str) -> String {
    let place = parent.join(name);
    fs::create_dir(&place).expect("a folder");
    fs::set_permissions(&place, Permissions::from_mode(0o777)).expect("it is ours");
    place.display().to_string()
}

async fn companies(superuser: &Client, schema: &str) -> i64 {
    let count = format!("select count(*) from {schema}.companies");
    superuser.query_one(&count, &[]).await.expect("companies").get(0)
}

/// A cluster that copies its log into this folder.
async fn archiving(wal: &str) -> Arc<Cluster> {
    let cluster = Cluster::own().await;
    let superuser = cluster.superuser("postgres").await;
    for setting in [
        "alter system set archive_mode = on".to_owned(),
        format!("alter system set archive_command = 'cp %p {wal}/%f'"),
    ] {
        superuser.batch_execute(&setting).await.expect("a superuser may");
    }
    drop(superuser);
    cluster.restart().await.expect("it starts again");
    cluster
}

#[tokio::test]
async fn a_tenant_comes_back_as_it_was_before_a_mistake() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("it is ours");
    let wal = folder(home.path(), "wal");
    let cluster = archiving(&wal).await;
    let t = TestDb::on(cluster).await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let base = home.path().join("base").display().to_string();
    let source = t.cluster().superuser_url("postgres").await;
    let source = source.expose_secret();
    let backup = ["-D", &base, "--checkpoint=fast", "--no-sync", "-d", source];
    let ran = tenantry.end_of(tenantry.other("pg_basebackup", &backup)).await;
    assert_eq!(ran.status, Some(0), "{ran}");

    // After the base backup: three companies, the moment, a mistake.
    let superuser = t.as_superuser().await;
    let insert = format!(
        "insert into {}.companies (name) values ('A'), ('B'), ('C')",
        acme.schema
    );
    superuser.batch_execute(&insert).await.expect("companies");
    let moment = superuser.query_one("select clock_timestamp()::text", &[]).await;
    let moment: String = moment.expect("a clock").get(0);
    let mistake = format!("delete from {}.companies", acme.schema);
    for sql in [mistake.as_str(), "select pg_switch_wal()"] {
        superuser.batch_execute(sql).await.expect("a mistake");
    }
    drop(superuser);
    // A server that is stopped in good order archives everything first.
    t.cluster().restart().await.expect("it starts again");

    let file = home.path().join("acme.tenantry").display().to_string();
    let program = Tenantry::program();
    let bin = Path::new(&program)
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    let script = format!("PATH={bin}:$PATH exec bash {SCRIPT} {base} {wal} '{moment}' acme {file}");
    let mut command = tenantry.other("bash", &["-c", &script]);
    command
        .env_remove("DATABASE_URL")
        .env("PITR_OWNER", "tenantry_owner");
    command
        .env("PITR_DATABASE", t.name())
        .env("PITR_SCRATCH", home.path());
    let ran = tenantry.end_of(command).await;
    assert_eq!(ran.status, Some(0), "{ran}");
    assert!(ran.stdout.contains("exported   acme"), "{ran}");

    let back = tenantry.json(&format!("tenant import {file} --as acme-2")).await;
    let superuser = t.as_superuser().await;
    let schema = back["schema"].as_str().expect("a schema");
    assert_eq!(companies(&superuser, schema).await, 3);
    assert_eq!(companies(&superuser, acme.schema.as_str()).await, 0);
    // Nothing of the scratch cluster is left.
    let left = fs::read_dir(home.path())
        .expect("a folder")
        .filter_map(Result::ok);
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("tenantry-point"));
    assert_eq!(left.count(), 0);
}
