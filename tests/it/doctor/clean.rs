//! Where nothing is wrong nothing is found: after every step of a tenant's life, and while others are at work.

use std::path::Path;

use catalog::actor::Actor;
use catalog::organizations;
use catalog::standing;
use tenant_schema::doctor;
use tenant_schema::fleet::{Fleet, Settings, StopSignal};
use tenant_schema::lifecycle::clone::Content;
use tenant_schema::lifecycle::purge::{self, Due, Purge};
use tenant_schema::lifecycle::spares;
use tenant_schema::template::Template;
use tests::tenant::{owner, standalone};
use tests::{Cluster, TestDb};

use super::{assert_healthy, examination};
use crate::lifecycle::clone::clone_by;
use crate::lifecycle::purge::drop_tenant;

/// The template as it was at a version.
fn template_at(version: i32) -> (tempfile::TempDir, Template) {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tenant-schema/migrations");
    for entry in std::fs::read_dir(shipped).expect("the template") {
        let entry = entry.expect("a file");
        let name = entry.file_name().into_string().expect("a name");
        let number: i32 = name[1..]
            .split('_')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("a number");
        if number <= version {
            std::fs::copy(entry.path(), folder.path().join(name)).expect("copied");
        }
    }
    let template = Template::read(folder.path()).expect("a template");
    (folder, template)
}

/// A tenant made when the template ended at that version.
pub(super) async fn tenant_at(t: &TestDb, slug: &str, version: i32) {
    let (_folder, template) = template_at(version);
    let person = t.user(&format!("owner@{slug}.test")).await;
    let mut tx = t.catalog().begin_unhurried().await.expect("a transaction");
    tenant_schema::lifecycle::provision(
        &mut tx,
        &template,
        &standalone(slug),
        &owner(&person),
        &t.actor(),
        t.source(),
    )
    .await
    .expect("a tenant");
    tx.commit().await.expect("committed");
}

/// Brings everybody to the latest version.
async fn migrate(t: &TestDb, actor: &Actor) {
    let db = t.owner_pool_of(8);
    let fleet = Fleet {
        db: &db,
        template: t.template(),
        actor,
        source: t.source(),
        settings: Settings::default(),
    };
    let plan = fleet.plan().await.expect("a plan");
    let stop = StopSignal::never();
    fleet.migrate(&plan, &stop, |_| ()).await.expect("migrated");
}

#[tokio::test]
async fn every_step_of_a_tenants_life_leaves_nothing_to_find() {
    let t = TestDb::on(Cluster::own().await).await;
    assert_healthy(&t, "without tenants").await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    assert_healthy(&t, "provisioned").await;
    tenant_at(&t, "initech", 6).await;
    assert_healthy(&t, "one is behind").await;
    spares::fill(t.catalog(), t.template(), 2, t.source(), |_| ())
        .await
        .expect("two spares");
    assert_healthy(&t, "with spares").await;
    let cyd = t.user("cyd@example.com").await;
    clone_by(
        &t,
        t.catalog(),
        ("acme", "acme-staging"),
        &cyd,
        Content::RecordsAndMembers,
    )
    .await
    .expect("a clone");
    clone_by(&t, t.catalog(), ("initech", "initech-old"), &cyd, Content::Schema)
        .await
        .expect("a clone of an older version");
    assert_healthy(&t, "cloned").await;
    migrate(&t, &t.actor()).await;
    assert_healthy(&t, "migrated").await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let organization = organizations::lock(&mut tx, acme.organization).await;
    let organization = organization.expect("an answer").expect("a tenant");
    standing::suspend(&mut tx, &organization, None, &t.actor(), t.source())
        .await
        .expect("suspended");
    tx.commit().await.expect("committed");
    drop_tenant(&t, &globex).await;
    assert_healthy(&t, "suspended and dropped").await;
    let grant = format!(
        "create role ann login;
         insert into catalog.dba_grants (organization_id, role_name, reach, granted_by, granted_at)
         values ('{}', 'ann', 'ro', 'operator:ann', now())",
        acme.organization
    );
    t.as_superuser()
        .await
        .batch_execute(&grant)
        .await
        .expect("granted");
    assert_healthy(&t, "somebody was let in on purpose").await;
    let how = Purge {
        due: Due::Now,
        cascade: false,
        max_locks: None,
        actor: &t.actor(),
        source: t.source(),
    };
    purge::purge(t.catalog(), globex.organization, how)
        .await
        .expect("purged");
    assert_healthy(&t, "purged").await;
}

#[tokio::test]
async fn tenants_that_are_made_and_purged_meanwhile_are_no_findings() {
    let t = TestDb::on(Cluster::own().await).await;
    t.tenant("acme").await;
    for slug in ["b-one", "b-two", "b-three"] {
        tenant_at(&t, slug, 6).await;
    }
    let actor = t.actor();
    let work = async {
        for n in 0..4 {
            let made = t.tenant(&format!("made-{n}")).await;
            drop_tenant(&t, &made).await;
            let how = Purge {
                due: Due::Now,
                cascade: false,
                max_locks: Some(260),
                actor: &actor,
                source: t.source(),
            };
            purge::purge(t.catalog(), made.organization, how)
                .await
                .expect("purged");
        }
        migrate(&t, &actor).await;
    };
    let mut work = std::pin::pin!(work);
    // Connections of its own: the work has the others.
    let db = t.owner_pool_of(2);
    let mut exam = examination(&t);
    exam.db = &db;
    let mut scans = 0;
    loop {
        let looked = Box::pin(doctor::examine(&exam));
        tokio::select! {
            scan = looked => {
                let scan = scan.expect("everything can be looked at");
                let wrong = scan.findings.iter().filter(|finding| finding.kind != doctor::Kind::Purges);
                assert_eq!(wrong.count(), 0, "scan {scans}: {:#?}", scan.findings);
                scans += 1;
            }
            () = &mut work => break,
        }
    }
    assert_healthy(&t, "all is done").await;
    assert!(scans > 0, "nothing was looked at meanwhile");
    crate::tell(&format!(
        "{scans} scans while tenants were made, purged and migrated"
    ));
}
