//! Signing up, in, on and out: the verbs the server calls, each with its own transactions.
//!
//! No answer tells whether an address has an account. An unknown address, a wrong password, a disabled or locked
//! account and a person who is no member of the organization are one outcome, and cost one verification and the
//! same statements; signing up with a known address looks like signing up with a new one. No connection is held
//! while a password is hashed.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::credentials;
use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::{MembershipId, OrganizationId, SessionId, UserId};
use crate::memberships::MemberRole;
use crate::password::{HashingError, PasswordHash, PasswordHasher, PlainPassword};
use crate::pg::sqlstate::PgError;
use crate::row::Columns;
use crate::secret::PlainSecret;
use crate::sessions::{self, Device, RevokeReason, RotateOutcome, Session, SessionLifetimes};
use crate::tx::{CatalogDb, CatalogTx};

/// Everything the verbs need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator {
    db: CatalogDb,
    hasher: PasswordHasher,
    source: Source,
    lifetimes: SessionLifetimes,
}

/// A signed-in person in one organization, as of this moment.
#[derive(Clone)]
pub struct SessionCaller {
    /// The session that proves it.
    pub session: SessionId,
    /// When the session ends by itself.
    pub session_ends_at: DateTime<Utc>,
    /// Who it is.
    pub user: UserId,
    /// The membership, whose id the tenant's own `members` row has too.
    pub membership: MembershipId,
    /// What the membership allows.
    pub role: MemberRole,
    /// The account name.
    pub email: EmailAddress,
    /// When the address was confirmed.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// The name to show.
    pub display_name: Option<String>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When its row last changed.
    pub updated_at: DateTime<Utc>,
    /// When the person last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for SessionCaller {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCaller")
            .field("session", &self.session)
            .field("user", &self.user)
            .field("membership", &self.membership)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What a person who signed in or refreshed is handed.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub caller: SessionCaller,
    /// The session.
    pub session: Session,
    /// The refresh token for the next exchange.
    pub refresh: PlainSecret,
}

/// What came of a sign-in.
#[derive(Debug)]
pub enum SignIn {
    /// The person is who they say, and a member.
    Ok(Box<SignedIn>),
    /// They are not, or not here, or not now. Nobody is told which.
    Refused,
    /// Too many passwords are being checked: try again (503).
    Busy,
}

/// What came of an exchange of a refresh token.
#[derive(Debug)]
pub enum Refresh {
    /// A successor was given.
    Ok(Box<SignedIn>),
    /// Another request exchanged the same token a moment ago: use what that one was given.
    Raced,
    /// The token had been exchanged before, so its session was ended.
    Reused(SessionId),
    /// The token is unknown here, expired or revoked, or its person is no longer a member.
    Refused,
}

/// What a person says of themselves when signing up.
#[derive(Clone, Default)]
pub struct Profile {
    /// The name to show, at most 200 characters.
    pub display_name: Option<String>,
}

impl fmt::Debug for Profile {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// What came of signing up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// There is an account for the address now, or there was one before. The id is that of the new account or, for a
    /// known address, one made up for the answer.
    Accepted {
        /// An id to show.
        user: UserId,
        /// An instant to show.
        created_at: DateTime<Utc>,
    },
    /// Too many passwords are being hashed: try again (503).
    Busy,
}

/// Why a verb gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(HashingError),
    /// The catalog could not be read or written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<PgError> for AuthenticateError {
    fn from(error: PgError) -> Self {
        Self::Catalog(error.into())
    }
}

impl Authenticator {
    /// The verbs over this database; `source` tells the time and makes secrets.
    pub fn new(db: CatalogDb, hasher: PasswordHasher, source: Source, lifetimes: SessionLifetimes) -> Self {
        Self {
            db,
            hasher,
            source,
            lifetimes,
        }
    }

    /// Signs a member of `organization` in with a password.
    pub async fn sign_in(
        &self,
        organization: OrganizationId,
        email: &EmailAddress,
        password: &PlainPassword,
        device: &Device,
    ) -> Result<SignIn, AuthenticateError> {
        let mut tx = self.db.begin_for(organization).await?;
        let candidate = credentials::find_for_sign_in(&mut tx, organization, email).await?;
        tx.rollback().await?;
        let hash = candidate.as_ref().map(|candidate| &candidate.hash);
        let hasher = self.hasher.on_behalf_of(organization);
        let verdict = match hasher.verify(hash, password).await {
            Ok(verdict) => verdict,
            Err(HashingError::Busy) => return Ok(SignIn::Busy),
            Err(error) => return Err(AuthenticateError::Hashing(error)),
        };
        match candidate {
            Some(candidate) if verdict.ok && candidate.may_enter(self.source.now()) => {
                // A queue that is full now is no reason to turn somebody away: the next sign-in rehashes.
                let rehashed = if verdict.needs_rehash {
                    hasher.hash(password).await.ok()
                } else {
                    None
                };
                self.enter(organization, &candidate, rehashed.as_ref(), device)
                    .await
            }
            candidate => {
                let guessed = candidate.filter(|_| !verdict.ok).map(|candidate| candidate.user);
                self.refuse(organization, guessed, device).await?;
                Ok(SignIn::Refused)
            }
        }
    }

