//! A move whose connections are cut, on either side, after any message: one database serves the tenant, or it is known to be
//! in doubt, and the same move run again ends it.

use std::pin::pin;

use catalog::moves::MoveState;
use catalog::resolve::Resolution;
use tenant_schema::container::reference::References;
use tenant_schema::doctor::Kind;
use tests::Proxy;

use super::super::leftovers::{leftovers, tenant_roles};
use super::{Asked, Two, copied, relocate, resolution};
use crate::doctor::scan;

/// Where a tenant is after a move that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stands {
    /// It is served here, and nothing of it is there.
    Here,
    /// It is served by nobody until somebody asks, and has not arrived.
    Doubted,
    /// The same, and it has.
    Arrived,
    /// It is served there, and known to be.
    There,
}

/// Where it is, and that there is one truth about it.
pub(crate) async fn stands(two: &Two, slug: &str) -> Stands {
    let state = "select m.state from catalog.moves m join catalog.organizations o on o.id = m.organization_id where o.slug = $1";
    let row = two.here.as_superuser().await.query_opt(state, &[&slug]).await;
    let state: Option<MoveState> = row
        .expect("an answer")
        .map(|row| row.get::<_, &str>(0).parse().expect("a state"));
    let (here, there) = (
        resolution(&two.here, slug).await,
        resolution(&two.there, slug).await,
    );
    let is_served = |resolution: &Resolution| matches!(resolution, Resolution::Active(_));
    match (state, is_served(&here), is_served(&there)) {
        (None | Some(MoveState::Copying), true, false) => Stands::Here,
        (Some(MoveState::Doubt), false, false) => Stands::Doubted,
        (Some(MoveState::Doubt), false, true) => Stands::Arrived,
        (Some(MoveState::Moved), false, true) => Stands::There,
        other => panic!("{slug}: {other:?}, {here:?}, {there:?}"),
    }
}

/// Which connections are cut.
#[derive(Debug, Clone, Copy)]
enum Side {
    Here,
    There,
}

async fn cut_everywhere(side: Side) {
    let two = Two::small().await;
    // Made once: it is no part of a move.
    let references = [&two.here, &two.there].map(|t| References::of(t.template()));
    let asked = Asked {
        references: Some(&references),
        ..Asked::default()
    };
    let proxy: Proxy = match side {
        Side::Here => two.here.proxy().await,
        Side::There => two.there.proxy().await,
    };
    let ways = match side {
        Side::Here => (Some(&proxy), None),
        Side::There => (None, Some(&proxy)),
    };
    let mut moved = 0;
    let mut seen: Vec<(u64, Stands)> = Vec::new();
    let mut slug = made(&two, moved).await;
    copied(relocate(&two.here, &two.there, (None, None), &slug, asked).await);
    moved += 1;
    slug = made(&two, moved).await;
    let mut n = 0;
    loop {
        n += 1;
        let before = (leftovers(&two.there).await, tenant_roles(&two.there).await);
        proxy.cut_after(n);
        let outcome = relocate(&two.here, &two.there, ways, &slug, asked).await;
        let reached = proxy.tally().messages >= n;
        proxy.all_ended().await;
        let stands = stands(&two, &slug).await;
        if stands == Stands::Here {
            let after = (leftovers(&two.there).await, tenant_roles(&two.there).await);
            assert_eq!(after, before, "cut after message {n}");
        }
        is_told(&two, stands, outcome.is_ok(), n).await;
        if seen.last().is_none_or(|(_, last)| *last != stands) {
            seen.push((n, stands));
        }
        if stands != Stands::Here {
            let again = relocate(&two.here, &two.there, (None, None), &slug, Asked::default()).await;
            again.expect("it is finished, or done anew");
            assert_eq!(
                self::stands(&two, &slug).await,
                Stands::There,
                "cut after message {n}"
            );
            moved += 1;
            slug = made(&two, moved).await;
        }
        if !reached {
            break;
        }
    }
    assert!(n > 20, "only {n} messages");
    crate::doctor::assert_healthy(&two.here, "after all cuts").await;
    crate::doctor::assert_healthy(&two.there, "after all cuts").await;
    crate::tell(&format!(
        "a move cut {side:?} after each of {n} messages: {seen:?}"
    ));
}

