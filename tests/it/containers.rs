//! Containers: what goes in comes out, in whatever database, and what is damaged, foreign or hostile leaves nothing.

mod crash;
mod damaged;
mod versions;

use std::io::Cursor;

use catalog::tx::CatalogDb;
use catalog::users::User;
use tenant_schema::container::export::{self, Others, Sealed, Snapshot};
use tenant_schema::container::import::{self, ImportShape, Imported, NewTenant};
use tenant_schema::container::reference::References;
use tenant_schema::container::{ContainerError, Head, Reader, check};
use tests::TestDb;
use tests::tenant::owner;

use crate::lifecycle::clone::{WORKSHOP, content, fill, join, owners_of_contacts, people, versions_ahead};

/// A container in memory, with what was said when it was written.
pub(crate) struct Container {
    pub(crate) bytes: Vec<u8>,
    pub(crate) head: Head,
    pub(crate) sealed: Sealed,
}

/// Exports a tenant.
pub(crate) async fn exported(t: &TestDb, slug: &str) -> Container {
    exported_by(t, &References::of(t.template()), slug).await
}

/// The same by a template, whose references are remembered.
pub(crate) async fn exported_by(t: &TestDb, references: &References, slug: &str) -> Container {
    let (mut bytes, slug) = (Vec::new(), slug.parse().expect("a slug"));
    let made = export::export(t.catalog(), references, &slug, &mut bytes, t.source()).await;
    let (head, sealed) = made.expect("a container");
    Container { bytes, head, sealed }
}

/// The tenant to be.
pub(crate) fn new(slug: &str, who: &User, with_members: bool) -> NewTenant {
    NewTenant {
        slug: slug.parse().expect("a slug"),
        name: None,
        parent: None,
        owner: owner(who),
        with_members,
    }
}

/// Imports a container through these connections.
pub(crate) async fn imported(
    t: &TestDb,
    db: &CatalogDb,
    bytes: &[u8],
    new: &NewTenant,
) -> Result<Imported, ContainerError> {
    imported_by(t, db, &References::of(t.template()), bytes, new).await
}

/// The same by a template, whose references are remembered.
pub(crate) async fn imported_by(
    t: &TestDb,
    db: &CatalogDb,
    references: &References,
    bytes: &[u8],
    new: &NewTenant,
) -> Result<Imported, ContainerError> {
    let reader = Reader::open(Cursor::new(bytes)).await?;
    let shape = ImportShape::of(t.catalog(), references, &reader).await?;
    let mut tx = db.begin_unhurried().await?;
    let made = import::import(&mut tx, references, &shape, reader, new, &t.actor(), t.source()).await?;
    tx.commit().await?;
    Ok(made)
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let bob = join(&t, &acme, "bob").await;
    let (session, superuser) = (t.as_owner().await, t.as_superuser().await);
    fill(&session, &acme).await;
    let before = content(&superuser, acme.schema.as_str()).await;
    let container = exported(&t, "acme").await;
    assert_eq!(container.head.people.len(), 2);
    assert_eq!(
        container.head.owner().map(|owner| owner.user),
        Some(acme.owner.id)
    );
    assert!(container.head.left_out.is_empty());
    assert_eq!(container.sealed.bytes, container.bytes.len() as u64);
    let (head, sealed) = check(Cursor::new(&container.bytes)).await.expect("it is whole");
    assert_eq!(sealed, container.sealed);
    assert_eq!(head.tenant.slug.as_str(), "acme");

    let made = imported(&t, t.catalog(), &container.bytes, &new("copy", &bob, true))
        .await
        .expect("a tenant");
    assert_eq!(made.rows, container.sealed.closing.rows);
    assert_eq!(made.content, container.sealed.closing.content);
    let after = content(&superuser, made.schema.as_str()).await;
    assert_eq!(after, before, "times, versions and actors too");
    // The test's accounts have never been verified, so the former owner is let in nowhere, in spite of `with_members`.
    let people = people(&superuser, &made.schema, made.organization).await;
    assert_eq!(
        people,
        "bob@acme.test admin t t t t, owner@acme.test admin f f f t"
    );
    let owners = owners_of_contacts(&superuser, &made.schema).await;
    assert_eq!(owners, "bob@acme.test owner@acme.test");
    // The triggers fire again.
    let change = format!(
        "update {}.companies set name = 'Changed' where name = 'Company 1'",
        made.schema
    );
    session.batch_execute(&change).await.expect("the owner may");
    assert_eq!(versions_ahead(&superuser, &made.schema, &acme.schema).await, 1);
}