    /// Counts and writes down a wrong password; for an account that does not exist, the same statements touch nothing.
    /// What is not counted, because the account is locked or no member here, is not written down either: the lock bounds
    /// the log.
    async fn refuse(
        &self,
        organization: OrganizationId,
        guessed: Option<UserId>,
        device: &Device,
    ) -> Result<(), AuthenticateError> {
        let mut tx = self.db.begin_for(organization).await?;
        let counted = credentials::record_failure(&mut tx, guessed, self.source.now()).await?;
        let user = guessed.unwrap_or_else(credentials::nobody);
        audit::record_if(
            counted,
            &mut tx,
            &Actor::User(user),
            Some(organization),
            &AuditEvent::SignInFailed { user },
            device,
            &self.source,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn enter(
        &self,
        organization: OrganizationId,
        candidate: &credentials::SignInCandidate,
        rehashed: Option<&PasswordHash>,
        device: &Device,
    ) -> Result<SignIn, AuthenticateError> {
        let now = self.source.now();
        let mut tx = self.db.begin_for(organization).await?;
        if !credentials::record_success(&mut tx, candidate, rehashed, now).await? {
            tx.rollback().await?;
            return Ok(SignIn::Refused);
        }
        let (session, refresh) = sessions::open(
            &mut tx,
            candidate.user,
            organization,
            device,
            &self.source,
            self.lifetimes,
        )
        .await?;
        let Some(caller) = caller_of_session(&mut tx, organization, session.id, now).await? else {
            tx.rollback().await?;
            return Ok(SignIn::Refused);
        };
        let (id, user) = (session.id, candidate.user);
        let started = AuditEvent::SessionStarted { id, user };
        self.record(&mut tx, organization, user, &started, device).await?;
        tx.commit().await?;
        Ok(SignIn::Ok(Box::new(SignedIn {
            caller,
            session,
            refresh,
        })))
    }

    /// Makes an account, a member of nothing, unless the address has one already. The organization is the one at whose
    /// host it was asked for.
    pub async fn sign_up(
        &self,
        organization: OrganizationId,
        email: &EmailAddress,
        password: &PlainPassword,
        profile: &Profile,
    ) -> Result<SignUp, AuthenticateError> {
        let hash = match self.hasher.on_behalf_of(organization).hash(password).await {
            Ok(hash) => hash,
            Err(HashingError::Busy) => return Ok(SignUp::Busy),
            Err(error) => return Err(AuthenticateError::Hashing(error)),
        };
        let user: UserId = self.source.id();
        let created_at = self.source.now();
        let mut tx = self.db.begin().await?;
        tx.row(FLUSH, &[]).await?;
        tx.execute(
            SIGN_UP,
            &[
                &user,
                &email.as_str(),
                &profile.display_name,
                &hash.as_str(),
                &created_at,
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(SignUp::Accepted { user, created_at })
    }

    /// Exchanges a refresh token of this organization for its successor.
    pub async fn refresh(
        &self,
        organization: OrganizationId,
        token: &PlainSecret,
        device: &Device,
    ) -> Result<Refresh, AuthenticateError> {
        let mut tx = self.db.begin_for(organization).await?;
        let outcome = sessions::rotate(
            &mut tx,
            organization,
            &token.digest(),
            &self.source,
            self.lifetimes,
        )
        .await?;
        match outcome {
            RotateOutcome::Rotated { session, refresh } => {
                let caller = caller_of_session(&mut tx, organization, session.id, self.source.now()).await?;
                let Some(caller) = caller else {
                    tx.rollback().await?;
                    return Ok(Refresh::Refused);
                };
                tx.commit().await?;
                Ok(Refresh::Ok(Box::new(SignedIn {
                    caller,
                    session,
                    refresh,
                })))
            }
            RotateOutcome::Reused { session, user } => {
                let reused = AuditEvent::RefreshTokenReused { session };
                self.record(&mut tx, organization, user, &reused, device).await?;
                // The request is refused, its revocation must stay.
                tx.commit().await?;
                Ok(Refresh::Reused(session))
            }
            RotateOutcome::Raced => {
                tx.rollback().await?;
                Ok(Refresh::Raced)
            }
            RotateOutcome::Unknown | RotateOutcome::Expired | RotateOutcome::Revoked => {
                tx.rollback().await?;
                Ok(Refresh::Refused)
            }
        }
    }

    /// Ends a session of this person in this organization; one that has ended already is no error.
    pub async fn sign_out(
        &self,
        organization: OrganizationId,
        (user, session): (UserId, SessionId),
        reason: RevokeReason,
        device: &Device,
    ) -> Result<(), AuthenticateError> {
        let mut tx = self.db.begin_for(organization).await?;
        let now = self.source.now();
        if sessions::revoke(&mut tx, organization, session, reason, now).await? {
            let revoked = AuditEvent::SessionRevoked { id: session, reason };
            self.record(&mut tx, organization, user, &revoked, device).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends all sessions of a person in this organization, except `but`.
    pub async fn sign_out_everywhere(
        &self,
        organization: OrganizationId,
        user: UserId,
        but: Option<SessionId>,
        device: &Device,
    ) -> Result<(), AuthenticateError> {
        let (reason, now) = (RevokeReason::SignOut, self.source.now());
        let mut tx = self.db.begin_for(organization).await?;
        let sessions = sessions::revoke_of_user(&mut tx, user, Some(organization), but, reason, now).await?;
        if !sessions.is_empty() {
            let revoked = AuditEvent::SessionsRevoked {
                user,
                sessions,
                reason,
            };
            self.record(&mut tx, organization, user, &revoked, device).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes down what a person did.
    async fn record(
        &self,
        tx: &mut CatalogTx,
        organization: OrganizationId,
        user: UserId,
        event: &AuditEvent,
        device: &Device,
    ) -> Result<(), CatalogError> {
        let actor = Actor::User(user);
        audit::record(tx, &actor, Some(organization), event, device, &self.source).await
    }
}

/// The account and its password in one statement; a known address leaves both alone.
const SIGN_UP: &str = "\
    with account as ( \
      insert into catalog.users (id, email, display_name, created_at, updated_at) \
      values ($1, $2, $3, $5, $5) \
      on conflict (email) where deleted_at is null do nothing \
      returning id \
    ) \
    insert into catalog.user_credentials (user_id, password_hash, changed_at) \
    select account.id, $4, $5 from account";

/// Writes to the log, so that COMMIT waits for the disk whether or not an account was made: otherwise the faster
/// answers would tell which addresses have one. Nobody reads the message.
const FLUSH: &str = "select pg_catalog.pg_logical_emit_message(true, 'tenantry', '')::text";

const CALLER_OF_SESSION: &str = "\
    select s.id as session_id, s.expires_at as session_ends_at, s.user_id, m.id as membership_id, m.role, u.email, u.email_verified_at, \
      u.display_name, u.created_at, u.updated_at, u.last_login_at \
    from catalog.sessions s \
    join catalog.users u on u.id = s.user_id \
    join catalog.memberships m on m.user_id = s.user_id and m.organization_id = s.organization_id \
    where s.id = $1 and s.organization_id = $2 and s.revoked_at is null and s.expires_at > $3 \
      and u.status = 'active' and u.deleted_at is null and m.active";

/// Who a session is, in one query: `None` when it has ended, its account is disabled or deleted, or its membership
/// is gone.
pub async fn caller_of_session(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<SessionCaller>, CatalogError> {
    let Some(row) = tx
        .row(CALLER_OF_SESSION, &[&session, &organization, &now])
        .await?
    else {
        return Ok(None);
    };
    let columns = Columns::new(&row, "users");
    Ok(Some(SessionCaller {
        session: columns.get("session_id")?,
        session_ends_at: columns.get("session_ends_at")?,
        user: columns.get("user_id")?,
        membership: columns.get("membership_id")?,
        role: Columns::new(&row, "memberships").parse("role")?,
        email: columns.parse("email")?,
        email_verified_at: columns.get("email_verified_at")?,
        display_name: columns.get("display_name")?,
        created_at: columns.get("created_at")?,
        updated_at: columns.get("updated_at")?,
        last_login_at: columns.get("last_login_at")?,
    }))
}

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[SIGN_UP, FLUSH, CALLER_OF_SESSION];
