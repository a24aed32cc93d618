//! Containers of earlier, later, changed and other templates.

use std::io::Cursor;

use tenant_schema::container::ContainerError;
use tenant_schema::container::Reader;
use tenant_schema::container::import::{ImportShape, Imported};
use tenant_schema::container::reference::References;
use tenant_schema::template::Template;
use tests::TestDb;

use super::{exported, new};
use crate::fleet::Small;
use crate::lifecycle::leftovers::leftovers;

async fn exported_by(t: &TestDb, template: &Template, slug: &str) -> Vec<u8> {
    super::exported_by(t, &References::of(template), slug).await.bytes
}

async fn imported_by(
    t: &TestDb,
    template: &Template,
    bytes: &[u8],
    slug: &str,
) -> Result<Imported, ContainerError> {
    let ann = t.user(&format!("ann@{slug}.test")).await;
    let new = new(slug, &ann, false);
    super::imported_by(t, t.catalog(), &References::of(template), bytes, &new).await
}

#[tokio::test]
async fn an_earlier_version_is_brought_to_the_latest() {
    let small = Small::with(&["ant"]).await;
    let superuser = small.t.as_superuser().await;
    small.notes(2000).await;
    let bytes = exported_by(&small.t, &small.template(), "ant").await;
    let made = imported_by(&small.t, &small.template(), &bytes, "bee")
        .await
        .expect("a tenant");
    assert_eq!(
        (made.from_version, made.template_version, made.rows),
        (1, 2, 2000)
    );
    let found = format!(
        "select count(*), sum(amount), sum(place) from {}.notes",
        made.schema
    );
    let row = superuser.query_one(&found, &[]).await.expect("notes");
    assert_eq!(
        (row.get(0), row.get(1), row.get(2)),
        (2000_i64, 2_001_000_i64, 0_i64)
    );
    let versions = small.versions().await;
    assert!(versions.contains(&("bee".to_owned(), 2, 2)), "{versions:?}");
}

#[tokio::test]
async fn a_later_a_changed_and_another_template_are_told_apart() {
    let small = Small::with(&["ant"]).await;
    let first = exported_by(&small.t, &small.template(), "ant").await;
    let second = imported_by(&small.t, &small.template(), &first, "bee").await;
    second.expect("a tenant of version 2");
    let second = exported_by(&small.t, &small.template(), "bee").await;
    let before = leftovers(&small.t).await;
    let refused = async |template: &Template, bytes: &[u8]| {
        let references = References::of(template);
        let reader = Reader::open(Cursor::new(bytes)).await.expect("its head is well");
        let shape = ImportShape::of(small.t.catalog(), &references, &reader).await;
        shape.err().expect("it does not fit").to_string()
    };
    let older = small.template();
    std::fs::remove_file(small.folder.path().join("V2__labels.sql")).expect("it is there");
    let older_now = small.template();
    assert_eq!(
        refused(&older_now, &second).await,
        "the container is of template version 2, and this program's latest is 1"
    );
    assert_eq!(older.latest(), 2);
    small.write("V1__notes.sql", "create table notes (id uuid primary key);");
    assert_eq!(
        refused(&small.template(), &first).await,
        "the template's file V1__notes was changed since the container was made"
    );
    assert_eq!(
        refused(&Template::shipped(), &first).await,
        "the container is of another template: it has V1__notes where this one has V1__record_stamps"
    );
    assert_eq!(leftovers(&small.t).await, before);
}

#[tokio::test]
async fn a_tenant_of_the_template_that_ships_is_no_tenant_of_the_workshops() {
    let (t, workshop) = (TestDb::new().await, TestDb::workshop().await);
    t.tenant("acme").await;
    let bytes = exported(&t, "acme").await.bytes;
    let reader = Reader::open(Cursor::new(&bytes)).await.expect("its head is well");
    let references = References::of(workshop.template());
    let shape = ImportShape::of(workshop.catalog(), &references, &reader).await;
    let refused = shape.err().expect("it does not fit").to_string();
    assert!(refused.contains("template"), "{refused}");
}
