//! Sessions and their refresh tokens.
//!
//! A session is one signed-in device and the family of all refresh tokens it was ever given. A token is good for
//! one exchange (RFC 9700, section 4.14.2): each exchange consumes it and gives a successor. A consumed token that
//! comes back was stolen, from us or from its owner, so the whole family ends.
//!
//! Whoever changes a family locks its session row first and its tokens after, so that an exchange and a revocation
//! cannot wait for one another.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;

use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::{OrganizationId, RefreshTokenId, SessionId, UserId};
use crate::row::Columns;
use crate::secret::{PlainSecret, Purpose, SecretDigest};
use crate::tx::CatalogTx;

/// The longest user agent kept, in characters; the column takes as many.
const USER_AGENT: usize = 512;

/// How long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetimes {
    /// From a refresh token's issue to its end.
    pub refresh: TimeDelta,
    /// From sign-in to the end of the session, however often it was refreshed.
    pub session: TimeDelta,
    /// How long after its exchange a consumed refresh token counts as sent twice by its owner, not as stolen.
    pub reuse_interval: TimeDelta,
}

impl SessionLifetimes {
    /// Refresh tokens for 30 days, sessions for 90, and ten seconds for two tabs that refresh at the same time.
    pub const DEFAULT: Self = Self {
        refresh: TimeDelta::days(30),
        session: TimeDelta::days(90),
        reuse_interval: TimeDelta::seconds(10),
    };
}

/// Where a request comes from, as sessions and audit entries keep it.
#[derive(Clone)]
pub struct Device {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, of any length.
    pub user_agent: Option<String>,
    /// Id of the request, as in answers and logs.
    pub request_id: Option<String>,
}

impl Device {
    /// No request: the command line.
    pub const NONE: Self = Self {
        ip: None,
        user_agent: None,
        request_id: None,
    };

    /// The user agent as columns take it: at most 512 characters, none of them a control character (PostgreSQL has no
    /// U+0000 in text).
    pub(crate) fn user_agent(&self) -> Option<String> {
        let text = self.user_agent.as_deref()?.chars();
        Some(text.filter(|c| !c.is_control()).take(USER_AGENT).collect())
    }
}

impl std::fmt::Debug for Device {
    /// An address is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device(…)")
    }
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which access tokens carry.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// Where: worthless on any other organization's host.
    pub organization: OrganizationId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// The last exchange of a refresh token.
    pub last_seen_at: DateTime<Utc>,
    /// The end, whatever happens.
    pub expires_at: DateTime<Utc>,
}

/// Why a session ended before its time, as it stands in `sessions.revoked_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokeReason {
    /// Its owner signed out.
    SignOut,
    /// A consumed refresh token came back.
    RefreshReuse,
    /// The organization is suspended, so its members cannot sign in.
    OrganizationSuspended,
    /// An operator or an admin ended it.
    Administrator,
}

impl RevokeReason {
    /// The reason as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign_out",
            Self::RefreshReuse => "refresh_token_reuse",
            Self::OrganizationSuspended => "organization_suspended",
            Self::Administrator => "administrator",
        }
    }
}

/// What came of a refresh token.
#[derive(Debug)]
pub enum RotateOutcome {
    /// It was good: here is its successor.
    Rotated {
        /// The session, seen just now.
        session: Session,
        /// The next refresh token.
        refresh: PlainSecret,
    },
    /// It was consumed a few seconds ago, by a request that raced this one; nothing is revoked.
    Raced,
    /// It was consumed long ago: the session is revoked now. Commit, although the request is refused.
    Reused {
        /// The session that ended.
        session: SessionId,
        /// Whose it was.
        user: UserId,
    },
    /// There is no such token in this organization.
    Unknown,
    /// The token or its session has come to its end.
    Expired,
    /// The session was ended earlier.
    Revoked,
}

const OPEN: &str = "\
    with opened as ( \
      insert into catalog.sessions \
        (id, user_id, organization_id, created_at, last_seen_at, expires_at, ip, user_agent) \
      values ($1, $2, $3, $4, $4, $5, $6, $7) \
    ) \
    insert into catalog.refresh_tokens \
      (id, session_id, organization_id, user_id, token_sha256, issued_at, expires_at) \
    values ($8, $1, $3, $2, $9, $4, $10)";

