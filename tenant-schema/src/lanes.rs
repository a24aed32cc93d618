//! Lanes: which connection serves which tenant.
//!
//! A backend remembers every tenant it ever served (catalog caches, plans, role memberships), so N connections that
//! each see the whole fleet cost N times its memory, and a tenant whose plans are cold is slow. The connections are
//! therefore divided into a few *lanes*, and every tenant has a home lane by rendezvous hashing (Thaler and
//! Ravishankar, 1998): adding a lane moves only the tenants that go to it.
//!
//! A request takes a connection of its home lane. When home is full it waits there, since a few microseconds of
//! waiting cost less than a cold backend; only a lane whose queue is long, or a request that has waited a while, is
//! helped by another: the request *spills* to a lane that idles, or a connection that becomes free *steals* it.
//!
//! One tenant must not starve the others, however slow its statements are: it holds at most its *share* of all
//! connections, among those who wait the tenant with the fewest connections comes first, and a request that has
//! waited longer than [`PATIENCE`] is served next, wherever its home is.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::pg::pool::Pool;
use catalog::schema_name::SchemaName;
use tokio::sync::oneshot;

/// How long a request waits before its age counts for more than the warmth of a connection.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a request waits at home before another lane may serve it.
const SPILL_AFTER: Duration = Duration::from_millis(5);

/// How many requests per connection of a lane wait before others help at once.
const BACKLOG: usize = 2;

/// The lanes and who waits for them.
#[derive(Debug)]
pub(crate) struct Lanes {
    pools: Vec<Pool>,
    wait: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Free connections by lane.
    free: Vec<usize>,
    /// Requests that wait, by home lane.
    queued: Vec<usize>,
    /// The length of a queue from which on other lanes help.
    backlog: usize,
    /// The most connections one tenant may hold.
    share: usize,
    /// The tenants that hold a connection or wait for one.
    tenants: HashMap<SchemaName, Tenant>,
}

#[derive(Debug)]
struct Tenant {
    home: usize,
    held: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    hand_over: oneshot::Sender<Permit>,
}

/// The right to one connection of one lane, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    lane: usize,
    tenant: SchemaName,
    /// `None` once the right was taken back by other means.
    state: Option<Arc<Mutex<State>>>,
}

/// No connection became free in time.
#[derive(Debug)]
pub(crate) struct NoneFree;

