//! Locks: two runs at once, a tenant whose tables somebody reads for long, and jobs side by side.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::future::join;
use tenant_schema::fleet::{Event, FleetError, StopSignal};
use tests::TestDb;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::{Small, migrate};

/// A reader that keeps its lock until it is told to go.
async fn reader(small: &Small, slug: &str) -> Client {
    let plan = small.plan().await;
    let step = plan.steps.iter().find(|step| step.tenant.slug.as_str() == slug);
    let schema = &step.expect("a tenant that is behind").tenant.schema;
    let client = small.t.as_owner().await;
    let read = format!("begin; select count(*) from {schema}.notes");
    client.batch_execute(&read).await.expect("it reads");
    client
}

/// Asks until so many statements of this database wait for a lock on notes.
async fn until_waiting(t: &TestDb, count: i64) {
    let superuser = t.as_superuser().await;
    let waiting = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation \
                   where not l.granted and c.relname = 'notes' \
                     and l.database = (select oid from pg_database where datname = current_database())";
    let asked = async {
        loop {
            let row = superuser.query_one(waiting, &[]).await.expect("an answer");
            if row.get::<_, i64>(0) >= count {
                return;
            }
        }
    };
    let asked = tokio::time::timeout(Duration::from_mins(2), asked).await;
    asked.expect("so many wait");
}

#[tokio::test]
async fn a_tenant_that_is_read_for_long_is_tried_again_while_the_others_go_on_and_a_second_run_is_told() {
    let small = Small::with(&["ant", "bee", "cat"]).await;
    let plan = small.plan().await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings.jobs = NonZeroUsize::MIN;
    fleet.settings.lock_timeout = Duration::from_millis(20);
    fleet.settings.attempts = 1000;
    let slug = plan.steps[0].tenant.slug.as_str();
    let reader = reader(&small, slug).await;

    let (sender, mut events) = mpsc::unbounded_channel();
    let hear = |event| sender.send(event).expect("somebody listens");
    let never = StopSignal::never();
    let run = Box::pin(fleet.migrate(&plan, &never, hear));
    let beside = async {
        let (mut again, mut done) = (0, 0);
        while again == 0 || done < 2 {
            match events.recv().await.expect("it goes on") {
                Event::Again {
                    slug: of, sqlstate, ..
                } => {
                    assert_eq!((of.as_str(), sqlstate.as_str()), (slug, "55P03"));
                    again += 1;
                }
                Event::Tenant(migrated) => {
                    assert!(migrated.outcome.is_ok(), "{migrated:?}");
                    done += 1;
                }
                _ => {}
            }
        }
        let (second, _) = migrate(&fleet, &plan).await;
        let Err(FleetError::Busy {
            by: Some((who, since)),
        }) = second
        else {
            panic!("{second:?}")
        };
        assert_eq!((who.as_str(), since), ("operator:test", small.t.source().now()));
        assert!(small.last_run().await.is_running);
        reader.batch_execute("commit").await.expect("it ends");
        loop {
            if let Event::Tenant(migrated) = events.recv().await.expect("it goes on") {
                assert_eq!(migrated.slug.as_str(), slug);
                assert!(migrated.outcome.is_ok() && migrated.attempts > 1, "{migrated:?}");
                return;
            }
        }
    };
    let (ended, ()) = join(run, beside).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert!(small.versions().await.iter().all(|(_, catalog, _)| *catalog == 2));
}

#[tokio::test]
async fn a_lock_that_never_comes_free_is_given_up_and_told() {
    let small = Small::with(&["ant", "bee"]).await;
    let plan = small.plan().await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings.lock_timeout = Duration::from_millis(1);
    fleet.settings.attempts = 2;
    let slug = plan.steps[0].tenant.slug.as_str();
    let _reader = reader(&small, slug).await;
    let (ended, told) = migrate(&fleet, &plan).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert_eq!(told.again, ["55P03"]);
    let failed = small.failures().await.remove(0);
    assert_eq!((failed.slug.as_str(), failed.attempts), (slug, Some(2)));
    assert_eq!(failed.sqlstate.as_deref(), Some("55P03"));
    let statement = "alter table notes add column place integer not null default 0";
    assert_eq!(failed.statement.as_deref(), Some(statement));
}

#[tokio::test]
async fn jobs_work_side_by_side() {
    let small = Small::with(&["ant", "bee", "cat"]).await;
    let plan = small.plan().await;
    let template = small.template();
    let db = small.t.owner_pool_of(5);
    let mut fleet = small.fleet(&template);
    fleet.db = &db;
    fleet.settings.jobs = NonZeroUsize::new(3).expect("3 is not zero");
    fleet.settings.lock_timeout = Duration::from_mins(1);
    let readers = [
        reader(&small, "ant").await,
        reader(&small, "bee").await,
        reader(&small, "cat").await,
    ];
    let beside = async {
        until_waiting(&small.t, 3).await;
        for reader in &readers {
            reader.batch_execute("commit").await.expect("it ends");
        }
    };
    let ((ended, told), ()) = join(migrate(&fleet, &plan), beside).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert_eq!((told.tenants.len(), told.again.len()), (3, 0));
}
