//! On a database with Citus, where there is one; and what is said where there is none.

use std::io::Write as _;

use catalog::actor::Actor;
use catalog::citus;
use catalog::clock::Source;
use catalog::init;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser};
use tenant_schema::lifecycle;
use tenant_schema::template::Template;
use tests::{TestDb, config, tenant};
use tokio_postgres::NoTls;

#[tokio::test]
async fn without_citus_there_is_none() {
    let t = TestDb::new().await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    assert_eq!(citus::version(&mut tx).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_tenant_is_a_distributed_schema() {
    let Some(url) = config::citus_url() else {
        let told = writeln!(
            std::io::stderr(),
            "a_tenant_is_a_distributed_schema: not run, TENANTRY_TEST_CITUS_URL names no database"
        );
        return told.expect("standard error is open");
    };
    let db = CatalogDb::new(url.parse().expect("a URL"), PoolSettings::default());
    let source = Source::system();
    Box::pin(init::init(&db, None)).await.expect("a catalog");
    let actor = Actor::Operator("test".to_owned());
    let mut tx = db.begin_unhurried().await.expect("a transaction");
    let new = NewUser::with_email("ann@acme.example".parse().expect("an address"));
    let user = users::insert(&mut tx, &new, &source).await.expect("a person");
    let (template, acme, ann) = (
        Template::shipped(),
        tenant::standalone("acme"),
        tenant::owner(&user),
    );
    let made = Box::pin(lifecycle::provision(
        &mut tx, &template, &acme, &ann, &actor, &source,
    ))
    .await
    .expect("a tenant");
    tx.commit().await.expect("committed");

    let mut tx = db.begin().await.expect("a transaction");
    let placed = citus::placed(&mut tx).await.expect("an answer");
    let acme = placed.iter().find(|placed| placed.schema == made.schema.as_str());
    let acme = acme.expect("it is there");
    assert!(acme.is_distributed && acme.node.is_some(), "{acme:?}");
    assert!(!citus::nodes(&mut tx).await.expect("an answer").is_empty());
    tx.rollback().await.expect("undone");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    for sql in citus::ON_CITUS {
        client.prepare(sql).await.expect(sql);
    }
}
