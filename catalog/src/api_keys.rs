//! API keys: how programs speak for an organization, within the scopes each key was given.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::actor::Actor;
use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::{ApiKeyId, OrganizationId};
use crate::row::Columns;
use crate::scope::Scopes;
use crate::secret::{PlainSecret, Purpose, SecretDigest};
use crate::tx::CatalogTx;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose records it opens.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who makes it.
    pub created_by: Actor,
    /// When it ends; `None` is when it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key as it is stored: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose records it opens.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: String,
    /// The first characters of the secret, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who made it, as [`Actor`] prints.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

const INSERT: &str = "\
    insert into catalog.api_keys \
      (id, organization_id, name, prefix, key_sha256, scopes, created_by, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Makes a key. The secret is in the answer and nowhere else.
pub async fn insert(
    tx: &mut CatalogTx,
    new: NewApiKey,
    source: &Source,
) -> Result<(ApiKey, PlainSecret), CatalogError> {
    let secret = PlainSecret::generate(Purpose::ApiKey, source);
    let key = ApiKey {
        id: source.id(),
        organization: new.organization,
        name: new.name,
        prefix: secret.prefix().to_owned(),
        scopes: new.scopes,
        created_by: new.created_by.to_string(),
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
        created_at: source.now(),
    };
    tx.execute(
        INSERT,
        &[
            &key.id,
            &key.organization,
            &key.name,
            &key.prefix,
            &secret.digest(),
            &key.scopes.texts(),
            &key.created_by,
            &key.expires_at,
            &key.created_at,
        ],
    )
    .await?;
    Ok((key, secret))
}

const FIND_BY_DIGEST: &str = "\
    select id, organization_id, name, prefix, scopes, created_by, expires_at, last_used_at, revoked_at, created_at \
    from catalog.api_keys \
    where key_sha256 = $1 and organization_id = $2 \
      and revoked_at is null and (expires_at is null or expires_at > $3)";

/// The key of a secret somebody presents to this organization, while it is good.
pub async fn find_by_digest(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    digest: &SecretDigest,
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, CatalogError> {
    tx.row(FIND_BY_DIGEST, &[digest, &organization, &now])
        .await?
        .as_ref()
        .map(api_key)
        .transpose()
}

const REVOKE: &str = "\
    update catalog.api_keys set revoked_at = $3 \
    where id = $1 and organization_id = $2 and revoked_at is null";

/// Ends a key for good. Answers whether it was not ended before.
pub async fn revoke(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<bool, CatalogError> {
    Ok(tx.execute(REVOKE, &[&id, &organization, &now]).await? == 1)
}

const LIST: &str = "\
    select id, organization_id, name, prefix, scopes, created_by, expires_at, last_used_at, revoked_at, created_at \
    from catalog.api_keys \
    where organization_id = $1 \
    order by created_at desc, id desc";

/// All keys of an organization, the newest first, revoked ones included.
pub async fn list(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Vec<ApiKey>, CatalogError> {
    tx.rows(LIST, &[&organization])
        .await?
        .iter()
        .map(api_key)
        .collect()
}

/// The condition makes this a write once a minute per key, however often the key is used.
const TOUCH_LAST_USED: &str = "\
    update catalog.api_keys set last_used_at = $2 \
    where id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute')";

/// Notes that a key was used.
pub async fn touch_last_used(
    tx: &mut CatalogTx,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(TOUCH_LAST_USED, &[&id, &now]).await?;
    Ok(())
}

fn api_key(row: &Row) -> Result<ApiKey, CatalogError> {
    let columns = Columns::new(row, "api_keys");
    let scopes: Vec<String> = columns.get("scopes")?;
    Ok(ApiKey {
        id: columns.get("id")?,
        organization: columns.get("organization_id")?,
        name: columns.get("name")?,
        prefix: columns.get("prefix")?,
        scopes: Scopes::parse(&scopes).map_err(|_| columns.corrupt("scopes"))?,
        created_by: columns.get("created_by")?,
        expires_at: columns.get("expires_at")?,
        last_used_at: columns.get("last_used_at")?,
        revoked_at: columns.get("revoked_at")?,
        created_at: columns.get("created_at")?,
    })
}

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[INSERT, FIND_BY_DIGEST, REVOKE, LIST, TOUCH_LAST_USED];
