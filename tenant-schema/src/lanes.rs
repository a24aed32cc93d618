//! Lanes: which connection serves which tenant.
//!
//! A backend remembers every tenant it ever served (catalog caches, plans, role memberships), so N connections that
//! each see the whole fleet cost N times its memory, and a tenant whose plans are cold is slow: the first statement takes
//! some hundred times as long as the hundredth. So every tenant has an order of preference among the connections, its
//! *lanes*, by rendezvous hashing (Thaler and Ravishankar, 1998): one lane more moves only the tenants that go to it. A
//! tenant uses as many of them as it has requests in flight: a quiet tenant stays warm on one connection, a busy one
//! spreads over all. Only where the queue of the first lane is long, the second helps (two choices are enough to even out
//! queues), and a request that has waited for a while, since its lanes are held by slow statements, is served by any
//! lane that is free.
//!
//! One tenant must not starve the others, however slow its statements are: it holds at most its *share* of all
//! lanes, among those who wait the tenant with the fewest comes first, and requests that have waited longer than
//! [`PATIENCE`] come before all others, whatever their lanes are. A request that was given up goes on holding its lane until
//! the server has let go of it.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::pg::config::PgConfig;
use catalog::pg::flight::FlightConnection;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a request waits before its age counts for more than the warmth of a connection.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a request waits for its own lanes before any other may serve it.
const SPILL_AFTER: Duration = Duration::from_millis(5);

/// How many requests wait for a lane before the second choice helps.
const BACKLOG: usize = 2;

/// How many lanes, what each may remember, and every bound on waiting.
#[derive(Debug, Clone)]
pub struct LaneSettings {
    /// The number of lanes, each of one connection.
    pub lanes: usize,
    /// The most lanes one tenant may hold at once: what the others can count on is the rest.
    pub share: usize,
    /// How long a request waits for a lane.
    pub wait: Duration,
    /// How long connecting may take, authentication included.
    pub connect: Duration,
    /// How long a connection may take to answer what an abandoned request left on it before it is closed.
    pub settle: Duration,
    /// The most prepared statements a connection keeps; the least recently used goes first.
    pub statements: NonZeroUsize,
    /// The most distinct tenants a connection serves before it is replaced: a backend's caches grow by about half a
    /// megabyte with every tenant it touches and never shrink.
    pub tenants: usize,
    /// The least age at which a connection is replaced for that reason: a new backend begins with cold caches, so a
    /// fleet that is larger than `tenants` must not replace its connections all the time.
    pub youth: Duration,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            lanes: 8,
            share: 6,
            wait: Duration::from_secs(3),
            connect: Duration::from_secs(5),
            settle: Duration::from_secs(2),
            statements: NonZeroUsize::new(1024).expect("1024 is not zero"),
            tenants: 500,
            youth: Duration::from_mins(1),
        }
    }
}

/// The lanes and who waits for them.
#[derive(Debug)]
pub(crate) struct Lanes {
    config: PgConfig,
    settings: LaneSettings,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    lanes: Vec<Slot>,
    /// How many requests wait for each lane as their first choice.
    queued: Vec<usize>,
    /// The most lanes one tenant may hold.
    share: usize,
    /// The tenants that hold a lane or wait for one.
    tenants: HashMap<SchemaName, Tenant>,
}

/// A lane that nobody holds, with its connection if it has one, or one that somebody holds.
#[derive(Debug)]
enum Slot {
    Free(Option<Box<FlightConnection>>),
    Taken,
}

#[derive(Debug)]
struct Tenant {
    /// All lanes, the preferred ones first.
    order: Vec<usize>,
    held: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    hand_over: oneshot::Sender<Seat>,
}

/// The right to one lane, given back when dropped, its connection with it.
#[derive(Debug)]
pub(crate) struct Seat {
    lane: usize,
    tenant: SchemaName,
    connection: Option<Box<FlightConnection>>,
    /// How long the connection may take to settle.
    patience: Duration,
    /// `None` once the right was taken back by other means.
    state: Option<Arc<Mutex<State>>>,
}

/// No lane became free in time.
#[derive(Debug)]
pub(crate) struct NoneFree;