/// Opens a session and gives its first refresh token.
pub async fn open(
    tx: &mut CatalogTx,
    user: UserId,
    organization: OrganizationId,
    device: &Device,
    source: &Source,
    lifetimes: SessionLifetimes,
) -> Result<(Session, PlainSecret), CatalogError> {
    let now = source.now();
    let session = Session {
        id: source.id(),
        user,
        organization,
        created_at: now,
        last_seen_at: now,
        expires_at: now + lifetimes.session,
    };
    let refresh = PlainSecret::generate(Purpose::Refresh, source);
    tx.execute(
        OPEN,
        &[
            &session.id,
            &user,
            &organization,
            &now,
            &session.expires_at,
            &device.ip,
            &device.user_agent(),
            &source.id::<RefreshTokenId>(),
            &refresh.digest(),
            &(now + lifetimes.refresh).min(session.expires_at),
        ],
    )
    .await?;
    Ok((session, refresh))
}

/// Consumes the token. Of any number of concurrent callers one gets the row: the others wait for its lock and then
/// find `used_at` set. The session is locked within the join, before the token is written.
const SPEND: &str = "\
    update catalog.refresh_tokens t \
    set used_at = $3 \
    from ( \
      select s.id from catalog.sessions s \
      where s.id = ( \
          select k.session_id from catalog.refresh_tokens k \
          where k.token_sha256 = $1 and k.organization_id = $2 \
        ) \
        and s.revoked_at is null and s.expires_at > $3 \
      for no key update \
    ) live \
    where t.token_sha256 = $1 and t.organization_id = $2 and t.session_id = live.id \
      and t.used_at is null and t.revoked_at is null and t.expires_at > $3 \
    returning t.id, t.session_id";

const SUCCEED: &str = "\
    with seen as ( \
      update catalog.sessions s set last_seen_at = greatest(s.last_seen_at, $3) \
      where s.id = $1 \
      returning s.id, s.user_id, s.organization_id, s.created_at, s.last_seen_at, s.expires_at \
    ), successor as ( \
      insert into catalog.refresh_tokens \
        (id, session_id, organization_id, user_id, token_sha256, rotated_from, issued_at, expires_at) \
      select $4, seen.id, seen.organization_id, seen.user_id, $5, $2, $3, least($6, seen.expires_at) from seen \
    ) \
    select seen.id, seen.user_id, seen.organization_id, seen.created_at, seen.last_seen_at, seen.expires_at \
    from seen";

const CLASSIFY: &str = "\
    select t.session_id, t.user_id, t.used_at, \
      t.revoked_at is not null or s.revoked_at is not null as revoked \
    from catalog.refresh_tokens t \
    join catalog.sessions s on s.id = t.session_id \
    where t.token_sha256 = $1 and t.organization_id = $2";

/// Exchanges a refresh token for its successor.
///
/// The outcome is not an error, because [`RotateOutcome::Reused`] has written something that must be committed.
pub async fn rotate(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: &SecretDigest,
    source: &Source,
    lifetimes: SessionLifetimes,
) -> Result<RotateOutcome, CatalogError> {
    let now = source.now();
    let Some(spent) = tx.row(SPEND, &[token, &organization, &now]).await? else {
        return refuse(tx, organization, token, now, lifetimes).await;
    };
    let spent = Columns::new(&spent, "refresh_tokens");
    let spent_id: RefreshTokenId = spent.get("id")?;
    let session_id: SessionId = spent.get("session_id")?;
    let refresh = PlainSecret::generate(Purpose::Refresh, source);
    let seen = tx
        .row(
            SUCCEED,
            &[
                &session_id,
                &spent_id,
                &now,
                &source.id::<RefreshTokenId>(),
                &refresh.digest(),
                &(now + lifetimes.refresh),
            ],
        )
        .await?
        .ok_or(CatalogError::Corrupt {
            table: "refresh_tokens",
            column: "session_id",
        })?;
    Ok(RotateOutcome::Rotated {
        session: session(&seen)?,
        refresh,
    })
}

