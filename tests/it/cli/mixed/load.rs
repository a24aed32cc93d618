//! Waves of migrations under load: the changes of meaning and of names that they bring are never seen half.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all};
use serde_json::Value;
use tests::TestDb;
use tokio::sync::watch;

use super::{Answer, Client, FILES, Served, template, tenant, tenantry};

/// What somebody saw.
#[derive(Default)]
struct Seen {
    /// How many answers there were of each version.
    versions: BTreeMap<i32, usize>,
    /// How many refusals there were of each code.
    refusals: BTreeMap<String, usize>,
    /// The records that were acknowledged.
    written: BTreeSet<String>,
}

impl Seen {
    /// Looks at an answer; a tenant never goes back to an earlier version.
    fn note(&mut self, answer: &Answer, version_of: impl FnOnce(&Answer) -> Option<i32>) {
        if !matches!(answer.status(), "200" | "201") {
            *self.refusals.entry(answer.ask_again()).or_default() += 1;
            return;
        }
        if let Some(version) = version_of(answer) {
            let latest = self.versions.last_key_value();
            assert!(latest.is_none_or(|(latest, _)| *latest <= version), "{answer:?}");
            *self.versions.entry(version).or_default() += 1;
        }
    }
}

/// Reads in every way there is, and writes, until it is told to stop.
async fn work(client: Client, mut stop: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    while !*stop.borrow_and_update() {
        let ordered = client.order().await;
        seen.note(&ordered, |answer| client.version_of(&answer.json()));
        if ordered.status() == "201" {
            let id = ordered.json()[0]["id"].as_str().expect("an id").to_owned();
            seen.written.insert(id);
        }
        for target in ["/rest/v1/orders", "/rest/v1/order_list?limit=5"] {
            let list = client.get(target).await;
            seen.note(&list, |answer| client.version_of(&answer.json()));
        }
        let total = client.get("/rest/v1/rpc/total").await;
        seen.note(&total, |answer| Some(version_of_total(&answer.json())));
        let export = client.export().await;
        seen.note(&export, |answer| {
            let lines = answer.body.lines().filter(|line| line.starts_with('{'));
            let records = lines.map(|line| serde_json::from_str(line).expect("a record"));
            client.version_of(&records.collect::<Vec<Value>>().into())
        });
    }
    seen
}

/// Every order is a dozen.
fn version_of_total(total: &Value) -> i32 {
    let orders = total["orders"].as_i64().expect("a number");
    let of = |(name, dozen): (&str, i64)| total[name].as_i64() == Some(orders * dozen);
    let version = [("dozens", 1), ("pieces", 12), ("amount", 12)]
        .into_iter()
        .position(of);
    i32::try_from(version.unwrap_or_else(|| panic!("of no version: {total}"))).expect("small") + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_fleet_is_migrated_while_all_of_it_is_asked() {
    let t = TestDb::new().await;
    let folders: Vec<_> = (1..=3).map(|files| template(&FILES[..files])).collect();
    let first = tenantry(&t, &folders[0]).await;
    let mut tenants = Vec::new();
    for slug in ["gnu", "owl", "yak", "zho"] {
        tenants.push(tenant(&first, slug).await);
    }
    let (old, new) = join(Served::start(&t, &folders[0]), Served::start(&t, &folders[2])).await;
    let clients: Vec<Client> = tenants.iter().map(|tenant| new.client(tenant)).collect();
    let old_clients: Vec<Client> = tenants.iter().map(|tenant| old.client(tenant)).collect();
    for client in &clients {
        assert_eq!(client.order().await.status(), "201");
        client.settles_at(1).await;
    }

    let (stop, stopped) = watch::channel(false);
    let workers = clients.iter().chain(&clients);
    let load: Vec<_> = workers
        .map(|client| tokio::spawn(work(client.clone(), stopped.clone())))
        .collect();

    let second = tenantry(&t, &folders[1]).await;
    second
        .does("migrate tenants --only gnu --only owl --jobs 2")
        .await;
    for (client, version) in clients.iter().zip([2, 2, 1, 1]) {
        client.settles_at(version).await;
        let document = client.get("/openapi.json").await.json();
        assert_eq!(document["info"]["version"], version.to_string());
        let unit = &document["components"]["schemas"]["orders"]["properties"]["unit"];
        assert_eq!(unit.is_object(), version == 2, "{unit}");
    }
    only_those_of_version_1_are_served(&old_clients).await;

    second.does("migrate tenants --wave 1,100%").await;
    let third = tenantry(&t, &folders[2]).await;
    third.does("migrate tenants --wave 1,50%,100% --jobs 2").await;
    for client in &clients {
        client.settles_at(3).await;
    }
    stop.send(true).expect("somebody works");
    let seen: Vec<Seen> = join_all(load)
        .await
        .into_iter()
        .map(|seen| seen.expect("no panic"))
        .collect();
    for (client, (one, other)) in clients.iter().zip(seen.iter().zip(&seen[clients.len()..])) {
        assert!(one.versions.contains_key(&1) && one.versions.contains_key(&3));
        assert_kept(&t, client, one.written.union(&other.written).collect()).await;
        crate::tell(&format!(
            "{}: answers by version {:?}, refusals {:?}",
            client.slug, one.versions, one.refusals
        ));
    }
}

/// A server of the old release serves those that are still of its version, and no others.
async fn only_those_of_version_1_are_served(clients: &[Client]) {
    for client in &clients[..2] {
        let refused = client.get("/rest/v1/orders").await;
        assert_eq!(refused.ask_again(), "tenant_version_unsupported");
        let details = &refused.json()["details"];
        assert_eq!(
            details,
            "The tenant is at version 2; this server serves versions 1 to 1"
        );
    }
    for client in &clients[2..] {
        client.settles_at(1).await;
    }
}

/// What was acknowledged is there, what was refused is not, and the book says so too.
async fn assert_kept(t: &TestDb, client: &Client, written: BTreeSet<&String>) {
    let superuser = t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas t \
                  join catalog.organizations o on o.id = t.organization_id where o.slug = $1";
    let schema: String = superuser
        .query_one(schema, &[&client.slug])
        .await
        .expect("a tenant")
        .get(0);
    let ids = format!("select id::text from {schema}.orders where amount = 12");
    let ids = superuser.query(&ids, &[]).await.expect("an answer");
    let ids: BTreeSet<String> = ids.iter().map(|row| row.get(0)).collect();
    let lost: Vec<_> = written.iter().filter(|id| !ids.contains(**id)).collect();
    assert!(lost.is_empty(), "{}: lost {lost:?}", client.slug);
    // The one that was there before.
    assert_eq!(ids.len(), written.len() + 1, "{}: refused and done", client.slug);
    let book = format!("select count(*) from {schema}.book where amount = 12");
    let book: i64 = superuser.query_one(&book, &[]).await.expect("an answer").get(0);
    assert_eq!(usize::try_from(book), Ok(ids.len()));
}
