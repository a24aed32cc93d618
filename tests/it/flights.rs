//! Network flights: what a request costs in waiting for PostgreSQL, counted on the wire.
//!
//! A flight is a burst of messages of ours followed by an answer. Each test is one thread, as a request is one task:
//! what is sent together is written together.

use catalog::pg::pool::PoolSettings;
use catalog::resolve;
use catalog::tx::CatalogDb;
use tenant_schema::records::{Mode, Operation, Payload, Prepared, Target};
use tenant_schema::tenant_db::TenantDb;
use tests::database::one_connection;
use tests::{Proxy, Records, TestDb};

/// The flights and messages of one run.
async fn cost(proxy: &Proxy, records: &Records, prepared: &Prepared) -> (u64, u64) {
    proxy.reset();
    records.run(prepared).await.expect("an answer");
    let tally = proxy.tally();
    (tally.flights, tally.messages)
}

/// Runs a request four times and tells what each run cost in flights.
async fn four_runs(name: &str, proxy: &Proxy, records: &Records, prepared: &Prepared) -> [u64; 4] {
    let mut costs = Vec::new();
    for _ in 0..4 {
        costs.push(cost(proxy, records, prepared).await);
    }
    let list: Vec<String> = costs
        .iter()
        .map(|(flights, messages)| format!("{flights} ({messages})"))
        .collect();
    crate::tell(&format!(
        "{name}: flights (messages) of the first four runs: {}",
        list.join(", ")
    ));
    [costs[0].0, costs[1].0, costs[2].0, costs[3].0]
}

#[tokio::test]
async fn a_read_and_a_write_are_one_flight_each() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let proxy = t.proxy().await;
    let db = TenantDb::new(&t.server_config_through(&proxy), &one_connection());
    let records = acme.records(&t, &db);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let body = format!(r#"{{"id":"{id}","name":"Initech"}}"#);

    proxy.reset();
    let insert = records
        .prepared(
            "companies",
            "",
            Operation::Insert {
                body: Payload::json(body.as_bytes()),
            },
        )
        .await
        .expect("a request");
    records.evaluate(Mode::ReadOnly, "1").await.expect("an answer");
    let cold = proxy.tally();
    crate::tell(&format!("connecting and a first read: {} flights", cold.flights));
    assert_eq!(cold.connections, 1);
    let first = cost(&proxy, &records, &insert).await;
    crate::tell(&format!(
        "the first insert: {} flights ({} messages)",
        first.0, first.1
    ));
    assert_eq!(
        first.0, 1,
        "never prepared: sent unnamed, still as one transaction"
    );

    let requests = [
        ("get by id", "", Operation::Get { id }),
        ("list", "name=eq.Initech&order=name&limit=5", Operation::List),
        ("page by cursor", "order=name&limit=5&cursor=", Operation::List),
        ("search", "q=initch+soft&limit=5", Operation::List),
        (
            "update",
            "",
            Operation::Update {
                target: Target::Id(id),
                body: Payload::json(br#"{"industry":"software"}"#),
            },
        ),
    ];
    for (name, query, operation) in requests {
        let prepared = records
            .prepared("companies", query, operation)
            .await
            .expect("a request");
        let flights = four_runs(name, &proxy, &records, &prepared).await;
        assert_eq!(
            flights,
            [1, 1, 1, 1],
            "{name}: unnamed, then preparing on the way, then prepared"
        );
    }
}

#[tokio::test]
async fn changing_tenants_costs_no_flight() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let proxy = t.proxy().await;
    let db = TenantDb::new(&t.server_config_through(&proxy), &one_connection());
    let (acme, globex) = (acme.records(&t, &db), globex.records(&t, &db));
    let list = acme
        .prepared("contacts", "select=id&limit=1", Operation::List)
        .await
        .expect("a request");
    // Connecting is not what is counted.
    acme.evaluate(Mode::ReadOnly, "1").await.expect("an answer");
    for _ in 0..5 {
        assert_eq!(cost(&proxy, &acme, &list).await.0, 1);
        assert_eq!(cost(&proxy, &globex, &list).await.0, 1);
    }
    // The Sync behind a refused statement has ended its transaction: the next pays nothing for it.
    let wrong = acme.insert("companies", r#"{"name":" "}"#).await;
    assert!(wrong.is_err(), "{wrong:?}");
    let after = cost(&proxy, &globex, &list).await.0;
    crate::tell(&format!(
        "a read after somebody's refused statement: {after} flights"
    ));
    assert_eq!(after, 1);
}

#[tokio::test]
async fn resolving_a_slug_that_is_not_remembered_takes_two_flights() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let proxy = t.proxy().await;
    let settings = PoolSettings {
        size: 1,
        ..PoolSettings::default()
    };
    let db = CatalogDb::new(t.server_config_through(&proxy), settings);
    let mut flights = Vec::new();
    for _ in 0..3 {
        proxy.reset();
        let mut tx = db.begin().await.expect("a transaction");
        resolve::by_slug(&mut tx, &acme.slug).await.expect("an answer");
        tx.commit().await.expect("committed");
        flights.push(proxy.tally().flights);
    }
    crate::tell(&format!(
        "resolving a slug, connecting first: {flights:?} flights"
    ));
    assert_eq!(
        flights[1..],
        [2, 2],
        "the question with BEGIN before it, then COMMIT"
    );
}