impl Lanes {
    /// Lanes to this database; connections are made when first needed.
    pub(crate) fn new(config: PgConfig, settings: LaneSettings) -> Self {
        let state = State {
            lanes: (0..settings.lanes.max(1)).map(|_| Slot::Free(None)).collect(),
            queued: vec![0; settings.lanes.max(1)],
            share: settings.share.max(1),
            tenants: HashMap::new(),
        };
        Self {
            config,
            settings,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A seat for a tenant, in one of its lanes if possible.
    pub(crate) async fn enter(&self, tenant: &SchemaName) -> Result<Seat, NoneFree> {
        let taken = lock(&self.state).take(tenant);
        let mut waiting = match taken {
            Ok((lane, connection)) => return Ok(self.seat(lane, tenant, connection)),
            Err(waiting) => waiting,
        };
        let last = Instant::now() + self.settings.wait;
        let mut again = SPILL_AFTER;
        loop {
            if let Ok(handed) = timeout(again, &mut waiting).await {
                return handed.map_err(|_| NoneFree);
            }
            // Lanes may be free that were not this tenant's, or that it could not have for its share.
            let spilled = lock(&self.state).spill(tenant);
            if let Some((lane, connection)) = spilled {
                return Ok(self.seat(lane, tenant, connection));
            }
            if Instant::now() >= last {
                return Err(NoneFree);
            }
            again = PATIENCE;
        }
    }

    /// The connection of a seat, ready for a flight in this scope: the one it has, or a new one.
    pub(crate) async fn ready<'a>(
        &self,
        seat: &'a mut Seat,
        scope: &Arc<str>,
    ) -> Result<&'a mut FlightConnection, PgError> {
        if let Some(connection) = &seat.connection
            && connection.served() > self.settings.tenants
            && connection.age() >= self.settings.youth
        {
            tracing::debug!(lane = seat.lane, "a connection has served its share of tenants");
            seat.connection = None;
        }
        seat.settle().await;
        let connection = match &mut seat.connection {
            Some(connection) => connection,
            none => {
                // Rare and large: boxed, so that no request carries the whole of connecting in its own future.
                let connect: BoxFuture<'_, _> =
                    Box::pin(FlightConnection::connect(&self.config, self.settings.statements));
                let made = timeout(self.settings.connect, connect).await.map_err(|_| {
                    PgError::Unavailable("the server did not accept a connection in time".into())
                })?;
                none.insert(Box::new(made?))
            }
        };
        connection.serve(scope);
        Ok(connection)
    }

    fn seat(&self, lane: usize, tenant: &SchemaName, connection: Option<Box<FlightConnection>>) -> Seat {
        Seat {
            lane,
            tenant: tenant.clone(),
            connection,
            patience: self.settings.settle,
            state: Some(Arc::clone(&self.state)),
        }
    }
}

/// A lane that was taken, and its connection.
type Taken = (usize, Option<Box<FlightConnection>>);

impl State {
    /// A free lane of the tenant's own; else a place among those who wait.
    fn take(&mut self, name: &SchemaName) -> Result<Taken, oneshot::Receiver<Seat>> {
        let tenant = self.tenant(name);
        let (home, in_flight) = (tenant.order[0], tenant.held + tenant.waiting.len() + 1);
        let choices = choices(in_flight, self.queued[home]);
        if let Some(taken) = self.take_of(name, choices) {
            return Ok(taken);
        }
        let (hand_over, receiver) = oneshot::channel();
        self.queued[home] += 1;
        self.tenant(name).waiting.push_back(Waiting {
            since: Instant::now(),
            hand_over,
        });
        Err(receiver)
    }

    /// Any free lane.
    fn spill(&mut self, name: &SchemaName) -> Option<Taken> {
        self.take_of(name, usize::MAX)
    }

    /// The first that is free of so many lanes that a tenant prefers, if it may hold one more.
    fn take_of(&mut self, name: &SchemaName, choices: usize) -> Option<Taken> {
        let share = self.share;
        let tenant = self.tenants.get_mut(name)?;
        if tenant.held >= share {
            return None;
        }
        let is_free = |lane: &&usize| matches!(self.lanes[**lane], Slot::Free(_));
        let lane = *tenant.order.iter().take(choices).find(is_free)?;
        let Slot::Free(connection) = std::mem::replace(&mut self.lanes[lane], Slot::Taken) else {
            return None;
        };
        tenant.held += 1;
        Some((lane, connection))
    }

    fn tenant(&mut self, name: &SchemaName) -> &mut Tenant {
        let n_lanes = self.lanes.len();
        self.tenants.entry(name.clone()).or_insert_with(|| Tenant {
            order: preference(name, n_lanes),
            held: 0,
            waiting: VecDeque::new(),
        })
    }

    /// Takes a lane back from a tenant.
    fn give_back(&mut self, name: &SchemaName) {
        if let Some(tenant) = self.tenants.get_mut(name) {
            tenant.held -= 1;
            if tenant.held == 0 && tenant.waiting.is_empty() {
                self.tenants.remove(name);
            }
        }
    }

