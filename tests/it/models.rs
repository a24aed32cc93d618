//! The schema models: what the template has and nothing else, whatever somebody did to one tenant by hand.

use std::sync::Arc;

use tenant_schema::fleet::StopSignal;
use tenant_schema::records::{Operation, RecordError};
use tenant_schema::template::Template;
use tests::{TestDb, TestTenant};

use crate::lifecycle::migrate::fleet;

/// What a DBA might do: a table, a column and a view, all of them granted to the tenant's role.
async fn add_by_hand(t: &TestDb, tenant: &TestTenant) {
    let (schema, rw) = (&tenant.schema, tenant.schema.read_write_role());
    let sql = format!(
        "set search_path = {schema};
         create table contacts_backup (id uuid primary key, salary text);
         alter table contacts add column salary text;
         create view rich as select id from contacts;
         grant select, insert, update, delete on contacts_backup, contacts to {rw};
         grant select on rich to {rw}"
    );
    t.as_owner().await.batch_execute(&sql).await.expect("added");
}

#[tokio::test]
async fn what_somebody_adds_to_a_tenant_is_in_nobodys_answers() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let before = t
        .models()
        .get(Template::shipped().latest())
        .await
        .expect("a model");
    add_by_hand(&t, &acme).await;
    let after = t
        .models()
        .get(Template::shipped().latest())
        .await
        .expect("a model");
    assert_eq!(before, after);

    for tenant in [&acme, &globex] {
        let records = tenant.records(&t, &t.tenants());
        for (object, meant) in [
            ("contacts_backup", None),
            ("contacts_backu", None),
            ("rihc", None),
        ] {
            let refused = records
                .list(object, "")
                .await
                .expect_err("there is no such object");
            let RecordError::UnknownObject { nearest, .. } = &refused else {
                panic!("{refused:?}")
            };
            assert_eq!((refused.status(), nearest.as_deref()), (404, meant), "{object}");
        }
        let refused = records
            .list("contacts", "select=salary")
            .await
            .expect_err("no such column");
        let RecordError::UnknownColumn { nearest: None, .. } = &refused else {
            panic!("{refused:?}")
        };
        let all = records.list("contacts", "").await.expect("a list");
        assert!(!all.contains("salary"), "{all}");
    }
}

#[tokio::test]
async fn a_model_is_of_its_versions_migrations_whatever_the_tenants_have() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let latest = t
        .models()
        .get(Template::shipped().latest())
        .await
        .expect("recorded with the first tenant");
    add_by_hand(&t, &acme).await;
    let models = t.models();
    let forget =
        "delete from catalog.template_models; update catalog.tenant_schemas set template_version = 6";
    t.as_owner().await.batch_execute(forget).await.expect("forgotten");

    for version in [6, Template::shipped().latest()] {
        let none = models.get(version).await.expect_err("none is recorded");
        assert_eq!(none.status(), 503, "{none:?}");
    }
    let actor = t.actor();
    let fleet = fleet(&t, &actor);
    let plan = fleet.plan().await.expect("an answer");
    fleet
        .migrate(&plan, &StopSignal::never(), |_| {})
        .await
        .expect("the models are recorded");

    let of_six = models.get(6).await.expect("recorded for tenants that wait");
    let names = |of: &tenant_schema::records::SchemaModel| of.objects.keys().cloned().collect::<Vec<_>>();
    let of_then =
        "activities companies contacts deal_stage_history deals members note_targets notes pipelines stages";
    assert_eq!(names(&of_six), of_then.split(' ').collect::<Vec<_>>());
    assert_eq!(
        models.get(Template::shipped().latest()).await.expect("recorded"),
        latest
    );
}

#[tokio::test]
async fn a_model_is_recorded_and_read_once() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    t.tenant("globex").await;
    let count = "select count(*) from catalog.template_models";
    let count: i64 = t
        .as_superuser()
        .await
        .query_one(count, &[])
        .await
        .expect("an answer")
        .get(0);
    assert_eq!(count, 1);

    let models = t.models();
    let all = futures_util::future::join_all((0..8).map(|_| models.get(Template::shipped().latest()))).await;
    let all: Vec<_> = all.into_iter().map(|model| model.expect("a model")).collect();
    assert!(all.iter().all(|model| Arc::ptr_eq(model, &all[0])));

    let records = acme.records(&t, &t.tenants());
    let prepared = records.prepared("contacts", "", Operation::List).await;
    assert!(prepared.is_ok(), "the server's login may read it");
}
