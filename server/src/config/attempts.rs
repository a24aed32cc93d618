//! How often clients may try to prove who they are.

use std::num::NonZeroU32;
use std::time::Duration;

/// A token bucket: so many at once, then one more each time `refill` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: NonZeroU32,
    /// How long until one more; never zero.
    pub refill: Duration,
}

impl Rate {
    /// At least one at once and one a nanosecond: less would be no bucket.
    pub const fn new(burst: u32, refill: Duration) -> Self {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        let refill = if refill.is_zero() {
            Duration::from_nanos(1)
        } else {
            refill
        };
        Self { burst, refill }
    }

    /// As good as no limit.
    pub const UNLIMITED: Self = Self::new(1_000_000, Duration::from_nanos(1));
}

/// The buckets of one kind of attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptRates {
    /// One for each client's network: an IPv4 address, or the first 64 bits of an IPv6 address.
    pub by_client: Rate,
    /// One for each organization, whoever asks.
    pub by_organization: Rate,
}

impl AttemptRates {
    /// As good as no limit.
    pub const UNLIMITED: Self = Self {
        by_client: Rate::UNLIMITED,
        by_organization: Rate::UNLIMITED,
    };
}

/// The limits on attempts, each counted before the request's body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Signing in with a password, which costs a hash.
    pub password: AttemptRates,
    /// Exchanging a refresh token, which every open tab does now and then, many of them behind one address.
    pub refresh: AttemptRates,
    /// Signing up, which costs a hash and leaves a row.
    pub sign_up: AttemptRates,
}

impl AttemptLimits {
    /// Every limit as good as none.
    pub const UNLIMITED: Self = Self {
        password: AttemptRates::UNLIMITED,
        refresh: AttemptRates::UNLIMITED,
        sign_up: AttemptRates::UNLIMITED,
    };
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            password: AttemptRates {
                by_client: Rate::new(10, Duration::from_secs(2)),
                by_organization: Rate::new(120, Duration::from_millis(250)),
            },
            refresh: AttemptRates {
                by_client: Rate::new(100, Duration::from_millis(100)),
                by_organization: Rate::new(1000, Duration::from_millis(5)),
            },
            sign_up: AttemptRates {
                by_client: Rate::new(5, Duration::from_mins(1)),
                by_organization: Rate::new(60, Duration::from_secs(1)),
            },
        }
    }
}
