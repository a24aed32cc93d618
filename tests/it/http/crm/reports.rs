//! Reports, held against numbers that were worked out by hand.

use std::time::Duration;

use catalog::memberships::MemberRole::Admin;
use serde_json::{Value, json};

use super::Crm;
use crate::http::scene::Scene;

impl Crm {
    /// Runs statements of an operator's in the tenant, who may say when something was.
    pub(super) async fn operate(&self, sql: &str) {
        let path = self.acme.tenant.schema.search_path();
        let owner = self.app.db().as_owner().await;
        owner
            .batch_execute(&format!("set search_path = {path}; {sql}"))
            .await
            .expect("it works");
    }

    /// A deal of then: title, value, stage, made, closed, expected.
    async fn old(&self, values: &[(&str, &str, &str, &str, &str, &str)]) {
        for (title, value, stage, made, closed, expected) in values {
            let (value, currency) = value.split_once(' ').expect("a currency");
            let nothing = |text: &str| {
                if text.is_empty() {
                    "null".to_owned()
                } else {
                    format!("'{text}'")
                }
            };
            let (closed, expected) = (nothing(closed), nothing(expected));
            let reason = if *stage == "Lost" { "'x'" } else { "null" };
            let sql = format!(
                "insert into deals (title, value, currency, pipeline_id, stage_id, created_at, stage_entered_at, closed_at, \
                 expected_close_date, lost_reason) select '{title}', {value}, '{currency}', s.pipeline_id, s.id, '{made}', \
                 '{made}', {closed}, {expected}, {reason} from stages s where s.name = '{stage}'"
            );
            self.operate(&sql).await;
        }
    }

    async fn report(&self, target: &str) -> Value {
        let answer = self.ada.get(&format!("/crm/v1/reports/{target}")).await;
        answer.expect_status(200).json()["rows"].clone()
    }
}

/// Deals that were decided beside changes of the clocks: in Berlin a day begins at 23:00 or 22:00 UTC.
async fn decided() -> Crm {
    let crm = Crm::set().await;
    crm.old(&[
        (
            "w1",
            "1000.10 EUR",
            "Won",
            "2025-03-21T22:30:00Z",
            "2025-03-31T22:30:00Z",
            "",
        ),
        (
            "w2",
            "200.20 EUR",
            "Won",
            "2025-03-11T21:59:59Z",
            "2025-03-31T21:59:59Z",
            "",
        ),
        (
            "l1",
            "50 EUR",
            "Lost",
            "2025-10-30T23:30:00Z",
            "2025-10-31T23:30:00Z",
            "",
        ),
        (
            "l2",
            "5 EUR",
            "Lost",
            "2025-10-28T22:30:00Z",
            "2025-10-31T22:30:00Z",
            "",
        ),
        (
            "gone",
            "9 EUR",
            "Won",
            "2025-03-01T00:00:00Z",
            "2025-03-31T12:00:00Z",
            "",
        ),
    ])
    .await;
    crm.operate("update deals set deleted_at = now() where title = 'gone'")
        .await;
    crm
}

/// A row of a forecast in a few words: the sums that are not zero.
fn sums(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| {
        let mut words = vec![format!("{} {}", row["month"], row["currency"])];
        for name in ["open", "won", "lost", "slipped"] {
            if row[name]["count"] != json!(0) {
                words.push(format!("{name} {} {}", row[name]["count"], row[name]["value"]));
            }
        }
        words.push(format!("weighted {}", row["weighted"]));
        words.join(", ").replace('"', "")
    })
    .collect()
}

