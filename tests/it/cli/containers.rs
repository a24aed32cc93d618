//! Tenants in files, as an operator types it.

use std::path::Path;
use std::process::Stdio;

use insta::assert_snapshot;
use tests::{Cluster, Proxy, TestDb};
use tokio::io::AsyncWriteExt as _;

use super::killed::through;
use super::program::{Ran, Tenantry, masked};
use crate::fleet::Small;
use crate::lifecycle::leftovers::leftovers;

const ACME: &str = "tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example";

/// Records that name nobody.
pub(super) async fn fill(t: &TestDb, slug: &str, companies: u32) {
    let superuser = t.as_superuser().await;
    let schema = "select t.schema_name from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
                  where o.slug = $1";
    let schema: String = superuser
        .query_one(schema, &[&slug])
        .await
        .expect("a schema")
        .get(0);
    let sql = format!(
        "insert into {schema}.companies (name) select 'Company ' || n from generate_series(1, {companies}) n"
    );
    superuser.batch_execute(&sql).await.expect("companies");
}

/// A run with these bytes on standard input, and what it wrote if that is no text.
async fn piped(tenantry: &Tenantry, arguments: &str, input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut command = tenantry.command(arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    let writing = tokio::spawn(async move {
        // It may end without reading what it is given.
        let _unread = stdin.write_all(&input).await;
    });
    let ended = child.wait_with_output().await.expect("it ends");
    writing.await.expect("it is written");
    let stderr = String::from_utf8(ended.stderr).expect("it speaks UTF-8");
    (ended.status.code(), ended.stdout, stderr)
}

#[tokio::test]
async fn a_tenant_goes_into_a_file_and_comes_back() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    fill(&t, "acme", 500).await;
    let file = tenantry.json("tenant export acme --output acme.tenantry").await;
    let (status, bytes, said) = piped(&tenantry, "tenant export acme", b"").await;
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("exported   acme") && said.contains(" of 37 tables"),
        "{said}"
    );
    assert!(
        said.contains("API keys, sessions, answers kept for idempotency keys"),
        "{said}"
    );
    let kept = std::fs::read(tenantry.home().join("acme.tenantry")).expect("it is there");
    assert_eq!(file["bytes"], kept.len());
    assert!(kept.starts_with(b"TENANTRY CONTAINER 1\n") && bytes.starts_with(b"TENANTRY CONTAINER 1\n"));

    let looked = tenantry
        .json("tenant import acme.tenantry --as copy --dry-run")
        .await;
    assert_eq!(looked["sha256"], file["sha256"]);
    assert_eq!(looked["content"], file["content"]);
    let companies = looked["tables"].as_array().expect("tables").iter();
    let companies = companies.filter(|table| table["name"] == "companies").count();
    assert_eq!(companies, 1);
    let copy = tenantry.json("tenant import acme.tenantry --as copy").await;
    assert_eq!(copy["content"], file["content"]);
    assert_eq!(copy["rows"], file["rows"]);
    assert_eq!(copy["owner"]["email"], "ann@acme.example");
    assert_eq!(copy["owner"]["account"], "kept");
    let by = "tenant restore --as other --owner-email bob@acme.example";
    let (status, stdout, said) = piped(&tenantry, by, &bytes).await;
    let stdout = String::from_utf8(stdout).expect("it speaks UTF-8");
    assert_eq!(status, Some(0), "{said}");
    assert!(
        stdout.contains("created the account bob@acme.example"),
        "{stdout}"
    );
    let listed = tenantry.json("tenant list").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn what_cannot_be_is_told_in_a_sentence() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry.does("tenant export acme --output acme.tenantry").await;
    assert_snapshot!(tenantry.run("tenant export globex --output x").await, @r"
    exit status 1
    -- err
    error: could not export tenant globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
    assert_snapshot!(tenantry.run("tenant export acme --json").await, @r#"
    exit status 1
    -- err
    {"error":{"message":"could not export tenant acme: standard output is the container","next":"add --output FILE: the JSON document is on standard output then","status":1}}
    "#);
    assert_snapshot!(tenantry.run("tenant export acme --output no/such/folder").await, @r"
    exit status 1
    -- err
    error: could not export tenant acme: no/such/folder.partial cannot be written: No such file or directory (os error <n>)
      next: name a file in a folder that you may write in
    ");
    assert_snapshot!(tenantry.run("tenant import nothing.here --as copy").await, @r"
    exit status 1
    -- err
    error: could not import tenant copy: nothing.here cannot be read: No such file or directory (os error <n>)
      next: name a file that `tenantry tenant export` wrote
    ");
    assert_snapshot!(tenantry.run("tenant import acme.tenantry --as acme").await, @r"
    exit status 1
    -- err
    error: could not import tenant acme: the slug is taken
      next: choose another slug; `tenantry tenant list` shows those in use
    ");
    assert!(!tenantry.home().join("x").exists() && !tenantry.home().join("x.partial").exists());
}

#[tokio::test]
async fn what_is_damaged_is_told_in_a_sentence() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry.does("tenant export acme --output acme.tenantry").await;
    let damaged = |change: fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(tenantry.home().join("acme.tenantry")).expect("it is there");
        change(&mut bytes);
        std::fs::write(tenantry.home().join("damaged"), bytes).expect("the folder can be written");
    };
    damaged(|bytes| bytes.truncate(bytes.len() - 40));
    assert_snapshot!(tenantry.run("tenant import damaged --as copy").await, @r"
    exit status 1
    -- err
    error: could not import tenant copy: the container is cut off: it ends within its tables
      next: nothing was kept; take another copy of the container, or export the tenant again
    ");
    damaged(|bytes| bytes[0] = b'X');
    assert_snapshot!(tenantry.run("tenant import damaged --as copy").await, @r"
    exit status 1
    -- err
    error: could not import tenant copy: this is no container of Tenantry's
      next: name a file that `tenantry tenant export` wrote
    ");
    damaged(|bytes| {
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
    });
    assert_snapshot!(tenantry.run("tenant import damaged --as copy").await, @r"
    exit status 1
    -- err
    error: could not import tenant copy: the container was altered or damaged: its SHA-256 is another
      next: nothing was kept; take another copy of the container, or export the tenant again
    ");
    let before = leftovers(&t).await;
    assert_eq!((before.organizations, before.schemas), (1, 1));
}

#[tokio::test]
async fn plain_sql_is_what_pg_dump_makes_of_one_schema() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry
        .does("tenant create globex --name Globex --owner-email gita@globex.example")
        .await;
    fill(&t, "acme", 3).await;
    tenantry
        .does("tenant export acme --plain --output acme.sql")
        .await;
    let sql = std::fs::read_to_string(tenantry.home().join("acme.sql")).expect("it is there");
    let (acme, globex) = (schema(&tenantry, "acme").await, schema(&tenantry, "globex").await);
    assert!(sql.contains(&format!("CREATE TABLE {acme}.companies")) && sql.contains("Company 3"));
    assert!(!sql.contains(&globex) && !sql.contains(" catalog."));
    let printed = tenantry.does("tenant export acme --plain").await;
    assert!(
        printed.stdout.contains(&format!("CREATE SCHEMA {acme}")),
        "{printed}"
    );
}

async fn schema(tenantry: &Tenantry, slug: &str) -> String {
    let shown = tenantry.json(&format!("tenant show {slug}")).await;
    shown["schema"].as_str().expect("a schema").to_owned()
}

/// Runs a command that is killed when its `n`-th message has gone through; `None` if it was killed.
pub(super) async fn killed_after(n: u64, tenantry: &Tenantry, proxy: &Proxy, arguments: &str) -> Option<Ran> {
    let reached = proxy.hold_after(n);
    let mut command = tenantry.command(arguments);
    let mut child = command.spawn().expect("it starts");
    let killed = tokio::select! {
        reached = reached => reached.is_ok(),
        _ = child.wait() => false,
    };
    if killed {
        child.kill().await.expect("it can be killed");
        proxy.all_ended().await;
        return None;
    }
    let ended = child.wait_with_output().await.expect("it ends");
    Some(Ran {
        status: ended.status.code(),
        stdout: String::from_utf8(ended.stdout).expect("it speaks UTF-8"),
        stderr: String::from_utf8(ended.stderr).expect("it speaks UTF-8"),
    })
}

/// A database with a tenant of a small template and some notes, a way to it that can be cut, and one that cannot.
pub(super) struct Scene {
    pub(super) small: Small,
    pub(super) proxy: Proxy,
    pub(super) cut: Tenantry,
    pub(super) direct: Tenantry,
}

impl Scene {
    pub(super) async fn set(t: TestDb) -> Self {
        let small = Small::on(t, &["ant"]).await;
        small.notes(50).await;
        let folder = small.folder.path();
        let proxy = small.t.proxy().await;
        let cut = through(&small.t, &proxy).await.with("TENANTRY_TEMPLATE", folder);
        let direct = Tenantry::on(&small.t).await.with("TENANTRY_TEMPLATE", folder);
        Self {
            small,
            proxy,
            cut,
            direct,
        }
    }

    /// A file in a folder of the scene's.
    pub(super) fn file(&self, name: &str) -> String {
        self.direct.home().join(name).display().to_string()
    }
}

#[tokio::test]
async fn an_export_killed_at_any_step_leaves_no_file_under_its_name() {
    let scene = Scene::set(TestDb::new().await).await;
    let file = scene.file("ant.tenantry");
    let export = format!("tenant export ant --output {file}");
    let look = format!("tenant import {file} --as copy --dry-run");
    let mut n = 0;
    while !Path::new(&file).exists() {
        n += 1;
        if let Some(ran) = killed_after(n, &scene.cut, &scene.proxy, &export).await {
            assert_eq!(ran.status, Some(0), "{ran}");
        }
    }
    // There it is, and whole, even if that message was only its farewell.
    assert!(n > 20, "only {n} messages");
    scene.direct.does(&look).await;
    assert!(!Path::new(&format!("{file}.partial")).exists());
    crate::tell(&format!("`tenant export` killed after each of {n} messages"));
}

#[tokio::test]
async fn an_import_killed_at_any_step_leaves_nothing_and_can_be_run_again() {
    let scene = Scene::set(TestDb::on(Cluster::own().await).await).await;
    let file = scene.file("ant.tenantry");
    let export = format!("tenant export ant --output {file}");
    scene.direct.does(&export).await;
    let before = leftovers(&scene.small.t).await;
    let import = format!("tenant import {file} --as copy");
    let mut n = 0;
    loop {
        n += 1;
        let ran = killed_after(n, &scene.cut, &scene.proxy, &import).await;
        assert!(ran.is_none(), "it was done after {n} messages");
        let found = leftovers(&scene.small.t).await;
        if found != before {
            assert_eq!(found.schemas, before.schemas + 1, "whole");
            break;
        }
    }
    assert!(n > 40, "only {n} messages");
    let again = format!("tenant import {file} --as other");
    scene.direct.does(&again).await;
    crate::tell(&format!("`tenant import` killed after each of {n} messages"));
}
