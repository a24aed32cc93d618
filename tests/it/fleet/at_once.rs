//! What a tenant's migration costs in network flights, and what becomes of it where a tenant is not as it was planned.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use tenant_schema::fleet::{Event, Fleet, Plan, Settings, StopSignal};
use tenant_schema::lifecycle::LifecycleError;

use super::{Small, migrate};

const SLUGS: [&str; 4] = ["ant", "bee", "cat", "dog"];

#[tokio::test]
async fn a_tenant_takes_two_flights() {
    let small = Small::with(&SLUGS).await;
    let proxy = small.t.proxy().await;
    let settings = PoolSettings {
        size: 3,
        ..PoolSettings::default()
    };
    let db = CatalogDb::new(small.t.owner_config_through(&proxy), settings);
    let template = small.template();
    let fleet = Fleet {
        db: &db,
        settings: Settings {
            jobs: NonZeroUsize::MIN,
            ..Settings::default()
        },
        ..small.fleet(&template)
    };
    let plan = small.plan().await;
    let flights = Mutex::new(Vec::new());
    let report = |event| {
        if let Event::Tenant(tenant) = event {
            assert_eq!(tenant.outcome.as_ref().ok(), Some(&2), "{tenant:?}");
            flights
                .lock()
                .expect("nobody panicked")
                .push(proxy.tally().flights);
        }
    };
    Box::pin(fleet.migrate(&plan, &StopSignal::never(), report))
        .await
        .expect("a run");
    let flights = flights.into_inner().expect("nobody panicked");
    let costs: Vec<u64> = flights.windows(2).map(|pair| pair[1] - pair[0]).collect();
    crate::tell(&format!(
        "migrating a tenant: {costs:?} flights, the first not counted"
    ));
    // Each tenant's other statements are prepared on the connection once.
    assert_eq!(costs[1..], [2, 2]);
}

#[tokio::test]
async fn of_several_files_the_one_that_fails_is_named_and_all_are_undone() {
    let small = Small::with(&["ant", "bee"]).await;
    small.write(
        "V3__words.sql",
        "create table words (id integer);\n\nselect 1 / (count(*) - 1) from notes",
    );
    small.write("V4__more.sql", "create table more (id integer)");
    let plan = small.plan().await;
    let ant = plan.steps.iter().find(|step| step.tenant.slug.as_str() == "ant");
    small
        .within(ant.expect("it is behind"), "insert into notes default values")
        .await;
    let template = small.template();
    let (ended, _) = migrate(&small.fleet(&template), &plan).await;
    ended.expect("a run");
    assert_eq!(
        small.versions().await,
        [("ant".to_owned(), 1, 1), ("bee".to_owned(), 4, 4)]
    );
    let failures = small.failures().await;
    let failure = &failures[0];
    assert_eq!(failure.sqlstate.as_deref(), Some("22012"));
    assert_eq!(
        failure.statement.as_deref(),
        Some("select 1 / (count(*) - 1) from notes")
    );
    assert!(failure.message.contains("V3__words"), "{failure:?}");
}

#[tokio::test]
async fn a_tenant_that_is_not_as_it_was_planned_is_looked_at_again() {
    let small = Small::with(&SLUGS).await;
    let plan = small.plan().await;
    // One is pinned, one migrated, one made of other files, and one has lost its stamp.
    let catalog = "update catalog.tenant_schemas set pinned_version = 1 where schema_name = '{}'";
    let superuser = small.t.as_superuser().await;
    let schemas: Vec<&str> = plan
        .steps
        .iter()
        .map(|step| step.tenant.schema.as_str())
        .collect();
    superuser
        .batch_execute(&catalog.replace("{}", schemas[0]))
        .await
        .expect("pinned");
    let template = small.template();
    let one = Plan {
        steps: vec![plan.steps[1].clone()],
        ..plan.clone()
    };
    migrate(&small.fleet(&template), &one).await.0.expect("a run");
    let history = format!("update {}.refinery_schema_history set checksum = '7'", schemas[2]);
    superuser.batch_execute(&history).await.expect("changed");
    let stamp = format!("comment on schema {} is 'another''s'", schemas[3]);
    superuser.batch_execute(&stamp).await.expect("changed");

    let (ended, told) = migrate(&small.fleet(&template), &plan).await;
    ended.expect("a run");
    let outcome = |n: usize| {
        let tenant = told
            .tenants
            .iter()
            .find(|tenant| tenant.slug == plan.steps[n].tenant.slug);
        &tenant.expect("it was told of").outcome
    };
    assert_eq!(
        (outcome(0).as_ref().ok(), outcome(1).as_ref().ok()),
        (Some(&1), Some(&2))
    );
    assert!(matches!(outcome(2), Err(LifecycleError::Template(error)) if error.pg().is_none()));
    assert!(matches!(outcome(3), Err(LifecycleError::Stamp { .. })));
    for (slug, _, history) in small.versions().await {
        let is_migrated = slug == plan.steps[1].tenant.slug.as_str();
        assert_eq!(history, if is_migrated { 2 } else { 1 }, "{slug}");
    }
}