#[tokio::test]
async fn a_month_begins_and_ends_by_the_clocks_of_the_asker() {
    let crm = decided().await;
    let year = "forecast?from=2025-03-01&to=2025-11-30";
    assert_eq!(
        sums(&crm.report(&format!("{year}&time_zone=Europe/Berlin")).await),
        [
            "2025-03 EUR, won 1 200.2000, weighted 0.0000",
            "2025-04 EUR, won 1 1000.1000, weighted 0.0000",
            "2025-10 EUR, lost 1 5.0000, weighted 0.0000",
            "2025-11 EUR, lost 1 50.0000, weighted 0.0000",
        ]
    );
    let in_utc = [
        "2025-03 EUR, won 2 1200.3000, weighted 0.0000",
        "2025-10 EUR, lost 2 55.0000, weighted 0.0000",
    ];
    assert_eq!(sums(&crm.report(year).await), in_utc);
    let preferred = crm
        .ada
        .get(&format!("/crm/v1/reports/{year}"))
        .header("prefer", "timezone=Europe/Berlin");
    let preferred = preferred.await.expect_status(200).json();
    assert_eq!(
        (
            &preferred["time_zone"],
            preferred["rows"].as_array().map(Vec::len)
        ),
        (&json!("Europe/Berlin"), Some(4))
    );
    // The edges of the period too.
    let april = "forecast?from=2025-04-01&to=2025-04-30";
    assert_eq!(crm.report(april).await, json!([]));
    assert_eq!(
        crm.report(&format!("{april}&time_zone=Europe/Berlin"))
            .await
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_forecast_weighs_what_is_open_and_tells_what_has_slipped() {
    let crm = Crm::set().await;
    crm.old(&[
        ("a", "10000 EUR", "Proposal", "2025-01-01", "", "2099-01-31"),
        ("b", "300 EUR", "New", "2025-01-01", "", "2099-01-15"),
        ("c", "80 USD", "Negotiation", "2019-01-01", "", "2020-02-29"),
        ("d", "1 EUR", "New", "2025-01-01", "", ""),
    ])
    .await;
    crm.operate("update deals set probability = 33.33 where title = 'b'")
        .await;
    // 10000 by 50 % and 300 by 33.33 %; 80 by 75 %.
    let ahead = crm.report("forecast?from=2099-01-01&to=2099-01-31").await;
    assert_eq!(
        sums(&ahead),
        ["2099-01 EUR, open 2 10300.0000, weighted 5099.9900"]
    );
    let slipped = "2020-02 USD, open 1 80.0000, slipped 1 80.0000, weighted 60.0000";
    assert_eq!(
        sums(&crm.report("forecast?from=2020-02-01&to=2020-02-29").await),
        [slipped]
    );
    crm.operate(&format!(
        "update deals set owner_id = '{}' where title = 'a'",
        crm.ada.membership.id
    ))
    .await;
    let by_owner = crm
        .report("forecast?from=2099-01-01&to=2099-01-31&group=owner,pipeline")
        .await;
    assert_eq!(by_owner[0]["owner_id"], json!(crm.ada.membership.id.to_string()));
    assert_eq!(
        (&by_owner[0]["pipeline_id"], &by_owner[0]["month"]),
        (&json!(crm.pipeline), &Value::Null)
    );
    assert_eq!(
        (&by_owner[1]["owner_id"], &by_owner[1]["weighted"]),
        (&Value::Null, &json!("99.9900"))
    );
    let of_ada = format!(
        "forecast?from=2099-01-01&to=2099-01-31&owner_id={}",
        crm.ada.membership.id
    );
    assert_eq!(
        sums(&crm.report(&of_ada).await),
        ["2099-01 EUR, open 1 10000.0000, weighted 5000.0000"]
    );
    let elsewhere = format!(
        "forecast?from=2099-01-01&to=2099-01-31&pipeline_id={}",
        crm.stage("New")
    );
    assert_eq!(crm.report(&elsewhere).await, json!([]));
}

#[tokio::test]
async fn rates_have_their_sample_and_cycles_their_days() {
    let crm = decided().await;
    let rate = crm
        .report("win-rate?from=2025-03-01&to=2025-11-30&group=pipeline")
        .await;
    let expected = json!([{ "month": null, "owner_id": null, "pipeline_id": crm.pipeline, "sample": 4, "won": 2,
        "lost": 2, "win_rate": 0.5 }]);
    assert_eq!(rate, expected);
    let months = crm
        .report("win-rate?from=2025-03-01&to=2025-11-30&time_zone=Europe/Berlin")
        .await;
    assert_eq!(months.as_array().map(Vec::len), Some(4));
    assert_eq!(
        (&months[0]["win_rate"], &months[3]["win_rate"]),
        (&json!(1.0), &json!(0.0))
    );
    // Won after 10 and 20 days, lost after 1 and 3.
    let cycle = crm
        .report("cycle-time?from=2025-03-01&to=2025-11-30&group=pipeline")
        .await;
    let days = |row: &Value| {
        [
            &row["average_days"],
            &row["median_days"],
            &row["ninetieth_percentile_days"],
        ]
        .map(Value::as_f64)
    };
    assert_eq!(
        (&cycle[0]["status"], &cycle[0]["sample"]),
        (&json!("won"), &json!(2))
    );
    assert_eq!(days(&cycle[0]), [Some(15.0), Some(15.0), Some(19.0)]);
    assert_eq!(
        (&cycle[1]["status"], days(&cycle[1])),
        (&json!("lost"), [Some(2.0), Some(2.0), Some(2.8)])
    );
    assert_eq!(
        crm.report("win-rate?from=2024-01-01&to=2024-12-31").await,
        json!([])
    );
}

#[tokio::test]
async fn a_funnel_follows_deals_through_the_stages() {
    let crm = Crm::set().await;
    crm.old(&[
        ("a", "1 EUR", "New", "2025-05-01", "", ""),
        ("b", "1 EUR", "New", "2025-05-02", "", ""),
        ("c", "1 EUR", "New", "2025-05-05", "", ""),
        ("d", "1 EUR", "New", "2025-05-06", "", ""),
        ("e", "1 EUR", "New", "2025-04-30", "", ""),
    ])
    .await;
    for (deal, stage, day) in [
        ("a", "Qualified", "2025-05-03"),
        ("a", "Won", "2025-05-10"),
        ("b", "Lost", "2025-05-05"),
        ("d", "Proposal", "2025-05-08"),
    ] {
        let sql = format!(
            "update deals set stage_id = s.id, stage_entered_at = '{day}', lost_reason = 'x' from stages s \
             where s.name = '{stage}' and title = '{deal}'"
        );
        crm.operate(&sql).await;
    }
    let rows = crm.report("funnel?from=2025-05-01&to=2025-05-31").await;
    let shown: Vec<String> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let names = [
                "stage",
                "sample",
                "advanced",
                "won",
                "lost",
                "still_here",
                "conversion",
                "won_rate",
                "median_days",
            ];
            names.map(|name| row[name].to_string().replace('"', "")).join(" ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "New 4 2 1 1 1 0.5 0.25 2.0",
            "Qualified 1 1 1 0 0 1.0 1.0 7.0",
            "Proposal 1 0 0 0 1 0.0 0.0 null",
            "Negotiation 0 0 0 0 0 null null null",
        ]
    );
    let unknown = format!("/crm/v1/reports/funnel?pipeline_id={}", crm.stage("New"));
    assert_eq!(crm.ada.get(&unknown).await.code(), "PGRST116");
}

#[tokio::test]
async fn activities_are_counted_by_the_clocks_of_the_asker() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    crm.operate(&format!(
        "insert into activities (type, subject, deal_id, due_at, completed_at) values
           ('call', 'a', '{deal}', '2025-06-09T10:00:00Z', '2025-06-10T10:00:00Z'),
           ('task', 'b', '{deal}', '2025-06-30T22:30:00Z', null),
           ('task', 'c', '{deal}', '2025-06-15T08:00:00Z', '2025-07-02T08:00:00Z')"
    ))
    .await;
    let june = "activities?from=2025-06-01&to=2025-06-30";
    let counts = |rows: &Value| -> Vec<String> {
        let rows = rows.as_array().expect("rows").iter();
        rows.map(|row| {
            ["type", "completed", "due", "open", "overdue"]
                .map(|name| row[name].to_string().replace('"', ""))
                .join(" ")
        })
        .collect()
    };
    assert_eq!(counts(&crm.report(june).await), ["call 1 1 0 0", "task 0 2 1 1"]);
    assert_eq!(
        counts(&crm.report(&format!("{june}&time_zone=Europe/Berlin")).await),
        ["call 1 1 0 0", "task 0 1 0 0"]
    );
    let by_day = crm.report(&format!("{june}&group=day")).await;
    let days: Vec<&str> = by_day
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["day"].as_str())
        .collect();
    assert_eq!(days, ["2025-06-09", "2025-06-10", "2025-06-15", "2025-06-30"]);
}

