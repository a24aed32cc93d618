//! Who a request is from: credentials checked against keys and catalog, and remembered for some minutes
//! ([`ServerConfig::caller_ttl`]).
//!
//! What is remembered is found by the SHA-256 of the organization and the credential, so that a credential is only
//! ever good where it was checked, and no secret lies in memory longer than its request. The catalog's change feed
//! says when it is no longer true; the end of a token, its session or a key is looked at on every use.

use std::sync::Arc;
use std::time::Duration;

use catalog::access::{Action, ObjectWrite, role_allows};
use catalog::actor::Actor;
use catalog::api_keys::{self, ApiKey};
use catalog::authenticate::{SessionCaller, caller_of_session};
use catalog::changes::{Change, ChangeFeed, Generation};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::secret::{PlainSecret, Purpose, sha256};
use catalog::sessions;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use tenant_schema::records::model::Function;
use tokio::sync::watch;

use crate::config::ServerConfig;
use crate::credentials::Credential;
use crate::error::{ApiError, Unauthorized};
use crate::signing_keys::SigningKeys;
use crate::token::{self, TokenError, TokenKeys, Verified};

/// The most callers remembered.
const CAPACITY: u64 = 50_000;

/// Who a request is from, in the organization it was sent to.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A signed-in member.
    User(Arc<SessionCaller>),
    /// A program with one of the organization's keys.
    Key(Arc<ApiKey>),
}

impl Caller {
    /// How audit rows name it.
    pub fn actor(&self) -> Actor {
        match self {
            Self::User(caller) => Actor::User(caller.user),
            Self::Key(key) => Actor::Key(key.id),
        }
    }

    /// Whether it may do `action` on the object of that name, which has that rule.
    pub fn may(&self, object: &str, write: ObjectWrite, action: Action) -> bool {
        match self {
            Self::User(caller) => role_allows(caller.role, write, action),
            // A scope such as *:* does not make an object writable that nobody may write.
            Self::Key(key) => {
                key.scopes.allow(object, action) && (action == Action::Read || write != ObjectWrite::Nobody)
            }
        }
    }

    /// Whether it may call this function, to do no more than `action`: read, or insert where it may write.
    ///
    /// Functions stand beside objects: a key's scopes name both, and all functions there are belong to every member.
    /// One that only reads is called like a record is read, by whatever method. One that writes is called like a
    /// record is added; by `GET` it cannot write, so reading is enough of a scope. But whom the template's `@access`
    /// keeps from it, it keeps from it by any method.
    pub fn may_call(&self, function: &Function, action: Action) -> bool {
        let writes = function.writes();
        let needed = if writes { action } else { Action::Read };
        let is_kept = writes
            && match self {
                Self::User(caller) => !role_allows(caller.role, function.write, Action::Insert),
                Self::Key(_) => function.write == ObjectWrite::Nobody,
            };
        !is_kept && self.may(&function.name, function.write, needed)
    }

    /// The word of the access log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Key(_) => "key",
        }
    }
}

/// What a checked credential turned out to be.
#[derive(Clone)]
struct Known {
    organization: OrganizationId,
    /// The credential has expired from this instant on.
    good_until: Option<DateTime<Utc>>,
    caller: Caller,
}

/// What is remembered of it, and since when.
#[derive(Clone)]
struct Remembered {
    then: Generation,
    known: Known,
}

impl Remembered {
    /// Whether nothing it rests on has changed since.
    fn holds(&self, feed: &ChangeFeed) -> bool {
        let organization = Change::Organization(self.known.organization);
        match &self.known.caller {
            Caller::User(caller) => {
                let (session, user) = (Change::Session(caller.session), Change::User(caller.user));
                feed.holds(self.then, &[organization, session, user, Change::SigningKeys])
            }
            Caller::Key(key) => feed.holds(self.then, &[organization, Change::Key(key.id)]),
        }
    }
}

/// Checks credentials.
#[derive(Clone)]
pub(crate) struct Callers {
    db: CatalogDb,
    feed: Arc<ChangeFeed>,
    source: Source,
    keys: SigningKeys,
    known: Cache<[u8; 32], Remembered>,
}

/// Where a credential is presented.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) organization: OrganizationId,
    /// The slug its access tokens name in their issuer.
    pub(crate) slug: &'a Slug,
    pub(crate) config: &'a ServerConfig,
}

impl Place<'_> {
    /// The origin the tenant's access tokens name as issuer.
    pub(crate) fn issuer(&self) -> String {
        self.config.tenant_origin(self.slug.as_str())
    }
}

