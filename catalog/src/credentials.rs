//! Password credentials: looked up for a sign-in, counted against guessing, replaced.

use chrono::{DateTime, Utc};

use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::{OrganizationId, UserId};
use crate::password::PasswordHash;
use crate::row::Columns;
use crate::tx::CatalogTx;

/// What a sign-in is decided on: the account of an address and its standing in one organization.
#[derive(Debug, Clone)]
pub struct SignInCandidate {
    /// Whose account it is.
    pub user: UserId,
    /// The account is not disabled.
    pub active: bool,
    /// The account has an active membership in the organization.
    pub member: bool,
    /// The stored hash.
    pub hash: PasswordHash,
    /// When the password was set: a sign-in counts only while it is still that one.
    pub changed_at: DateTime<Utc>,
    /// No attempt counts before this instant.
    pub locked_until: Option<DateTime<Utc>>,
}

impl SignInCandidate {
    /// Whether the right password lets this account in at `now`.
    pub fn may_enter(&self, now: DateTime<Utc>) -> bool {
        self.active && self.member && self.locked_until.is_none_or(|until| until <= now)
    }
}

const FIND_FOR_SIGN_IN: &str = "\
    select u.id, u.status = 'active' as active, c.password_hash, c.changed_at, c.locked_until, \
      exists ( \
        select from catalog.memberships m \
        where m.user_id = u.id and m.organization_id = $2 and m.active \
      ) as member \
    from catalog.users u \
    join catalog.user_credentials c on c.user_id = u.id \
    where u.email = $1 and u.deleted_at is null";

/// The account that signs in with this address, if it exists and has a password.
pub async fn find_for_sign_in(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    email: &EmailAddress,
) -> Result<Option<SignInCandidate>, CatalogError> {
    let Some(row) = tx
        .row(FIND_FOR_SIGN_IN, &[&email.as_str(), &organization])
        .await?
    else {
        return Ok(None);
    };
    let columns = Columns::new(&row, "user_credentials");
    let hash: String = columns.get("password_hash")?;
    Ok(Some(SignInCandidate {
        user: columns.get("id")?,
        active: columns.get("active")?,
        member: columns.get("member")?,
        hash: PasswordHash::try_from(hash).map_err(|_| columns.corrupt("password_hash"))?,
        changed_at: columns.get("changed_at")?,
        locked_until: columns.get("locked_until")?,
    }))
}

const SET_PASSWORD: &str = "\
    insert into catalog.user_credentials (user_id, password_hash, changed_at) \
    values ($1, $2, $3) \
    on conflict (user_id) do update \
    set password_hash = excluded.password_hash, changed_at = excluded.changed_at, \
      failed_count = 0, lock_count = 0, last_failed_at = null, locked_until = null";

/// Sets the first password of an account or replaces it; failures counted so far are forgotten.
pub async fn set_password(
    tx: &mut CatalogTx,
    user: UserId,
    hash: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(SET_PASSWORD, &[&user, &hash.as_str(), &now]).await?;
    Ok(())
}

/// Ten failures in a row lock the account for half a minute, every further lock lasts twice as long, at most a quarter of
/// an hour: a person who mistypes is not shut out, a guesser gets a few hundred tries a day (NIST SP 800-63B-4,
/// section 3.2.2, asks for a limit per account). Who keeps others from signing in has to work for it:
/// - only wrong passwords at an organization of which the account is an active member count, so that nobody can lock
///   it from anywhere else;
/// - attempts while locked do not count, and after a lock five more failures are needed for the next one, not one;
/// - after an hour without a failure all is forgotten.
///
/// `locked_until` is set if and only if the last counted failure locked; the condition at the end lets such a row
/// through only when that lock has run out.
const RECORD_FAILURE: &str = "\
    update catalog.user_credentials c \
    set failed_count = case \
        when c.last_failed_at <= $2::timestamptz - interval '1 hour' then 1 \
        when c.locked_until is not null then 6 \
        else c.failed_count + 1 end, \
      lock_count = case \
        when c.last_failed_at <= $2 - interval '1 hour' then 0 \
        when c.locked_until is null and c.failed_count >= 9 then least(c.lock_count + 1, 1000) \
        else c.lock_count end, \
      locked_until = case \
        when c.last_failed_at <= $2 - interval '1 hour' then null \
        when c.locked_until is null and c.failed_count >= 9 then $2 + least( \
          interval '15 minutes', interval '30 seconds' * power(2, least(c.lock_count, 5))) \
        end, \
      last_failed_at = $2 \
    where c.user_id = $1 and (c.locked_until is null or c.locked_until <= $2) \
      and exists ( \
        select from catalog.memberships m \
        where m.user_id = c.user_id and m.organization_id = catalog.current_organization() and m.active)";

/// A failed attempt is no promise to anybody: its transaction need not wait for the disk, which also keeps the
/// answer's time the same for an account that exists and one that does not.
const HURRY: &str = "select set_config('synchronous_commit', 'off', true)";

/// Counts a failed attempt at the organization of this transaction, unless the account is locked or no member there;
/// answers whether it did. `None` stands for an account that does not exist: the same statements run and touch nothing.
pub async fn record_failure(
    tx: &mut CatalogTx,
    user: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<bool, CatalogError> {
    let user = user.unwrap_or_else(nobody);
    tx.row(HURRY, &[]).await?;
    Ok(tx.execute(RECORD_FAILURE, &[&user, &now]).await? == 1)
}

/// The id of no account, for statements that must run all the same.
pub(crate) fn nobody() -> UserId {
    uuid::Uuid::nil().into()
}

const RECORD_SUCCESS: &str = "\
    with credential as ( \
      update catalog.user_credentials \
      set failed_count = 0, lock_count = 0, last_failed_at = null, locked_until = null, \
        password_hash = case \
          when exists ( \
            select from catalog.users o \
            where o.id = user_credentials.user_id and o.platform_role is not null \
          ) then password_hash \
          else coalesce($4, password_hash) end \
      where user_id = $1 and changed_at = $3 and (locked_until is null or locked_until <= $2) \
      returning user_id \
    ) \
    update catalog.users u set last_login_at = $2 \
    from credential \
    where u.id = credential.user_id and u.status = 'active' and u.deleted_at is null";

/// Records a sign-in, with a new hash of the same password where the old one had outdated parameters. An operator's
/// stays as it is: the server cannot write it.
///
/// Answers `false`, and records nothing that lasts, when the account was locked, disabled or given another password
/// while the hash was being computed: the caller must then refuse and roll back. That makes the lock hold against
/// attempts sent all at once.
pub async fn record_success(
    tx: &mut CatalogTx,
    candidate: &SignInCandidate,
    rehashed: Option<&PasswordHash>,
    now: DateTime<Utc>,
) -> Result<bool, CatalogError> {
    let rehashed = rehashed.map(PasswordHash::as_str);
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&candidate.user, &now, &candidate.changed_at, &rehashed];
    Ok(tx.execute(RECORD_SUCCESS, &params).await? == 1)
}

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[
    FIND_FOR_SIGN_IN,
    SET_PASSWORD,
    RECORD_FAILURE,
    HURRY,
    RECORD_SUCCESS,
];
