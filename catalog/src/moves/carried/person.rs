//! One of the people of a tenant that is taken to another database: membership, account and password.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Settled;
use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::{MembershipId, OrganizationId, UserId};
use crate::memberships::Membership;
use crate::row::Columns;
use crate::sessions::{self, RevokeReason};
use crate::tx::CatalogTx;

#[derive(Clone, PartialEq)]
pub(super) struct Person {
    pub(super) membership: Membership,
    pub(super) user: UserId,
    pub(super) email: EmailAddress,
    email_verified_at: Option<DateTime<Utc>>,
    display_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
    status: String,
    metadata: Value,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    password: Option<(String, DateTime<Utc>)>,
}

/// An account of the other database.
pub(super) struct Account {
    pub(super) id: UserId,
    pub(super) is_verified: bool,
    pub(super) may_sign_in: bool,
    changed_at: Option<DateTime<Utc>>,
}

impl Person {
    /// The people of an organization, the first to join first.
    pub(super) async fn of(
        tx: &mut CatalogTx,
        organization: OrganizationId,
    ) -> Result<Vec<Self>, CatalogError> {
        tx.rows(PEOPLE, &[&organization])
            .await?
            .iter()
            .map(person)
            .collect()
    }

    /// The person's account there: the very one, or the one with the same address.
    pub(super) async fn account(&self, there: &mut CatalogTx) -> Result<Option<Account>, CatalogError> {
        // The address of an account that was deleted is anybody's.
        let email = self.deleted_at.is_none().then(|| self.email.as_str());
        let row = there.row(ACCOUNT, &[&self.user, &email]).await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new(&row, "users");
        Ok(Some(Account {
            id: columns.get("id")?,
            is_verified: columns.get("is_verified")?,
            may_sign_in: columns.get("may_sign_in")?,
            changed_at: columns.get("changed_at")?,
        }))
    }

    /// Enters the membership, and the account if there is none.
    pub(super) async fn enter(
        &self,
        there: &mut CatalogTx,
        settled: &mut Settled,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        let mut membership = self.membership.clone();
        match self.account(there).await? {
            None => self.enter_account(there, now).await?,
            Some(account) if account.id == self.user => {
                // The account is as it was left there, or as another tenant of that database needs it.
                membership.active &= self.may_sign_in() || membership.is_owner;
                self.bring_password(there, &account, now).await?;
            }
            Some(account) => {
                settled.users.insert(self.user.uuid(), account.id.uuid());
                membership.user = account.id;
                // An owner who may not enter is an owner that the tables refuse; one who may not here is no owner to move.
                membership.active &= account.is_verified && (self.may_sign_in() || membership.is_owner);
            }
        }
        let Membership {
            id,
            organization,
            user,
            role,
            is_owner,
            active,
            created_at,
            ..
        } = &membership;
        let role = role.as_str();
        let values: [&(dyn ToSql + Sync); 8] =
            [id, organization, user, &role, is_owner, active, created_at, &now];
        there.execute(ENTER_MEMBERSHIP, &values).await?;
        if membership.active != self.membership.active {
            let email = self.email.to_string();
            let name = self.display_name.clone().unwrap_or_else(|| email.clone());
            settled.held_back.push((membership, name, email));
        }
        Ok(())
    }

    /// Whether the account lets the person in where the tenant comes from.
    pub(super) fn may_sign_in(&self) -> bool {
        self.status == "active" && self.deleted_at.is_none()
    }

    /// Of two passwords of one account the later one holds, and who has signed in with the other is signed out: it may have
    /// been changed because a stranger knew it.
    async fn bring_password(
        &self,
        there: &mut CatalogTx,
        account: &Account,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        let Some((hash, changed_at)) = &self.password else {
            return Ok(());
        };
        if account.changed_at.is_some_and(|known| known >= *changed_at) {
            return Ok(());
        }
        there
            .execute(ENTER_PASSWORD, &[&self.user, hash, changed_at])
            .await?;
        let reason = RevokeReason::Administrator;
        sessions::revoke_of_user(there, self.user, None, None, reason, now).await?;
        Ok(())
    }

