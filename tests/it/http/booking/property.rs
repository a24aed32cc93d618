//! Whatever the hours, buffers and appointments are: what is offered is free, can be booked, and is all there is.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::*;

/// A day of somebody's in zones that change their clocks on it or do not, and what fills it. All times are minutes.
#[derive(Debug, Clone)]
struct Day {
    zone: (&'static str, &'static str),
    /// From, and for how long.
    rules: Vec<(u32, u32)>,
    length: u32,
    step: u32,
    before: u32,
    after: u32,
    /// From midnight by the zone's clocks, and for how long.
    off: Option<(u32, u32)>,
    /// Which of the free slots is booked, one after the other, as parts of 256.
    picks: Vec<u8>,
}

/// Each is a Sunday on which a zone changes its clocks, but for the last.
const ZONES: [(&str, &str); 6] = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Santiago", "2026-09-06"),
    ("Asia/Kathmandu", "2026-02-01"),
];

fn day() -> impl Strategy<Value = Day> {
    // Rules that cannot overlap: each has a part of the day for itself, and fills it or not.
    let part = 1440 / 4;
    let rule = (0..part / 15, 1..=part / 15);
    let rules = prop::collection::vec(prop::option::of(rule), 4).prop_map(move |rules| {
        let of_day = rules
            .into_iter()
            .enumerate()
            .filter_map(|(at, rule)| Some((at, rule?)));
        let spans = of_day.map(|(at, (from, length))| {
            let begins = u32::try_from(at).expect("small") * part;
            let from = begins + from * 15;
            (from, (length * 15).min(begins + part - from))
        });
        spans.collect::<Vec<_>>()
    });
    let off = prop::option::of((0_u32..1440, 1_u32..300));
    let picks = prop::collection::vec(any::<u8>(), 0..5);
    (
        0..ZONES.len(),
        rules,
        1_u32..=24,
        1_u32..=12,
        0_u32..90,
        0_u32..90,
        off,
        picks,
    )
        .prop_map(|(zone, rules, length, step, before, after, off, picks)| Day {
            zone: ZONES[zone],
            rules,
            length: length * 5,
            step: step * 5,
            before,
            after,
            off,
            picks,
        })
}

fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl Day {
    /// Lays the day out in the shop's database, whatever was there before.
    async fn lay_out(&self, shop: &Shop) {
        let schema = &shop.scene.acme.tenant.schema;
        let (zone, day) = self.zone;
        let mut sql = format!(
            "set search_path = {}; delete from appointments; delete from time_off; delete from schedule_rules;
             update schedules set time_zone = '{zone}';
             update services set duration_minutes = {}, slot_step_minutes = {}, buffer_before_minutes = {},
                    buffer_after_minutes = {};",
            schema.search_path(), self.length, self.step, self.before, self.after
        );
        for (from, length) in &self.rules {
            let (from, to) = (clock(*from), clock(from + length));
            let _ = write!(
                sql,
                "insert into schedule_rules (schedule_id, weekday, start_local, end_local)
                 select id, 7, '{from}', '{to}' from schedules;"
            );
        }
        if let Some((from, length)) = self.off {
            let _ = write!(
                sql,
                "insert into time_off (staff_id, starts_at, ends_at)
                 select '{}', t.at, t.at + interval '{length} minutes'
                   from (select ('{day}'::timestamp + interval '{from} minutes') at time zone '{zone}' as at) t;",
                shop.ann
            );
        }
        let owner = shop.scene.app.db().as_superuser().await;
        owner.batch_execute(&sql).await.expect("the day is laid out");
    }

    /// How many of these beginnings the definition of a slot does not allow, minute by minute: hours begin and end at the first
    /// minute at which the clocks show their time or a later one, each minute of the slot is in some and outside time off,
    /// and nothing touches it, buffers included.
    async fn disallowed(&self, shop: &Shop, slots: &[String]) -> i64 {
        let schema = &shop.scene.acme.tenant.schema;
        let owner = shop.scene.app.db().as_superuser().await;
        let path = format!("set search_path = {}", schema.search_path());
        owner.batch_execute(&path).await.expect("a path");
        let first = |local: &str| {
            format!(
                "(select min(t) from generate_series('{0}Z'::timestamptz - interval '15 hours',
                                                     '{0}Z'::timestamptz + interval '40 hours', '1 minute') t
                   where t at time zone c.time_zone >= '{0}'::date + r.{local})",
                self.zone.1
            )
        };
        let sql = format!(
            "with hours as materialized (select {3} as opens, {4} as closes from schedule_rules r cross join schedules c)
             select count(*) from unnest($1::text[]) s (text) cross join lateral (select s.text::timestamptz as at) f
              where exists (select from generate_series(f.at, f.at + interval '{0} minutes' - interval '1 minute', '1 minute') m
                             where not exists (select from hours h where m >= h.opens and m < h.closes))
                 or exists (select from time_off o where o.starts_at < f.at + interval '{0} minutes' and o.ends_at > f.at)
                 or exists (select from appointments a
                             where a.status = 'scheduled'
                               and a.busy && tstzrange(f.at - interval '{1} minutes', f.at + interval '{2} minutes'))",
            self.length,
            self.before,
            self.length + self.after,
            first("start_local"),
            first("end_local"),
        );
        owner.query_one(&sql, &[&slots]).await.expect("an answer").get(0)
    }
}

#[test]
fn what_is_offered_is_free_and_can_be_booked() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (shop, contact) = runtime.block_on(async {
        let shop = Shop::open("UTC", json!({ "max_advance_days": 730 })).await;
        let contact = shop.contact().await;
        (shop, contact)
    });
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let check = |day: Day| {
        runtime.block_on(async {
            day.lay_out(&shop).await;
            let (zone, date) = day.zone;
            let query = format!("from={date}&to={date}&time_zone={zone}");
            let mut free = shop.free(&query).await;
            for pick in &day.picks {
                prop_assert_eq!(day.disallowed(&shop, &free).await, 0, "{:?}", &free);
                if free.is_empty() {
                    break;
                }
                let chosen = free[usize::from(*pick) * free.len() / 256].clone();
                let booked = shop.book(&chosen, &contact).await;
                prop_assert_eq!(booked.status(), 201, "{}: {}", chosen, booked.text());
                let left = shop.free(&query).await;
                prop_assert!(!left.contains(&chosen), "{} is still offered", chosen);
                prop_assert!(
                    left.iter().all(|slot| free.contains(slot)),
                    "a booking made something free"
                );
                // What was offered and is no more was in the way of the booking, and cannot be booked.
                let gone = free.iter().find(|slot| !left.contains(slot) && **slot != chosen);
                if let Some(gone) = gone {
                    prop_assert_eq!(shop.book(gone, &contact).await.code(), "slot_taken");
                }
                free = left;
            }
            Ok(())
        })
    };
    TestRunner::new(config)
        .run(&day(), check)
        .expect("it holds for all");
}