    /// Who gets a lane that became free; it counts as theirs already.
    fn next(&mut self, lane: usize) -> Option<(SchemaName, Waiting)> {
        let now = Instant::now();
        let eligible = self
            .tenants
            .iter_mut()
            .filter(|(_, tenant)| tenant.held < self.share);
        let candidates = eligible.filter_map(|(name, tenant)| {
            let since = tenant.waiting.front()?.since;
            let age = now.duration_since(since);
            let queued = self.queued[tenant.order[0]];
            let choices = choices(tenant.held + tenant.waiting.len(), queued);
            let place = tenant.order.iter().position(|own| *own == lane)?;
            // In this order: who waited too long; whose first choice this lane is; whose further choice; anybody;
            // among these who holds least, and who waits longest.
            let rank = if age > PATIENCE {
                (0, tenant.held, since)
            } else if place < choices {
                (1 + place.min(1), tenant.held, since)
            } else if age > SPILL_AFTER {
                (3, tenant.held, since)
            } else {
                return None;
            };
            Some((rank, name, tenant))
        });
        let (_, name, tenant) = candidates.min_by_key(|(rank, _, _)| *rank)?;
        let waiting = tenant.waiting.pop_front()?;
        tenant.held += 1;
        self.queued[tenant.order[0]] -= 1;
        Some((name.clone(), waiting))
    }
}

/// How many of its lanes a tenant may use, by its own requests in flight and the queue of its first choice.
fn choices(in_flight: usize, queued: usize) -> usize {
    let helped = if queued >= BACKLOG { 2 } else { 1 };
    in_flight.max(helped)
}

impl Seat {
    /// Makes the connection ready for its next flight, or closes it.
    async fn settle(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        match timeout(self.patience, connection.settle()).await {
            Ok(Ok(())) => self.connection = Some(connection),
            Ok(Err(error)) => {
                tracing::debug!(
                    lane = self.lane,
                    error = error.explain(),
                    "a connection is closed"
                );
            }
            Err(_) => tracing::debug!(lane = self.lane, "a connection did not settle in time"),
        }
    }
}

impl Drop for Seat {
    /// Gives the lane to the next who waits. A connection that owes the answer of an abandoned request is settled first,
    /// and its tenant goes on holding the lane meanwhile: giving up makes nobody's share greater, and what the request
    /// has locked is released soon.
    fn drop(&mut self) {
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.owes())
        {
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let connection = self.connection.take();
                let mut abandoned = Self {
                    lane: self.lane,
                    tenant: self.tenant.clone(),
                    connection: None,
                    patience: self.patience,
                    state: self.state.take(),
                };
                // The connection stands beside the seat: a runtime that is being shut down drops the task at once, and the
                // seat must then find nothing to settle, or it would spawn itself again without end.
                runtime.spawn(async move {
                    abandoned.connection = connection;
                    abandoned.settle().await;
                });
                return;
            }
            self.connection = None;
        }
        let Some(shared) = self.state.take() else { return };
        let mut connection = self.connection.take();
        let mut state = lock(&shared);
        state.give_back(&self.tenant);
        while let Some((tenant, waiting)) = state.next(self.lane) {
            drop(state);
            let seat = Self {
                lane: self.lane,
                tenant,
                connection,
                patience: self.patience,
                state: Some(Arc::clone(&shared)),
            };
            let Err(mut unwanted) = waiting.hand_over.send(seat) else {
                return;
            };
            // That request gave up while it waited: take the seat back by hand and ask the next.
            unwanted.state = None;
            connection = unwanted.connection.take();
            state = lock(&shared);
            state.give_back(&unwanted.tenant);
        }
        state.lanes[self.lane] = Slot::Free(connection);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it is held, and the counts would still be true if something did.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All lanes in a tenant's order of preference: by the score of a rendezvous hash, the highest first.
fn preference(schema: &SchemaName, n_lanes: usize) -> Vec<usize> {
    let mut hasher = DefaultHasher::new();
    schema.as_str().hash(&mut hasher);
    let hash = hasher.finish();
    let mut order: Vec<usize> = (0..n_lanes).collect();
    order.sort_unstable_by_key(|lane| std::cmp::Reverse(score(hash, *lane)));
    order
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014), which spreads a counter over all 64 bits.
fn score(hash: u64, lane: usize) -> u64 {
    let mut z = hash.wrapping_add((lane as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