/// A run that ends well has moved it; one that does not says so, and the doctor where it is in doubt.
async fn is_told(two: &Two, stands: Stands, is_done: bool, n: u64) {
    match (stands, is_done) {
        // What was lost is an answer only, and was asked for again by the same run.
        (Stands::There, true) | (Stands::Here, false) => {}
        (Stands::Doubted | Stands::Arrived, false) => {
            let found = scan(&two.here).await.findings;
            let is_named = found.iter().any(|finding| finding.kind == Kind::Moves);
            assert!(is_named, "{found:#?}");
        }
        other => panic!("cut after message {n}: {other:?}"),
    }
}

/// Another tenant, for every move that worked.
async fn made(two: &Two, n: usize) -> String {
    let slug = format!("ant-{n}");
    let tenant = two.here.tenant(&slug).await;
    let notes = format!(
        "insert into {}.notes (amount) select generate_series(1, 50)",
        tenant.schema
    );
    two.here
        .as_owner()
        .await
        .batch_execute(&notes)
        .await
        .expect("notes");
    slug
}

#[tokio::test]
async fn cut_here_after_any_message() {
    cut_everywhere(Side::Here).await;
}

#[tokio::test]
async fn cut_there_after_any_message() {
    cut_everywhere(Side::There).await;
}

/// Both databases are on the server that is killed.
#[tokio::test]
async fn postgresql_killed_in_the_middle_of_a_move_leaves_one_truth_and_it_is_run_again() {
    let two = Two::small().await;
    let references = [&two.here, &two.there].map(|t| References::of(t.template()));
    let asked = Asked {
        references: Some(&references),
        ..Asked::default()
    };
    let proxy = two.here.proxy().await;
    let slug = made(&two, 0).await;
    copied(relocate(&two.here, &two.there, (Some(&proxy), None), &slug, asked).await);
    let all = proxy.tally().messages;
    let mut seen = Vec::new();
    // Most of what can go wrong is at the end.
    for n in [all / 3, all / 2]
        .into_iter()
        .chain((2..all / 2).step_by(5).map(|back| all - back))
    {
        let slug = made(&two, usize::try_from(n).expect("a number")).await;
        let reached = proxy.hold_after(n);
        let mut moving = pin!(relocate(
            &two.here,
            &two.there,
            (Some(&proxy), None),
            &slug,
            asked
        ));
        let outcome = tokio::select! {
            reached = reached => {
                reached.expect("held");
                two.here.cluster().crash().await.expect("killed");
                moving.await
            }
            moved = &mut moving => moved,
        };
        two.here.cluster().recover().await.expect("it recovers");
        proxy.reset();
        let stands = stands(&two, &slug).await;
        is_told(&two, stands, outcome.is_ok(), n).await;
        seen.push((n, stands));
        if stands != Stands::There {
            let again = relocate(&two.here, &two.there, (None, None), &slug, Asked::default()).await;
            again.expect("it is finished, or done anew");
        }
        assert_eq!(
            self::stands(&two, &slug).await,
            Stands::There,
            "killed after message {n}"
        );
    }
    crate::doctor::assert_healthy(&two.here, "after all kills").await;
    crate::doctor::assert_healthy(&two.there, "after all kills").await;
    assert!(seen.iter().any(|(_, stands)| *stands == Stands::Here), "{seen:?}");
    assert!(seen.iter().any(|(_, stands)| *stands != Stands::Here), "{seen:?}");
    crate::tell(&format!(
        "PostgreSQL killed while a tenant was moved, after messages of {all}: {seen:?}"
    ));
}
