//! Users: people, once each, whatever the number of organizations they belong to.

use std::fmt;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::clock::Source;
use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::UserId;
use crate::row::Columns;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

stored_text! {
    /// Whether a person may sign in.
    UserStatus {
        /// May sign in.
        Active = "active",
        /// May sign in nowhere.
        Disabled = "disabled",
    }
}

stored_text! {
    /// A right on the platform itself, beside all organizations.
    PlatformRole {
        /// May use the platform API.
        Operator = "operator",
    }
}

/// A person whose account is not deleted.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Immutable.
    pub id: UserId,
    /// The account name.
    pub email: EmailAddress,
    /// When a message to the address was answered.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// The name to show.
    pub display_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// Name in the IANA time zone database.
    pub time_zone: Option<String>,
    /// Whether the person may sign in.
    pub status: UserStatus,
    /// A right on the platform itself.
    pub platform_role: Option<PlatformRole>,
    /// When the person last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When its row last changed.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for User {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A person to be entered. The password, if any, is set apart from this.
#[derive(Clone)]
pub struct NewUser {
    /// The account name.
    pub email: EmailAddress,
    /// The name to show.
    pub display_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// Name in the IANA time zone database.
    pub time_zone: Option<String>,
}

impl NewUser {
    /// A person of whom no more than the address is known.
    pub fn with_email(email: EmailAddress) -> Self {
        Self {
            email,
            display_name: None,
            first_name: None,
            last_name: None,
            locale: None,
            time_zone: None,
        }
    }
}

impl fmt::Debug for NewUser {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewUser(…)")
    }
}

/// Enters a person.
///
/// # Errors
/// [`CatalogError::EmailTaken`], [`CatalogError::Invalid`].
pub async fn insert(tx: &mut CatalogTx, new: &NewUser, source: &Source) -> Result<User, CatalogError> {
    let id: UserId = source.id();
    let row = tx
        .row(
            INSERT,
            &[
                &id,
                &new.email.as_str(),
                &new.display_name,
                &new.first_name,
                &new.last_name,
                &new.locale,
                &new.time_zone,
                &source.now(),
            ],
        )
        .await?;
    user(&row.ok_or(CatalogError::NotFound { what: "user" })?)
}

/// The person with this id.
pub async fn find(tx: &mut CatalogTx, id: UserId) -> Result<Option<User>, CatalogError> {
    tx.row(FIND, &[&id]).await?.as_ref().map(user).transpose()
}

/// The person with this address.
pub async fn find_by_email(tx: &mut CatalogTx, email: &EmailAddress) -> Result<Option<User>, CatalogError> {
    tx.row(FIND_BY_EMAIL, &[&email.as_str()])
        .await?
        .as_ref()
        .map(user)
        .transpose()
}

/// The same, locked until the transaction ends: nobody verifies the address or changes the account meanwhile.
pub async fn lock_by_email(tx: &mut CatalogTx, email: &EmailAddress) -> Result<Option<User>, CatalogError> {
    tx.row(LOCK_BY_EMAIL, &[&email.as_str()])
        .await?
        .as_ref()
        .map(user)
        .transpose()
}

/// Gives an account that a stranger has made to the person whose address it is: what it shows is no longer what the stranger
/// wrote.
///
/// # Errors
/// [`CatalogError::NotFound`], [`CatalogError::Invalid`].
pub async fn take_over(
    tx: &mut CatalogTx,
    id: UserId,
    display_name: Option<&str>,
    now: DateTime<Utc>,
) -> Result<User, CatalogError> {
    let row = tx.row(TAKE_OVER, &[&id, &now, &display_name]).await?;
    user(&row.ok_or(CatalogError::NotFound { what: "user" })?)
}

/// Notes that the address is the person's own: they answered a message, or an operator vouches for it.
///
/// # Errors
/// [`CatalogError::NotFound`].
pub async fn verify_email(tx: &mut CatalogTx, id: UserId, now: DateTime<Utc>) -> Result<User, CatalogError> {
    let row = tx.row(VERIFY_EMAIL, &[&id, &now]).await?;
    user(&row.ok_or(CatalogError::NotFound { what: "user" })?)
}

fn user(row: &Row) -> Result<User, CatalogError> {
    let columns = Columns::new(row, "users");
    Ok(User {
        id: columns.get("id")?,
        email: columns.parse("email")?,
        email_verified_at: columns.get("email_verified_at")?,
        display_name: columns.get("display_name")?,
        first_name: columns.get("first_name")?,
        last_name: columns.get("last_name")?,
        image_url: columns.get("image_url")?,
        locale: columns.get("locale")?,
        time_zone: columns.get("time_zone")?,
        status: columns.parse("status")?,
        platform_role: columns.parse_nullable("platform_role")?,
        last_login_at: columns.get("last_login_at")?,
        created_at: columns.get("created_at")?,
        updated_at: columns.get("updated_at")?,
    })
}

const INSERT: &str = "\
    insert into catalog.users \
      (id, email, display_name, first_name, last_name, locale, time_zone, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
    returning id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at";

const FIND: &str = "\
    select id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at \
    from catalog.users where id = $1 and deleted_at is null";

const FIND_BY_EMAIL: &str = "\
    select id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at \
    from catalog.users where email = $1 and deleted_at is null";

const LOCK_BY_EMAIL: &str = "\
    select id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at \
    from catalog.users where email = $1 and deleted_at is null for no key update";

const TAKE_OVER: &str = "\
    update catalog.users set email_verified_at = coalesce(email_verified_at, $2), display_name = $3, \
      first_name = null, last_name = null, image_url = null \
    where id = $1 and deleted_at is null \
    returning id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at";

const VERIFY_EMAIL: &str = "\
    update catalog.users set email_verified_at = coalesce(email_verified_at, $2) \
    where id = $1 and deleted_at is null \
    returning id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, \
      status, platform_role, last_login_at, created_at, updated_at";

pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    FIND,
    FIND_BY_EMAIL,
    LOCK_BY_EMAIL,
    TAKE_OVER,
    VERIFY_EMAIL,
];