impl Lanes {
    /// One lane per pool, each with `size` connections, of all of which one tenant may hold `share`; a request waits
    /// at most `wait`.
    pub(crate) fn new(pools: Vec<Pool>, size: usize, share: usize, wait: Duration) -> Self {
        let state = State {
            free: vec![size; pools.len()],
            queued: vec![0; pools.len()],
            backlog: BACKLOG * size,
            share: share.max(1),
            tenants: HashMap::new(),
        };
        Self {
            pools,
            wait,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A permit for a tenant, at home if possible, and the pool it is for.
    pub(crate) async fn enter(&self, tenant: &SchemaName) -> Result<(Permit, &Pool), NoneFree> {
        let taken = lock(&self.state).take(tenant);
        let mut waiting = match taken {
            Ok(lane) => return Ok(self.admit(lane, tenant)),
            Err(waiting) => waiting,
        };
        if let Ok(handed) = tokio::time::timeout(SPILL_AFTER, &mut waiting).await {
            return self.received(handed.ok());
        }
        let spilled = lock(&self.state).spill(tenant);
        if let Some(lane) = spilled {
            return Ok(self.admit(lane, tenant));
        }
        let handed = tokio::time::timeout(self.wait, waiting).await;
        self.received(handed.ok().and_then(Result::ok))
    }

    fn admit(&self, lane: usize, tenant: &SchemaName) -> (Permit, &Pool) {
        let permit = Permit {
            lane,
            tenant: tenant.clone(),
            state: Some(Arc::clone(&self.state)),
        };
        (permit, &self.pools[lane])
    }

    fn received(&self, permit: Option<Permit>) -> Result<(Permit, &Pool), NoneFree> {
        let permit = permit.ok_or(NoneFree)?;
        let pool = &self.pools[permit.lane];
        Ok((permit, pool))
    }

    /// Closes every pool.
    pub(crate) fn close(&self) {
        self.pools.iter().for_each(Pool::close);
    }
}

impl State {
    /// A free connection at home, or elsewhere if many wait at home; else a place among those who wait.
    fn take(&mut self, name: &SchemaName) -> Result<usize, oneshot::Receiver<Permit>> {
        let home = self.tenant(name).home;
        let elsewhere = self.queued[home] >= self.backlog;
        if (self.free[home] > 0 || elsewhere)
            && let Some(lane) = self.spill(name)
        {
            return Ok(lane);
        }
        let (hand_over, receiver) = oneshot::channel();
        self.queued[home] += 1;
        self.tenant(name).waiting.push_back(Waiting {
            since: Instant::now(),
            hand_over,
        });
        Err(receiver)
    }

    /// A free connection at home, else in any lane, if the tenant may hold one more.
    fn spill(&mut self, name: &SchemaName) -> Option<usize> {
        let (n_lanes, share) = (self.free.len(), self.share);
        let tenant = self.tenant(name);
        let (home, held) = (tenant.home, tenant.held);
        let lane = (0..n_lanes)
            .map(|step| (home + step) % n_lanes)
            .find(|&lane| self.free[lane] > 0)?;
        if held >= share {
            return None;
        }
        self.free[lane] -= 1;
        self.tenant(name).held += 1;
        Some(lane)
    }

    fn tenant(&mut self, name: &SchemaName) -> &mut Tenant {
        let n_lanes = self.free.len();
        self.tenants.entry(name.clone()).or_insert_with(|| Tenant {
            home: home(name, n_lanes),
            held: 0,
            waiting: VecDeque::new(),
        })
    }

    /// Takes a connection back from a tenant.
    fn give_back(&mut self, name: &SchemaName) {
        if let Some(tenant) = self.tenants.get_mut(name) {
            tenant.held -= 1;
            if tenant.held == 0 && tenant.waiting.is_empty() {
                self.tenants.remove(name);
            }
        }
    }

    /// Who gets a connection of this lane that became free; it counts as theirs already.
    fn next(&mut self, lane: usize) -> Option<(SchemaName, Waiting)> {
        let now = Instant::now();
        let eligible = self
            .tenants
            .iter_mut()
            .filter(|(_, tenant)| tenant.held < self.share);
        let candidates = eligible.filter_map(|(name, tenant)| {
            let since = tenant.waiting.front()?.since;
            let age = now.duration_since(since);
            let impatient = age > PATIENCE;
            let stranger = tenant.home != lane;
            if stranger && age <= SPILL_AFTER && self.queued[tenant.home] <= self.backlog {
                return None;
            }
            // In this order: who waited too long, by age; who is at home here; who holds least; age.
            let rank = if impatient {
                (0, 0, since)
            } else {
                (1 + usize::from(stranger), tenant.held, since)
            };
            Some((rank, name, tenant))
        });
        let (_, name, tenant) = candidates.min_by_key(|(rank, _, _)| *rank)?;
        let waiting = tenant.waiting.pop_front()?;
        self.queued[tenant.home] -= 1;
        tenant.held += 1;
        Some((name.clone(), waiting))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(shared) = self.state.take() else { return };
        let mut state = lock(&shared);
        state.give_back(&self.tenant);
        while let Some((tenant, waiting)) = state.next(self.lane) {
            drop(state);
            let permit = Self {
                lane: self.lane,
                tenant,
                state: Some(Arc::clone(&shared)),
            };
            let Err(mut unwanted) = waiting.hand_over.send(permit) else {
                return;
            };
            // That request gave up while it waited: take the permit back by hand and ask the next.
            unwanted.state = None;
            state = lock(&shared);
            state.give_back(&unwanted.tenant);
        }
        state.free[self.lane] += 1;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it is held, and the counts would still be true if something did.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn home(schema: &SchemaName, n_lanes: usize) -> usize {
    let score = |lane: &usize| {
        let mut hasher = DefaultHasher::new();
        (schema.as_str(), lane).hash(&mut hasher);
        hasher.finish()
    };
    (0..n_lanes).max_by_key(score).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use catalog::pg::pool::PoolSettings;
    use uuid::Uuid;

    use super::*;

    fn lanes(n_lanes: usize, size: usize, share: usize) -> Lanes {
        let config: catalog::pg::config::PgConfig =
            "postgres://nobody@localhost/none".parse().expect("a URL");
        let pools = (0..n_lanes)
            .map(|_| Pool::new(config.clone(), PoolSettings::default()))
            .collect();
        Lanes::new(pools, size, share, Duration::from_secs(5))
    }

    /// The n-th tenant whose home is this lane.
    fn tenant(lane: usize, n_lanes: usize, n: usize) -> SchemaName {
        let all = (0..1_000).map(|id| SchemaName::from_opaque(Uuid::from_u128(id)));
        all.filter(|schema| home(schema, n_lanes) == lane)
            .nth(n)
            .expect("there are enough")
    }

    fn wait(lanes: &Lanes, tenant: &SchemaName) -> oneshot::Receiver<Permit> {
        lock(&lanes.state)
            .take(tenant)
            .expect_err("nothing is free for it")
    }

    #[test]
    fn tenants_spread_evenly_over_lanes() {
        let mut counts = [0; 4];
        for n in 0..4_000 {
            counts[home(&SchemaName::from_opaque(Uuid::from_u128(n)), 4)] += 1;
        }
        assert!(counts.iter().all(|n| (900..=1_100).contains(n)), "{counts:?}");
    }

    #[test]
    fn one_more_lane_moves_only_the_tenants_that_go_to_it() {
        for n in 0..1_000 {
            let schema = SchemaName::from_opaque(Uuid::from_u128(n));
            let (before, after) = (home(&schema, 4), home(&schema, 5));
            assert!(before == after || after == 4);
        }
    }

    #[tokio::test]
    async fn home_first_then_a_lane_that_idles() {
        let lanes = lanes(2, 1, 2);
        let acme = tenant(1, 2, 0);
        let (first, _) = lanes.enter(&acme).await.expect("home is free");
        let (second, _) = lanes.enter(&acme).await.expect("the other lane is free");
        assert_eq!((first.lane, second.lane), (1, 0));
    }

    #[tokio::test]
    async fn a_freed_connection_goes_to_its_own_lane_first_and_then_to_others() {
        let lanes = lanes(2, 1, 2);
        let (zero, one) = (tenant(0, 2, 0), tenant(1, 2, 0));
        let (held_zero, _) = lanes.enter(&zero).await.expect("free");
        let (held_one, _) = lanes.enter(&one).await.expect("free");
        let stranger = wait(&lanes, &tenant(1, 2, 1));
        let own = wait(&lanes, &tenant(0, 2, 1));
        drop(held_zero);
        let own = own.await.expect("handed over, though it came later");
        assert_eq!(own.lane, 0);
        drop(own);
        assert_eq!(
            lock(&lanes.state).free,
            [1, 0],
            "one who has just come is left to its warm lane"
        );
        drop(held_one);
        assert_eq!(stranger.await.expect("handed over").lane, 1);
        assert_eq!(lock(&lanes.state).free, [1, 1]);
        assert!(
            lock(&lanes.state).tenants.is_empty(),
            "who neither holds nor waits is forgotten"
        );
    }

    #[tokio::test]
    async fn a_lane_with_a_long_queue_is_helped() {
        let lanes = lanes(2, 1, 2);
        let (zero, one) = (tenant(0, 2, 0), tenant(1, 2, 0));
        let (held_zero, _) = lanes.enter(&zero).await.expect("free");
        let (_held_one, _) = lanes.enter(&one).await.expect("free");
        let first = wait(&lanes, &tenant(1, 2, 1));
        let _others = [wait(&lanes, &tenant(1, 2, 2)), wait(&lanes, &tenant(1, 2, 3))];
        drop(held_zero);
        assert_eq!(first.await.expect("stolen").lane, 0);
    }

    #[tokio::test]
    async fn a_tenant_holds_no_more_than_its_share() {
        let lanes = lanes(2, 2, 2);
        let greedy = tenant(0, 2, 0);
        let (first, _) = lanes.enter(&greedy).await.expect("free");
        let (_second, _) = lanes.enter(&greedy).await.expect("free");
        let third = wait(&lanes, &greedy);
        assert_eq!(lock(&lanes.state).free, [0, 2], "others find these");
        lanes
            .enter(&tenant(0, 2, 1))
            .await
            .expect("another tenant is served at once");
        drop(first);
        third.await.expect("its own connection is handed on");
    }

    #[tokio::test]
    async fn among_those_who_wait_the_one_who_holds_least_comes_first() {
        let lanes = lanes(1, 2, 2);
        let (greedy, modest) = (tenant(0, 1, 0), tenant(0, 1, 1));
        let (first, _) = lanes.enter(&greedy).await.expect("free");
        let (_second, _) = lanes.enter(&greedy).await.expect("free");
        let _again = wait(&lanes, &greedy);
        let newcomer = wait(&lanes, &modest);
        drop(first);
        assert_eq!(newcomer.await.expect("handed over").tenant, modest);
    }

    #[tokio::test]
    async fn a_request_that_gave_up_costs_no_connection() {
        let lanes = lanes(1, 1, 1);
        let acme = tenant(0, 1, 0);
        let (held, _) = lanes.enter(&acme).await.expect("free");
        drop(wait(&lanes, &acme));
        let after = wait(&lanes, &acme);
        drop(held);
        drop(after);
        assert_eq!(
            lock(&lanes.state).free,
            [1],
            "dropped before and after the hand-over: it is free again"
        );
        assert!(lock(&lanes.state).tenants.is_empty());
    }
}
