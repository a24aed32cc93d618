//! Waves: a wave that fails stops the run, what is left can be resumed, and failures do not touch each other.

use catalog::migration_runs::RunState;
use tenant_schema::fleet::{Event, FleetError, StopSignal, Stopped, Stopper};

use super::{Small, migrate, one_by_one, resume};

const SIX: &[&str] = &["ant", "bee", "cat", "dog", "elk", "fox"];

/// Makes the second version fail in a tenant.
const IN_THE_WAY: &str = "create table labels (id uuid)";

#[tokio::test]
async fn a_wave_that_fails_stops_the_run_and_the_rest_is_resumed() {
    let small = Small::with(SIX).await;
    let plan = small.plan().await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings = one_by_one("1,50%");
    small.within(&plan.steps[1], IN_THE_WAY).await;
    let slug = &plan.steps[1].tenant.slug;

    let (ended, told) = migrate(&fleet, &plan).await;
    let stopped = ended.expect("a run").stopped;
    assert_eq!(stopped, Some(Stopped::Failures { wave: 2, failed: 1 }));
    assert_eq!(told.waves, [(1, 1), (2, 2)]);
    let tried: Vec<_> = told.tenants.iter().map(|tenant| &tenant.slug).collect();
    assert_eq!(tried, [&plan.steps[0].tenant.slug, slug], "no other was begun");
    let run = small.last_run().await;
    assert_eq!((run.state, run.is_running), (RunState::Stopped, false));
    assert_eq!((run.done, run.failed, run.planned, run.waves), (1, 1, 4, 3));

    let failed = small.failures().await.remove(0);
    assert_eq!((&failed.slug, failed.template_version), (slug, 1));
    assert_eq!(failed.sqlstate.as_deref(), Some("42P07"));
    let statement = "create table labels (id uuid not null, constraint labels_pkey primary key (id))";
    assert_eq!(failed.statement.as_deref(), Some(statement));
    assert!(
        failed.message.contains("relation \"labels\" already exists"),
        "{failed:?}"
    );
    let history_and_catalog_agree = |(_, catalog, history): &(String, i32, i32)| catalog == history;
    assert!(small.versions().await.iter().all(history_and_catalog_agree));

    small.within(&plan.steps[1], "drop table labels").await;
    let (ended, told) = resume(&fleet).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert_eq!(told.waves, [(2, 2), (3, 3)], "its own waves");
    let run = small.last_run().await;
    assert_eq!((run.state, run.done, run.failed), (RunState::Finished, 6, 0));
    assert!(
        small
            .versions()
            .await
            .iter()
            .all(|(_, catalog, history)| (*catalog, *history) == (2, 2))
    );
    assert!(small.failures().await.is_empty());
    let (again, _) = resume(&fleet).await;
    assert!(matches!(again, Err(FleetError::NothingToResume)), "{again:?}");
}

#[tokio::test]
async fn so_many_may_fail_as_was_said_and_in_the_last_wave_any_number() {
    let small = Small::with(SIX).await;
    let plan = small.plan().await;
    let template = small.template();
    for step in &plan.steps[..2] {
        small.within(step, IN_THE_WAY).await;
    }
    let mut fleet = small.fleet(&template);
    fleet.settings = one_by_one("3");
    fleet.settings.max_failures = Some(1);
    let (ended, told) = migrate(&fleet, &plan).await;
    let stopped = ended.expect("a run").stopped;
    assert_eq!(stopped, Some(Stopped::Failures { wave: 1, failed: 2 }));
    assert_eq!(told.tenants.len(), 2);

    // Begun anew in one wave: what was stopped is superseded, and nothing keeps the others.
    fleet.settings = one_by_one("100%");
    let (ended, told) = migrate(&fleet, &small.plan().await).await;
    assert_eq!(ended.expect("a run").stopped, None);
    let failed = told
        .tenants
        .iter()
        .filter(|tenant| tenant.outcome.is_err())
        .count();
    assert_eq!((told.tenants.len(), failed), (6, 2));
    assert_eq!(small.failures().await.len(), 2);
    let (again, _) = resume(&fleet).await;
    assert!(matches!(again, Err(FleetError::NothingToResume)), "{again:?}");
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_finishes_what_it_has_begun() {
    let small = Small::with(SIX).await;
    let plan = small.plan().await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings = one_by_one("2,4");
    let (stopper, signal) = Stopper::new();
    let stop_at_the_first = |event| {
        if let Event::Tenant(_) = event {
            stopper.stop();
        }
    };
    let ended = fleet.migrate(&plan, &signal, stop_at_the_first).await;
    assert_eq!(ended.expect("a run").stopped, Some(Stopped::Asked));
    let run = small.last_run().await;
    assert_eq!((run.state, run.done, run.planned), (RunState::Stopped, 1, 5));

    small.write("V3__more.sql", "comment on table labels is 'More labels.'");
    let later = small.template();
    let (other, _) = resume(&small.fleet(&later)).await;
    assert!(
        matches!(other, Err(FleetError::OtherVersion { run: 2, own: 3 })),
        "{other:?}"
    );
    let ended = fleet.resume(&StopSignal::never(), |_| {}).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert_eq!(small.last_run().await.done, 6);
}

#[tokio::test]
async fn a_pinned_tenant_is_left_where_it_is_and_brought_to_its_pin() {
    let small = Small::with(&["ant", "bee"]).await;
    small.write("V3__more.sql", "comment on table labels is 'More labels.'");
    let template = small.template();
    let fleet = small.fleet(&template);
    let plan = small.plan().await;
    let first = plan.steps[0].tenant.clone();
    let pin = async |version| {
        let mut tx = small.t.catalog().begin().await.expect("a transaction");
        let pinned = catalog::tenant_schemas::pin(&mut tx, first.organization, version);
        pinned.await.expect("pinned");
        tx.commit().await.expect("committed");
    };
    pin(Some(1)).await;
    let pinned = small.plan().await;
    assert_eq!((pinned.steps.len(), pinned.pinned.len()), (1, 1));
    // Planned before it was pinned.
    migrate(&fleet, &plan).await.0.expect("a run");
    assert_eq!(small.last_run().await.skipped, 1);
    let version = async || {
        let versions = small.versions().await;
        let own = versions
            .into_iter()
            .find(|(slug, ..)| slug == first.slug.as_str());
        own.map(|(_, catalog, history)| (catalog, history))
    };
    assert_eq!(version().await, Some((1, 1)));
    for (to, reached) in [(Some(2), (2, 2)), (None, (3, 3))] {
        pin(to).await;
        migrate(&fleet, &small.plan().await).await.0.expect("a run");
        assert_eq!(version().await, Some(reached));
    }
}
