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
    insert into catalog.user_credentials (user_id, password_hash, changed_at, failed_count, locked_until) \
    values ($1, $2, $3, 0, null) \
    on conflict (user_id) do update \
    set password_hash = excluded.password_hash, changed_at = excluded.changed_at, \
      failed_count = 0, locked_until = null";

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

/// Ten failures in a row lock the account for half a minute, every further one for twice as long, at most for a
/// quarter of an hour: a person who mistypes is not shut out, a guesser gets about a hundred tries a day (NIST
/// SP 800-63B-4, section 3.2.2, asks for a limit per account). Attempts while locked are not counted, so that
/// nobody can keep an account locked without waiting themselves.
const RECORD_FAILURE: &str = "\
    update catalog.user_credentials \
    set failed_count = least(failed_count + 1, 1000000), \
      locked_until = case when failed_count + 1 >= 10 \
        then $2::timestamptz + least( \
          interval '15 minutes', interval '30 seconds' * power(2, least(failed_count + 1 - 10, 5))) \
        end \
    where user_id = $1 and (locked_until is null or locked_until <= $2)";

/// A failed attempt is no promise to anybody: its transaction need not wait for the disk, which also keeps the
/// answer's time the same for an account that exists and one that does not.
const HURRY: &str = "select set_config('synchronous_commit', 'off', true)";

/// Counts a failed attempt, unless the account is locked; answers whether it did. `None` stands for an account that
/// does not exist: the same statements run and touch nothing.
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
      set failed_count = 0, locked_until = null, password_hash = coalesce($4, password_hash) \
      where user_id = $1 and changed_at = $3 and (locked_until is null or locked_until <= $2) \
      returning user_id \
    ) \
    update catalog.users u set last_login_at = $2 \
    from credential \
    where u.id = credential.user_id and u.status = 'active' and u.deleted_at is null";

/// Records a sign-in, with a new hash of the same password where the old one had outdated parameters.
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
