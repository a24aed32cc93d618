//! A template of one's own, from the folder to the API.

use secrecy::ExposeSecret as _;
use tests::TestDb;
use tests::database::workshop_folder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::program::{Ran, Tenantry};

const ACME: &str = "tenant create acme --name Acme --owner-email ann@acme.example";

/// An operator whose commands work with the folder.
async fn operator(t: &TestDb) -> Tenantry {
    Tenantry::on(t).await.with("TENANTRY_TEMPLATE", workshop_folder())
}

/// The answer to a request at a server that runs with this environment.
async fn get(serving: Tenantry, path: &str, key: &str) -> String {
    let mut server = serving.start("serve --json");
    let document = server.document().await;
    let address = document["listening"]
        .as_str()
        .expect("a text")
        .trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: acme.localhost\r\napikey: {key}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers and closes");
    answer
}

fn serving(tenantry: Tenantry, t: &TestDb) -> Tenantry {
    tenantry
        .without("DATABASE_URL")
        .with("SERVER_DATABASE_URL", t.server_url().expose_secret())
        .with("TENANTRY_LISTEN", "127.0.0.1:0")
}

#[tokio::test]
async fn a_folder_of_migrations_becomes_an_api() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let folder = workshop_folder();
    let folder = folder.to_str().expect("UTF-8");
    let mut create: Vec<&str> = ACME.split(' ').collect();
    create.extend(["--template", folder]);
    let made = tenantry.json(&create).await;
    assert_eq!(made["template_version"], 7);
    let key = tenantry.json("key create acme --name K --scope *:*").await;
    let key = key["key"].as_str().expect("a text").to_owned();

    let right = get(
        serving(operator(&t).await, &t),
        "/rest/v1/tasks?select=code",
        &key,
    )
    .await;
    assert!(
        right.starts_with("HTTP/1.1 200") && right.ends_with("[]"),
        "{right}"
    );
    let other = get(serving(tenantry, &t), "/rest/v1/tasks?select=code", &key).await;
    assert!(
        other.starts_with("HTTP/1.1 503"),
        "a server of another template: {other}"
    );
}

#[tokio::test]
async fn a_file_that_was_changed_since_is_noticed() {
    let t = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, sql: &str| std::fs::write(folder.path().join(name), sql).expect("a file");
    file("V1__first.sql", "create table papers (id integer primary key);");
    file("V2__second.sql", "create table pens (id integer primary key);");
    let tenantry = Tenantry::on(&t).await.with("TENANTRY_TEMPLATE", folder.path());
    tenantry.does(ACME).await;
    tenantry.does("migrate").await;

    file("V2__second.sql", "create table pens (id bigint primary key);");
    let refused = tenantry.run("migrate").await;
    assert_eq!(refused.status, Some(1), "{refused}");
    assert!(refused.stderr.contains("V2__second"), "{refused}");
    assert!(refused.stderr.contains("next: "), "{refused}");

    file("V2__second.sql", "create table pens (id integer primary key);");
    tenantry.does("migrate").await;
}

#[tokio::test]
async fn another_template_changes_no_tenant() {
    let t = TestDb::new().await;
    operator(&t).await.does(ACME).await;
    let other = Tenantry::on(&t).await;
    let refused = other.run("migrate").await;
    assert_eq!(refused.status, Some(1), "{refused}");
    assert!(refused.stderr.contains("history does not fit"), "{refused}");
    let shown = operator(&t).await.json("tenant show acme").await;
    assert_eq!(
        (&shown["template_version"], &shown["latest_version"]),
        (&7.into(), &7.into())
    );
}

#[tokio::test]
async fn a_folder_that_is_none_is_refused() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let said = |ran: Ran| (ran.status, ran.stderr);
    let (status, text) = said(tenantry.run(&format!("{ACME} --template nowhere")).await);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("TENANTRY_TEMPLATE, --template: ") && text.contains("nowhere"),
        "{text}"
    );
    let (status, text) = said(tenantry.run(&format!("{ACME} --template .")).await);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("has no file V1__"), "{text}");
}