#[tokio::test]
async fn in_a_database_that_knows_nobody_people_are_kept_for_the_records_that_name_them() {
    let (t, other) = (TestDb::new().await, TestDb::new().await);
    let acme = t.tenant("acme").await;
    join(&t, &acme, "bob").await;
    fill(&t.as_owner().await, &acme).await;
    let container = exported(&t, "acme").await;
    let zoe = other.user("zoe@other.test").await;
    let made = imported(
        &other,
        other.catalog(),
        &container.bytes,
        &new("acme", &zoe, true),
    )
    .await
    .expect("a tenant");
    assert_eq!(made.without_account, 2);
    let superuser = other.as_superuser().await;
    let people = format!(
        "select string_agg(concat_ws(' ', m.email, m.is_owner, m.active), ', ' order by m.email) from {}.members m",
        made.schema
    );
    let row = superuser.query_one(&people, &[]).await.expect("people");
    assert_eq!(
        row.get::<_, &str>(0),
        "bob@acme.test f f, owner@acme.test f f, zoe@other.test t t"
    );
    let memberships = "select count(*) from catalog.memberships";
    let row = superuser.query_one(memberships, &[]).await.expect("memberships");
    assert_eq!(row.get::<_, i64>(0), 1);
    let origin = content(&t.as_superuser().await, acme.schema.as_str()).await;
    assert_eq!(content(&superuser, made.schema.as_str()).await, origin);
}

#[tokio::test]
async fn every_kind_of_table_is_carried() {
    let t = TestDb::workshop().await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    let fill = format!(
        "begin; set local search_path = {}, extensions; {WORKSHOP}; commit",
        acme.schema
    );
    t.as_owner().await.batch_execute(&fill).await.expect("records");
    let container = exported(&t, "acme").await;
    let made = imported(
        &t,
        t.catalog(),
        &container.bytes,
        &new("copy", &acme.owner, false),
    )
    .await
    .expect("a tenant");
    let origin = content(&superuser, acme.schema.as_str()).await;
    assert!(
        origin.iter().filter(|(_, rows, _)| *rows > 0).count() > 13,
        "{origin:?}"
    );
    assert_eq!(content(&superuser, made.schema.as_str()).await, origin);
    // No table of it names members, so the records have the same hash wherever they are.
    assert_eq!(
        exported(&t, "copy").await.sealed.closing,
        container.sealed.closing
    );
    let ask = async |sql: &str| -> String {
        let sql = sql.replace("{}", made.schema.as_str());
        superuser.query_one(&sql, &[]).await.expect("an answer").get(0)
    };
    let next = ask("insert into {}.customers (name) values ('Cy') returning id::text").await;
    assert_eq!(next, "3", "sequences go on");
    assert_ne!(
        exported(&t, "copy").await.sealed.closing,
        container.sealed.closing
    );
}

#[tokio::test]
async fn a_container_is_of_one_moment_while_the_tenant_is_written() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let session = t.as_owner().await;
    fill(&session, &acme).await;
    let before = exported(&t, "acme").await;
    let references = References::of(t.template());
    let mut snapshot = Snapshot::take(t.catalog(), &references, &acme.slug, Others::Write, t.source())
        .await
        .expect("a snapshot");
    let change = format!(
        "update {0}.companies set name = name || '!'; delete from {0}.deals; insert into {0}.tags (name) values ('new')",
        acme.schema
    );
    session.batch_execute(&change).await.expect("writers do not wait");
    let mut bytes = Vec::new();
    let sealed = snapshot.write(&mut bytes).await.expect("a container");
    assert_eq!(sealed.closing, before.sealed.closing);
    // Nobody takes its tables away meanwhile.
    let alter = format!(
        "set lock_timeout = '50ms'; alter table {}.tags add column x integer",
        acme.schema
    );
    let refused = session.batch_execute(&alter).await.expect_err("a lock");
    assert_eq!(
        refused.code().map(tokio_postgres::error::SqlState::code),
        Some("55P03")
    );
    snapshot.release().await.expect("let go");
    assert_ne!(exported(&t, "acme").await.sealed.closing, before.sealed.closing);
}

#[tokio::test]
async fn what_stands_beside_the_template_is_named_and_what_is_missing_is_refused() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let session = t.as_owner().await;
    let beside = format!(
        "create table {0}.\"odd; name\" (id integer); alter table {0}.tags add column colour2 text",
        acme.schema
    );
    session.batch_execute(&beside).await.expect("a DBA's");
    let container = exported(&t, "acme").await;
    assert_eq!(container.head.left_out, ["odd; name", "tags.colour2"]);
    imported(
        &t,
        t.catalog(),
        &container.bytes,
        &new("copy", &acme.owner, false),
    )
    .await
    .expect("a tenant");
    let without = format!("alter table {}.notes drop column content cascade", acme.schema);
    session.batch_execute(&without).await.expect("a DBA's");
    let references = References::of(t.template());
    let refused = export::export(t.catalog(), &references, &acme.slug, Vec::new(), t.source()).await;
    let refused = refused.expect_err("it lacks something").to_string();
    assert_eq!(
        refused,
        "its schema lacks notes.content, which its version of the template has"
    );
}
