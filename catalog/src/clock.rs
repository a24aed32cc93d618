//! Time and randomness as parameters: the binary makes one [`Source`], everything below takes it.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Tells the time. The system's in production, a fixed one in tests.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Fills bytes with randomness fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills `out` whole.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The operating system's random number generator, through aws-lc.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0
            .fill(out)
            .expect("the operating system's random source does not fail after start-up");
    }
}

/// Clock and randomness together, cheap to clone: what makes ids, instants and secrets.
#[derive(Clone)]
pub struct Source {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Source {
    /// The real ones.
    pub fn system() -> Self {
        Self::new(SystemClock, SystemEntropy::default())
    }

    /// Any pair, for tests.
    pub fn new(clock: impl Clock + 'static, entropy: impl Entropy + 'static) -> Self {
        Self {
            clock: Arc::new(clock),
            entropy: Arc::new(entropy),
        }
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.entropy.fill(&mut out);
        out
    }

    /// A new UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// A new id of any kind.
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.uuid())
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}