    async fn enter_account(&self, there: &mut CatalogTx, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let values: [&(dyn ToSql + Sync); 14] = [
            &self.user,
            &self.email.as_str(),
            &self.email_verified_at,
            &self.display_name,
            &self.first_name,
            &self.last_name,
            &self.image_url,
            &self.locale,
            &self.time_zone,
            &self.status,
            &self.metadata,
            &self.created_at,
            &now,
            &self.deleted_at,
        ];
        there.execute(ENTER_ACCOUNT, &values).await?;
        if let Some((hash, changed_at)) = &self.password {
            there
                .execute(ENTER_PASSWORD, &[&self.user, hash, changed_at])
                .await?;
        }
        Ok(())
    }
}

fn person(row: &Row) -> Result<Person, CatalogError> {
    let columns = Columns::new(row, "memberships");
    let account = Columns::new(row, "users");
    let hash: Option<String> = account.get("password_hash")?;
    let user = account.get("user_id")?;
    Ok(Person {
        membership: Membership {
            id: columns.get::<MembershipId>("id")?,
            organization: columns.get("organization_id")?,
            user,
            role: columns.parse("role")?,
            is_owner: columns.get("is_owner")?,
            active: columns.get("active")?,
            created_at: columns.get("joined_at")?,
            updated_at: columns.get("updated_at")?,
        },
        user,
        email: account.parse("email")?,
        email_verified_at: account.get("email_verified_at")?,
        display_name: account.get("display_name")?,
        first_name: account.get("first_name")?,
        last_name: account.get("last_name")?,
        image_url: account.get("image_url")?,
        locale: account.get("locale")?,
        time_zone: account.get("time_zone")?,
        status: account.get("status")?,
        metadata: account.get("metadata")?,
        created_at: account.get("created_at")?,
        deleted_at: account.get("deleted_at")?,
        password: hash.zip(account.get("changed_at")?),
    })
}

const PEOPLE: &str = "\
    select m.id, m.organization_id, m.role, m.is_owner, m.active, m.created_at as joined_at, m.updated_at, \
      u.id as user_id, u.email, u.email_verified_at, u.display_name, u.first_name, u.last_name, u.image_url, u.locale, \
      u.time_zone, u.status, u.metadata, u.created_at, u.deleted_at, c.password_hash, c.changed_at \
    from catalog.memberships m join catalog.users u on u.id = m.user_id \
    left join catalog.user_credentials c on c.user_id = u.id \
    where m.organization_id = $1 order by m.created_at, m.id";

// An account of the same id is the same person, whatever the address is by now.
const ACCOUNT: &str = "\
    select u.id, u.email_verified_at is not null as is_verified, \
      u.status = 'active' and u.deleted_at is null as may_sign_in, c.changed_at \
    from catalog.users u left join catalog.user_credentials c on c.user_id = u.id \
    where u.id = $1 or (u.email = $2 and u.deleted_at is null) \
    order by u.id = $1 desc limit 1";

const ENTER_MEMBERSHIP: &str = "\
    insert into catalog.memberships \
      (id, organization_id, user_id, role, is_owner, active, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const ENTER_ACCOUNT: &str = "\
    insert into catalog.users \
      (id, email, email_verified_at, display_name, first_name, last_name, image_url, locale, time_zone, status, metadata, \
       created_at, updated_at, deleted_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

const ENTER_PASSWORD: &str = "\
    insert into catalog.user_credentials (user_id, password_hash, changed_at) values ($1, $2, $3) \
    on conflict (user_id) do update \
    set password_hash = excluded.password_hash, changed_at = excluded.changed_at, \
      failed_count = 0, lock_count = 0, last_failed_at = null, locked_until = null";

pub(crate) const STATEMENTS: &[&str] = &[PEOPLE, ACCOUNT, ENTER_MEMBERSHIP, ENTER_ACCOUNT, ENTER_PASSWORD];
