//! The server's settings and limits.

use tenant_schema::doctor::{self, Examination, Finding, Kind, Scan};
use tests::{Cluster, TestDb};

use super::examination;

async fn scan_for(t: &TestDb, kind: Kind) -> Scan {
    let exam = Examination {
        kinds: vec![kind],
        ..examination(t)
    };
    let scan = Box::pin(doctor::examine(&exam)).await;
    scan.expect("everything can be looked at")
}

/// Sets these and starts the server again.
async fn set(t: &TestDb, settings: &[(&str, &str)]) {
    let superuser = t.as_superuser().await;
    for (name, value) in settings {
        let sql = format!("alter system set {name} = {value}");
        superuser.batch_execute(&sql).await.expect("set");
    }
    t.cluster().restart().await.expect("it starts");
}

#[tokio::test]
async fn settings_are_told_with_a_value_and_a_reason_until_they_are_set() {
    let t = TestDb::on(Cluster::own().await).await;
    let bad = ["autovacuum", "track_counts", "fsync", "full_page_writes"];
    set(&t, &bad.map(|name| (name, "off"))).await;
    let sessions =
        "alter role tenantry_owner set jit = on; alter role tenantry_owner set random_page_cost = 4";
    let superuser = t.as_superuser().await;
    superuser.batch_execute(sessions).await.expect("set");
    let found = scan_for(&t, Kind::Settings).await.findings;
    assert_eq!(
        found.iter().map(short_of).collect::<Vec<_>>(),
        [
            "autovacuum warn",
            "fsync warn",
            "full_page_writes warn",
            "jit advice",
            "random_page_cost advice",
            "track_counts warn"
        ]
    );
    let why = &found[4].says;
    assert!(why.starts_with("4, better 1.1: "), "{why}");
    let shown = found[4].repair.as_ref().map(|repair| repair.sql.concat());
    assert_eq!(
        shown.as_deref(),
        Some("alter system set random_page_cost = '1.1'")
    );
    let reset = "alter role tenantry_owner set jit = off; alter role tenantry_owner reset random_page_cost";
    t.as_superuser().await.batch_execute(reset).await.expect("reset");
    // Sessions keep what they began with.
    set(&t, &[]).await;
    let left = scan_for(&t, Kind::Settings).await.findings;
    assert!(
        left.iter().all(|finding| bad.contains(&finding.subject.as_str())),
        "{left:#?}"
    );
}

fn short_of(finding: &Finding) -> String {
    format!("{} {}", finding.subject, finding.severity.as_str())
}

#[tokio::test]
async fn what_the_fleet_takes_is_told_now_and_at_twice_its_size() {
    let t = TestDb::on(Cluster::own().await).await;
    for slug in ["acme", "globex", "initech", "umbrella"] {
        t.tenant(slug).await;
    }
    let before = scan_for(&t, Kind::Capacity).await;
    assert!(before.findings.is_empty(), "{:#?}", before.findings);
    let of = |scan: &Scan, what: &str| {
        let found = scan.forecast.iter().find(|figure| figure.what == what);
        let figure = found.unwrap_or_else(|| panic!("{what} is no figure"));
        (figure.now, figure.twice, figure.limit)
    };
    assert_eq!(of(&before, "tenant schemas"), (4, 8, None));
    let (tables, twice, limit) = of(&before, "locks of a whole pg_dump");
    assert_eq!((tables, twice), (4 * 39, 8 * 39));
    assert_eq!(limit, Some(256 * 300));
}
