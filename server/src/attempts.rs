//! Attempts at proving who one is: counted by client and by organization before a body is read or a password hashed.
//!
//! Checking a password is meant to be dear, so whoever may ask for as many checks as they like can keep everybody else
//! from signing in. A refused attempt costs neither a hash nor a question to the database. The count is this
//! instance's own: a second one allows as much again.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::clock::Source;
use catalog::ids::OrganizationId;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::client_network::client_network;
use crate::config::{AttemptLimits, AttemptRates, Rate};
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::forwarded;
use crate::query::single_value;
use crate::state::AppState;

/// The buckets of all attempts.
pub(crate) struct Attempts {
    password: Buckets,
    refresh: Buckets,
    sign_up: Buckets,
}

/// The buckets of one kind of attempt.
struct Buckets {
    clients: DefaultKeyedRateLimiter<u16>,
    /// At most one for each tenant that exists.
    organizations: DefaultKeyedRateLimiter<OrganizationId>,
    salt: [u8; 16],
}

impl Attempts {
    pub(crate) fn new(limits: &AttemptLimits, source: &Source) -> Self {
        let buckets = |rates: &AttemptRates| Buckets {
            clients: RateLimiter::keyed(quota(rates.by_client)),
            organizations: RateLimiter::keyed(quota(rates.by_organization)),
            salt: source.bytes(),
        };
        Self {
            password: buckets(&limits.password),
            refresh: buckets(&limits.refresh),
            sign_up: buckets(&limits.sign_up),
        }
    }
}

fn quota(rate: Rate) -> Quota {
    Quota::with_period(rate.refill)
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
        .allow_burst(rate.burst)
}

impl Buckets {
    /// Counts one attempt, or says in how many seconds the next one may be made. What a client's own bucket refuses
    /// does not count for the organization.
    fn count(&self, client: Option<IpAddr>, organization: OrganizationId) -> Result<(), u64> {
        let now = DefaultClock::default();
        if let Some(client) = client {
            let checked = self.clients.check_key(&self.bucket(client));
            checked.map_err(|until| seconds(until.wait_time_from(now.now())))?;
        }
        let checked = self.organizations.check_key(&organization);
        checked.map_err(|until| seconds(until.wait_time_from(now.now())))
    }

    /// One of 65,536 buckets, so that memory is bounded whatever addresses appear. Nobody can choose whose bucket they
    /// share, because the salt is random.
    fn bucket(&self, client: IpAddr) -> u16 {
        let mut hasher = DefaultHasher::new();
        (self.salt, client_network(client)).hash(&mut hasher);
        let [a, b, ..] = hasher.finish().to_be_bytes();
        u16::from_be_bytes([a, b])
    }
}

/// Rounded up: an attempt made then is allowed.
fn seconds(wait: std::time::Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// An attempt at getting a session that has been counted. The organization must have been found before.
pub(crate) struct TokenAttempt;

/// An attempt at signing up that has been counted. The organization must have been found before.
pub(crate) struct SignUpAttempt;

impl FromRequestParts<AppState> for TokenAttempt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let grant_type = single_value(parts.uri.query().unwrap_or_default(), "grant_type")?;
        let buckets = match grant_type.as_deref() {
            Some("refresh_token") => &state.attempts().refresh,
            _ => &state.attempts().password,
        };
        count(buckets, parts, state).map(|()| Self)
    }
}

impl FromRequestParts<AppState> for SignUpAttempt {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        count(&state.attempts().sign_up, parts, state).map(|()| Self)
    }
}

fn count(buckets: &Buckets, parts: &Parts, state: &AppState) -> Result<(), ApiError> {
    let organization = RequestContext::of(parts)?.organization();
    let organization = organization.ok_or_else(|| ApiError::internal("an attempt at no organization"))?;
    let client = forwarded::client_address(&parts.headers, &parts.extensions, state.config());
    buckets
        .count(client, organization)
        .map_err(ApiError::too_many_requests)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    fn buckets(by_client: u32, by_organization: u32) -> Buckets {
        // Long enough that nothing is refilled while a test runs.
        let rate = |burst| Rate::new(burst, Duration::from_hours(1));
        let rates = AttemptRates {
            by_client: rate(by_client),
            by_organization: rate(by_organization),
        };
        let limits = AttemptLimits {
            password: rates,
            ..AttemptLimits::default()
        };
        Attempts::new(&limits, &Source::system()).password
    }

    fn organization(n: u128) -> OrganizationId {
        Uuid::from_u128(n).into()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_client_has_a_burst_and_is_told_when_to_come_back() {
        let buckets = buckets(2, 100);
        let [acme, globex] = [organization(1), organization(2)];
        assert_eq!(buckets.count(Some(address("2001:db8::1")), acme), Ok(()));
        assert_eq!(buckets.count(Some(address("2001:db8::2")), globex), Ok(()));
        let wait = buckets.count(Some(address("2001:db8::3")), acme);
        assert!(wait.is_err_and(|wait| (3590..=3600).contains(&wait)), "{wait:?}");
        assert_eq!(
            buckets.count(None, acme),
            Ok(()),
            "a call in process has no address"
        );
    }

    #[test]
    fn an_organization_has_one_of_its_own() {
        let buckets = buckets(100, 2);
        let [acme, globex] = [organization(1), organization(2)];
        for (client, organization, allowed) in [
            ("203.0.113.1", acme, true),
            ("203.0.113.2", acme, true),
            ("203.0.113.3", acme, false),
            ("203.0.113.3", globex, true),
        ] {
            let counted = buckets.count(Some(address(client)), organization);
            assert_eq!(counted.is_ok(), allowed, "{client}");
        }
    }

    #[test]
    fn what_a_client_is_refused_does_not_count_for_the_organization() {
        let buckets = buckets(1, 2);
        let acme = organization(1);
        assert!(buckets.count(Some(address("203.0.113.1")), acme).is_ok());
        for _ in 0..10 {
            assert!(buckets.count(Some(address("203.0.113.1")), acme).is_err());
        }
        assert!(buckets.count(None, acme).is_ok());
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let buckets = buckets(1, 1_000_000);
        for address in 0..200_000_u32 {
            // Only the count of buckets matters here.
            let _ = buckets.count(Some(IpAddr::from(address.to_be_bytes())), organization(1));
        }
        assert!(buckets.clients.len() <= 65_536);
    }
}
