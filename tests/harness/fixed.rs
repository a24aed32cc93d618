//! A clock that stands still and randomness that repeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use catalog::clock::{Clock, Entropy};
use chrono::{DateTime, TimeDelta, Utc};

/// Shows the same instant until it is moved. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// A clock that shows this instant (PostgreSQL keeps microseconds, so does it).
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(instant.timestamp_micros())))
    }

    /// Moves it forward, or back by a negative step.
    pub fn advance(&self, step: TimeDelta) {
        let micros = step
            .num_microseconds()
            .expect("a test's steps are shorter than 292,000 years");
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Default for FixedClock {
    /// A Monday morning: 2026-01-05, nine o'clock.
    fn default() -> Self {
        Self::at(DateTime::from_timestamp_nanos(1_767_603_600_000_000_000))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::Relaxed)).expect("within chrono's range")
    }
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same bytes for the same seed. Fit for nothing but tests.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence that begins at this seed.
    pub fn new(seed: u64) -> Self {
        // Seeds are small and near each other; spread them, so that no sequence runs into its neighbour's.
        Self(AtomicU64::new(mix(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.copy_from_slice(&mix(state).to_le_bytes()[..chunk.len()]);
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use catalog::clock::Source;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_gives_others() {
        let ids = |seed| {
            let source = Source::new(FixedClock::default(), SeededEntropy::new(seed));
            [source.uuid(), source.uuid()]
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert_ne!(ids(1)[0], ids(1)[1]);
    }

    #[test]
    fn the_clock_moves_only_when_told() {
        let clock = FixedClock::default();
        assert_eq!(clock.now().to_rfc3339(), "2026-01-05T09:00:00+00:00");
        clock.clone().advance(TimeDelta::minutes(90));
        assert_eq!(clock.now().to_rfc3339(), "2026-01-05T10:30:00+00:00");
    }
}
