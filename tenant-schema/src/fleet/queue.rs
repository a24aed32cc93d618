//! What there is to do, as several jobs take it: tenants whose lock was not to be had come again later, and keep no job from
//! the others.

use std::collections::VecDeque;
use std::time::Duration;

use catalog::clock::Source;
use tokio::time::Instant;

/// The first pause before a tenant is tried again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Something to be tried, at a tenant.
#[derive(Debug)]
pub(super) struct Task<T> {
    pub(super) what: T,
    /// The how manieth attempt it is, counted from one.
    pub(super) attempt: u32,
}

/// What a job does next.
#[derive(Debug)]
pub(super) enum Next<T> {
    /// This, now.
    Now(Task<T>),
    /// Ask again then: there is none before.
    At(Instant),
    /// Nothing.
    Nothing,
}

/// What no job works on.
#[derive(Debug)]
pub(super) struct Queue<T> {
    fresh: VecDeque<Task<T>>,
    waiting: Vec<(Instant, Task<T>)>,
}

impl<T> Queue<T> {
    pub(super) fn of(all: Vec<T>) -> Self {
        let first = |what| Task { what, attempt: 1 };
        Self {
            fresh: all.into_iter().map(first).collect(),
            waiting: Vec::new(),
        }
    }

    /// Takes what was never tried, or else what first has its time.
    pub(super) fn take(&mut self) -> Next<T> {
        if let Some(task) = self.fresh.pop_front() {
            return Next::Now(task);
        }
        let soonest = (0..self.waiting.len()).min_by_key(|at| self.waiting[*at].0);
        match soonest {
            Some(at) if self.waiting[at].0 <= Instant::now() => Next::Now(self.waiting.swap_remove(at).1),
            Some(at) => Next::At(self.waiting[at].0),
            None => Next::Nothing,
        }
    }

    /// Puts something back, to be tried once more after this pause.
    pub(super) fn again(&mut self, what: T, attempt: u32, pause: Duration) {
        let attempt = attempt + 1;
        self.waiting
            .push((Instant::now() + pause, Task { what, attempt }));
    }
}

/// How long to wait after this attempt: exponential, and between half and all of it at random, so that jobs which lost
/// against each other do not meet again.
pub fn pause_after(attempt: u32, source: &Source) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let random = f64::from(u32::from_be_bytes(source.bytes())) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use catalog::clock::{Clock, Entropy};
    use chrono::{DateTime, Utc};

    use super::*;

    struct Fixed(u8);

    impl Clock for Fixed {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_are_random_by_half() {
        let pauses = |byte| {
            let source = Source::new(Fixed(byte), Fixed(byte));
            [1, 2, 3, 7, 100].map(|attempt| pause_after(attempt, &source).as_millis())
        };
        assert_eq!(pauses(0), [125, 250, 500, 5_000, 5_000]);
        assert_eq!(pauses(255), [250, 500, 1_000, 10_000, 10_000]);
    }
}
