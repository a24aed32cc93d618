//! What the lanes promise, without a database.

use uuid::Uuid;

use super::*;

fn lanes(lanes: usize, share: usize) -> Lanes {
    let config: PgConfig = "postgres://nobody@localhost/none".parse().expect("a URL");
    let wait = Duration::from_secs(5);
    Lanes::new(
        config,
        LaneSettings {
            lanes,
            share,
            wait,
            ..LaneSettings::default()
        },
    )
}

fn schemas() -> impl Iterator<Item = SchemaName> {
    (0..).map(|id| SchemaName::from_opaque(Uuid::from_u128(id)))
}

/// The n-th tenant that prefers these lanes, in this order.
fn tenant(preferred: &[usize], n_lanes: usize, n: usize) -> SchemaName {
    schemas()
        .filter(|schema| preference(schema, n_lanes).starts_with(preferred))
        .nth(n)
        .expect("there are enough")
}

fn wait(lanes: &Lanes, tenant: &SchemaName) -> oneshot::Receiver<Seat> {
    lock(&lanes.state)
        .take(tenant)
        .expect_err("nothing is free for it")
}

fn free(lanes: &Lanes) -> Vec<bool> {
    lock(&lanes.state)
        .lanes
        .iter()
        .map(|slot| matches!(slot, Slot::Free(_)))
        .collect()
}

async fn enter(lanes: &Lanes, tenant: &SchemaName) -> Seat {
    lanes.enter(tenant).await.expect("a lane is free")
}

#[test]
fn tenants_spread_evenly_over_lanes() {
    let (mut first, mut second) = ([0; 4], [0; 4]);
    for schema in schemas().take(4_000) {
        let order = preference(&schema, 4);
        first[order[0]] += 1;
        second[order[1]] += 1;
    }
    for counts in [first, second] {
        assert!(counts.iter().all(|n| (900..=1_100).contains(n)), "{counts:?}");
    }
}

#[test]
fn one_more_lane_moves_only_the_tenants_that_go_to_it() {
    for schema in schemas().take(1_000) {
        let (before, mut after) = (preference(&schema, 4), preference(&schema, 5));
        after.retain(|lane| *lane != 4);
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn a_request_waits_for_its_first_lane_until_many_do_and_then_the_second_helps() {
    let lanes = lanes(3, 3);
    let quiet: Vec<_> = (0..5).map(|n| tenant(&[0, 1], 3, n)).collect();
    let held = enter(&lanes, &quiet[0]).await;
    let first = wait(&lanes, &quiet[1]);
    let second = wait(&lanes, &quiet[2]);
    assert_eq!(free(&lanes), [false, true, true], "cold lanes are left alone");
    let helped = enter(&lanes, &quiet[3]).await;
    assert_eq!(helped.lane, 1);
    let third = wait(&lanes, &quiet[4]);
    assert_eq!(free(&lanes), [false, false, true], "a third lane never helps");
    drop(helped);
    let first = first.await.expect("who came first is helped first");
    assert_eq!(first.lane, 1);
    drop(held);
    assert_eq!(second.await.expect("handed over").lane, 0);
    assert_eq!(third.await.expect("handed over").lane, 0);
}

#[tokio::test]
async fn a_busy_tenant_spreads_over_as_many_lanes_as_it_has_requests() {
    let lanes = lanes(4, 4);
    let acme = tenant(&[3, 1, 0, 2], 4, 0);
    let mut seats = Vec::new();
    for lane in [3, 1, 0, 2] {
        seats.push(enter(&lanes, &acme).await);
        assert_eq!(seats.last().map(|seat| seat.lane), Some(lane));
    }
}

#[tokio::test]
async fn a_freed_lane_goes_to_those_who_prefer_it_and_to_strangers_only_after_a_while() {
    let lanes = lanes(3, 3);
    let (zero_one, one_two) = (tenant(&[0, 1], 3, 0), tenant(&[1, 2], 3, 0));
    let seats = [
        enter(&lanes, &zero_one).await,
        enter(&lanes, &one_two).await,
        enter(&lanes, &one_two).await,
    ];
    assert_eq!(free(&lanes), [false; 3]);
    let other = tenant(&[1, 2], 3, 1);
    let stranger = lanes.enter(&other);
    tokio::pin!(stranger);
    assert!(futures_util::poll!(&mut stranger).is_pending());
    let [zero, one, two] = seats;
    drop(zero);
    assert_eq!(
        free(&lanes),
        [true, false, false],
        "not for one who has just come"
    );
    let spilled = stranger.await.expect("any lane, after a while");
    assert_eq!(spilled.lane, 0);
    drop((spilled, one, two));
    assert_eq!(free(&lanes), [true; 3]);
    assert!(
        lock(&lanes.state).tenants.is_empty(),
        "who neither holds nor waits is forgotten"
    );
}

#[tokio::test]
async fn a_tenant_holds_no_more_than_its_share() {
    let lanes = lanes(4, 2);
    let greedy = tenant(&[0, 1], 4, 0);
    let first = enter(&lanes, &greedy).await;
    let _second = enter(&lanes, &greedy).await;
    let third = wait(&lanes, &greedy);
    assert_eq!(free(&lanes), [false, false, true, true], "others find these");
    enter(&lanes, &tenant(&[2], 4, 0)).await;
    drop(first);
    third.await.expect("its own lane is handed on");
}

#[tokio::test]
async fn among_those_who_wait_the_one_who_holds_least_comes_first() {
    let lanes = lanes(2, 2);
    let (greedy, modest) = (tenant(&[0], 2, 0), tenant(&[0], 2, 1));
    let first = enter(&lanes, &greedy).await;
    let _second = enter(&lanes, &greedy).await;
    let _again = wait(&lanes, &greedy);
    let newcomer = wait(&lanes, &modest);
    drop(first);
    assert_eq!(newcomer.await.expect("handed over").tenant, modest);
}

#[tokio::test]
async fn a_request_that_gave_up_costs_no_lane() {
    let lanes = lanes(1, 1);
    let acme = tenant(&[0], 1, 0);
    let held = enter(&lanes, &acme).await;
    drop(wait(&lanes, &acme));
    let after = wait(&lanes, &acme);
    drop(held);
    drop(after);
    assert_eq!(
        free(&lanes),
        [true],
        "dropped before and after the hand-over: it is free again"
    );
    assert!(lock(&lanes.state).tenants.is_empty());
}