#[tokio::test]
async fn a_report_ends_with_the_time_that_a_statement_has() {
    let crm =
        Crm::of(Scene::with(|settings| settings.tenants.statement_timeout = Duration::from_secs(2)).await)
            .await;
    let mut owner = crm.app.db().as_owner().await;
    let schema = crm.acme.tenant.schema.to_string();
    let holder = owner.transaction().await.expect("a transaction");
    let lock = format!("lock table {schema}.deals in access exclusive mode");
    holder.batch_execute(&lock).await.expect("locked");
    let late = crm.ada.get("/crm/v1/reports/forecast").await.expect_status(503);
    assert_eq!(
        (late.code().as_str(), late.header("retry-after")),
        ("57014", Some("1"))
    );
    holder.rollback().await.expect("released");
    crm.ada.get("/crm/v1/reports/forecast").await.expect_status(200);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn reports_refuse_what_they_do_not_know() {
    let crm = Crm::set().await;
    for (target, expected) in [
        (
            "forecast?form=2025-01-01",
            "unknown_parameter Perhaps you meant 'from'",
        ),
        ("forecast?from=2025-1-1", "bad_parameter null"),
        ("forecast?from=2025-02-30", "bad_parameter null"),
        ("forecast?from=2025-02-01&to=2025-01-01", "bad_parameter null"),
        ("forecast?group=weeks", "bad_parameter null"),
        ("forecast?time_zone=Europe/Berln", "bad_parameter null"),
        ("win-rate?owner_id=me", "bad_parameter null"),
        ("cycle-time?pipeline_id=1", "bad_parameter null"),
        ("funnel?group=month", "unknown_parameter null"),
        ("activities?pipeline_id=1", "unknown_parameter null"),
        ("activities?group=type,type", "bad_parameter null"),
        ("forecast?from=%ff", "PGRST100 null"),
    ] {
        let answer = crm
            .ada
            .get(&format!("/crm/v1/reports/{target}"))
            .await
            .expect_status(400);
        assert_eq!(
            format!("{} {}", answer.code(), answer.field("hint")),
            expected,
            "{target}"
        );
    }
    let zone = crm
        .ada
        .get("/crm/v1/reports/forecast?time_zone=Europe/Berln")
        .await;
    assert!(
        zone.field("message").ends_with("perhaps you meant Europe/Berlin"),
        "{}",
        zone.text()
    );
    crm.ada.get("/crm/v1/reports/forcast").await.expect_status(404);
    crm.ada
        .post("/crm/v1/reports/forecast", &json!({}))
        .await
        .expect_status(405);
    // Without a period there is a usual one.
    for name in ["forecast", "win-rate", "cycle-time", "funnel", "activities"] {
        let answer = crm
            .ada
            .get(&format!("/crm/v1/reports/{name}"))
            .await
            .expect_status(200)
            .json();
        assert!(answer["from"].as_str() < answer["to"].as_str(), "{answer}");
    }
    let key = crm.acme.key(&["deals:read"]).await;
    key.get("/crm/v1/reports/forecast").await.expect_status(403);
    let globex = crm.app.tenant("globex").await.member("bob", Admin).await;
    let nothing = globex
        .get("/crm/v1/reports/forecast?from=2025-01-01&to=2025-12-31")
        .await;
    assert_eq!(nothing.expect_status(200).json()["rows"], json!([]));
    let workshop = Scene::workshop().await;
    workshop
        .ada
        .get("/crm/v1/reports/forecast")
        .await
        .expect_status(404);
}

#[tokio::test]
async fn a_period_is_bounded_also_where_one_end_is_said() {
    let crm = Crm::set().await;
    for report in ["funnel", "win-rate", "cycle-time", "activities"] {
        let path = format!("/crm/v1/reports/{report}");
        let told = crm.ada.get(&format!("{path}?from=1970-01-01")).await;
        let told = told.expect_status(400);
        assert_eq!(told.code(), "bad_parameter", "{report}");
        assert_eq!(told.json()["errors"][0]["field"], json!("from"));
        let ten_years = format!("{path}?from=1970-01-01&to=1980-01-08");
        crm.ada.get(&ten_years).await.expect_status(200);
        for odd in ["0001-01-01", "%2B99999-1-1", "-999-01-01", "9999-12-31"] {
            let told = crm.ada.get(&format!("{path}?from={odd}")).await;
            assert_eq!(
                (told.status(), told.code()),
                (400, "bad_parameter".to_owned()),
                "{odd}"
            );
        }
    }
    let path = "/crm/v1/reports/forecast";
    let bounded = format!("{path}?from=1970-01-01");
    crm.ada.get(&bounded).await.expect_status(200);
}