impl Callers {
    /// Callers are remembered for `ttl` at most.
    pub(crate) fn new(
        db: CatalogDb,
        feed: Arc<ChangeFeed>,
        source: Source,
        keys: SigningKeys,
        ttl: Duration,
    ) -> Self {
        let known = Cache::builder().max_capacity(CAPACITY).time_to_live(ttl).build();
        Self {
            db,
            feed,
            source,
            keys,
            known,
        }
    }

    /// The keys of this moment.
    pub(crate) fn keys(&self) -> TokenKeys {
        self.keys.now()
    }

    /// The same, as they change.
    pub(crate) fn follow_keys(&self) -> watch::Receiver<TokenKeys> {
        self.keys.follow()
    }

    /// Forgets at once what this instance itself has just changed; others hear of it through the feed.
    pub(crate) fn forget(&self, change: &Change) {
        self.feed.note(change);
    }

    /// Who presents this credential to this organization.
    pub(crate) async fn identify(
        &self,
        credential: Credential<'_>,
        place: Place<'_>,
    ) -> Result<Caller, ApiError> {
        let digest = digest(credential, place.organization);
        if let Some(Remembered { known, .. }) = self.known.get(&digest).filter(|old| old.holds(&self.feed)) {
            let over = known.good_until.is_some_and(|end| self.source.now() >= end);
            return if over {
                Err(ApiError::unauthorized(Unauthorized::Expired))
            } else {
                Ok(known.caller)
            };
        }
        let then = self.feed.generation();
        let known = match credential {
            Credential::Token(token) => self.check_token(token, place).await?,
            Credential::Key(key) => self.check_key(key, place.organization).await?,
        };
        let caller = known.caller.clone();
        if let Some(then) = then {
            self.known.insert(digest, Remembered { then, known });
        }
        Ok(caller)
    }

    async fn check_token(&self, token: &str, place: Place<'_>) -> Result<Known, ApiError> {
        let now = self.source.now();
        let organization = place.organization;
        let Verified { subject, expires_at } =
            self.keys().verify(token, organization, &place.issuer(), now)?;
        let mut tx = self
            .db
            .begin_for(organization)
            .await
            .map_err(CatalogError::from)?;
        let caller = caller_of_session(&mut tx, organization, subject.session, now).await?;
        let Some(caller) = caller.filter(|caller| caller.user == subject.user) else {
            // The person signed out, or is signed in still and no longer a member: the latter is told no more than a stranger.
            let live = sessions::find_live(&mut tx, organization, subject.session, now).await?;
            return Err(match live {
                Some(_) => ApiError::nothing_here(),
                None => ApiError::unauthorized(Unauthorized::Invalid).with_auth_code("session_not_found"),
            });
        };
        tx.commit().await.map_err(CatalogError::from)?;
        Ok(Known {
            organization,
            good_until: Some(caller.session_ends_at.min(expires_at + token::LEEWAY)),
            caller: Caller::User(Arc::new(caller)),
        })
    }

    async fn check_key(&self, text: &str, organization: OrganizationId) -> Result<Known, ApiError> {
        let refused = || ApiError::unauthorized(Unauthorized::Invalid);
        let secret = PlainSecret::parse(Purpose::ApiKey, text).map_err(|_| refused())?;
        let now = self.source.now();
        let mut tx = self
            .db
            .begin_for(organization)
            .await
            .map_err(CatalogError::from)?;
        let key = api_keys::find_by_digest(&mut tx, organization, &secret.digest(), now).await?;
        let key = key.ok_or_else(refused)?;
        api_keys::touch_last_used(&mut tx, key.id, now).await?;
        tx.commit().await.map_err(CatalogError::from)?;
        Ok(Known {
            organization,
            good_until: key.expires_at,
            caller: Caller::Key(Arc::new(key)),
        })
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::unauthorized(Unauthorized::Invalid),
            TokenError::Expired => Self::unauthorized(Unauthorized::Expired),
            TokenError::OtherOrganization => Self::nothing_here(),
        }
    }
}

fn digest(credential: Credential<'_>, organization: OrganizationId) -> [u8; 32] {
    let (kind, text) = match credential {
        Credential::Token(text) => (b"t", text),
        Credential::Key(text) => (b"k", text),
    };
    sha256(&[kind, organization.uuid().as_bytes(), text.as_bytes()])
}

#[cfg(test)]
mod tests;