/// Why a token was not consumed; a token that was consumed before ends its session.
///
/// Two tabs of one browser may send the same token within a moment. Only one of them is given a successor, but the
/// other is no thief: within [`SessionLifetimes::reuse_interval`] it is refused and nothing else happens. A thief who
/// is first in such a race gains nothing lasting, since the owner's next exchange comes later and ends the family.
async fn refuse(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: &SecretDigest,
    now: DateTime<Utc>,
    lifetimes: SessionLifetimes,
) -> Result<RotateOutcome, CatalogError> {
    let Some(row) = tx.row(CLASSIFY, &[token, &organization]).await? else {
        return Ok(RotateOutcome::Unknown);
    };
    let columns = Columns::new(&row, "refresh_tokens");
    let session: SessionId = columns.get("session_id")?;
    let used_at: Option<DateTime<Utc>> = columns.get("used_at")?;
    Ok(match used_at {
        _ if columns.get("revoked")? => RotateOutcome::Revoked,
        Some(used_at) if now - used_at < lifetimes.reuse_interval => RotateOutcome::Raced,
        Some(_) if revoke(tx, organization, session, RevokeReason::RefreshReuse, now).await? => {
            RotateOutcome::Reused {
                session,
                user: columns.get("user_id")?,
            }
        }
        // Another request ended the session since the row was read.
        Some(_) => RotateOutcome::Revoked,
        None => RotateOutcome::Expired,
    })
}

/// The tokens are found through what the session's update returns, so the session is locked first.
const REVOKE: &str = "\
    with ended as ( \
      update catalog.sessions set revoked_at = $2, revoked_reason = $3 \
      where id = $1 and organization_id = $4 and revoked_at is null \
      returning id \
    ), tokens as ( \
      update catalog.refresh_tokens t set revoked_at = $2 \
      from ended \
      where t.session_id = ended.id and t.revoked_at is null \
    ) \
    select ended.id from ended";

/// Ends a session of this organization and all its refresh tokens. Answers whether it was live until now.
pub async fn revoke(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    session: SessionId,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<bool, CatalogError> {
    Ok(tx
        .row(REVOKE, &[&session, &now, &reason.as_str(), &organization])
        .await?
        .is_some())
}

const REVOKE_OF_USER: &str = "\
    with ended as ( \
      update catalog.sessions set revoked_at = $3, revoked_reason = $4 \
      where user_id = $1 and ($2::uuid is null or organization_id = $2) and revoked_at is null \
        and id is distinct from $5 \
      returning id \
    ), tokens as ( \
      update catalog.refresh_tokens t set revoked_at = $3 \
      from ended \
      where t.session_id = ended.id and t.revoked_at is null \
    ) \
    select ended.id from ended";

/// Ends the sessions of a person but one, and their refresh tokens: in one organization, or (on the operator's side,
/// since the server sees one organization at a time) in all of them. Answers which were live until now.
pub async fn revoke_of_user(
    tx: &mut CatalogTx,
    user: UserId,
    organization: Option<OrganizationId>,
    but: Option<SessionId>,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, CatalogError> {
    tx.rows(
        REVOKE_OF_USER,
        &[&user, &organization, &now, &reason.as_str(), &but],
    )
    .await?
    .iter()
    .map(|row| Columns::new(row, "sessions").get("id"))
    .collect()
}

const FIND_LIVE: &str = "\
    select id, user_id, organization_id, created_at, last_seen_at, expires_at \
    from catalog.sessions \
    where id = $1 and organization_id = $2 and revoked_at is null and expires_at > $3";

/// A session of this organization, unless it has ended.
pub async fn find_live(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<Session>, CatalogError> {
    let row = tx.row(FIND_LIVE, &[&id, &organization, &now]).await?;
    row.as_ref().map(session).transpose()
}

fn session(row: &Row) -> Result<Session, CatalogError> {
    let columns = Columns::new(row, "sessions");
    Ok(Session {
        id: columns.get("id")?,
        user: columns.get("user_id")?,
        organization: columns.get("organization_id")?,
        created_at: columns.get("created_at")?,
        last_seen_at: columns.get("last_seen_at")?,
        expires_at: columns.get("expires_at")?,
    })
}

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[OPEN, SPEND, SUCCEED, CLASSIFY, REVOKE, REVOKE_OF_USER, FIND_LIVE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_shortened_and_cleaned() {
        let kept = |text: &str| {
            let user_agent = Some(text.to_owned());
            Device {
                user_agent,
                ..Device::NONE
            }
            .user_agent()
        };
        assert_eq!(kept("curl/8\0\r\n").as_deref(), Some("curl/8"));
        assert_eq!(kept(&"é".repeat(600)), Some("é".repeat(512)));
        assert_eq!(Device::NONE.user_agent(), None);
    }

    #[test]
    fn a_device_does_not_show_in_debug() {
        let device = Device {
            ip: Some(IpAddr::from([10, 0, 0, 1])),
            ..Device::NONE
        };
        assert_eq!(format!("{device:?}"), "Device(…)");
    }
}
