//! What only the catalog has of a tenant, taken from one database into another: the organization with its plan and its
//! suspension, its people with their accounts, its keys.
//!
//! Ids stay what they are. A person who has an account there under the same address is that account, which keeps its password;
//! everybody else's account comes along with its password. Who may not sign in here is not let in there,
//! and of two passwords of one account the later one holds. An address that nobody has verified there may be a stranger's
//! choice, so such an account is let in nowhere. Sessions stay behind: the other database signs with keys of its own.

pub(crate) mod person;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use self::person::Person;
use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::{ApiKeyId, OrganizationId};
use crate::memberships::Membership;
use crate::organizations::{Organization, OrganizationKind};
use crate::plans::{self, Assignment};
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::standing::{self, Suspension};
use crate::tenant_schemas::ENGINE_VERSION;
use crate::tx::CatalogTx;

/// All of it.
#[derive(Clone, PartialEq)]
pub struct Carried {
    organization: Organization,
    parent: Option<Slug>,
    metadata: Value,
    password_policy: Option<Value>,
    pinned_version: Option<i32>,
    first_schema: Option<String>,
    assignment: Assignment,
    suspension: Option<Suspension>,
    people: Vec<Person>,
    keys: Vec<Key>,
    grants: Vec<String>,
}

#[derive(Clone, PartialEq)]
struct Key {
    id: ApiKeyId,
    name: String,
    prefix: String,
    sha256: Vec<u8>,
    scopes: Vec<String>,
    created_by: String,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// What keeps it from being put down in another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The agency of a client is not there under its slug.
    NoAgency(Slug),
    /// The plan is not there.
    NoPlan(String),
    /// Another account there has the address of the tenant's owner, and has never verified it.
    UnverifiedOwner(EmailAddress),
    /// The tenant's owner may not sign in here, and may there.
    ShutOutOwner(EmailAddress),
}

/// The people of a tenant that was put down.
pub struct Settled {
    /// The accounts that are others there, by what they are here.
    pub users: HashMap<Uuid, Uuid>,
    /// Memberships that grant nothing there, though they do here: as they are there, with name and address.
    pub held_back: Vec<(Membership, String, String)>,
}

/// The schema that a tenant gets.
#[derive(Debug, Clone)]
pub struct NewHome<'a> {
    /// Its name.
    pub schema: &'a SchemaName,
    /// The last template migration applied.
    pub template_version: i32,
}

impl Carried {
    /// Takes it up. The organization is locked.
    pub async fn read(tx: &mut CatalogTx, organization: &Organization) -> Result<Self, CatalogError> {
        let id = organization.id;
        let row = tx.row(BESIDES, &[&id]).await?;
        let row = row.ok_or(CatalogError::NotFound { what: "organization" })?;
        let columns = Columns::new(&row, "organizations");
        let people = Person::of(tx, id).await?;
        let keys = tx.rows(KEYS, &[&id]).await?;
        let grants = tx.rows(GRANTS, &[&id]).await?;
        Ok(Self {
            organization: organization.clone(),
            parent: columns.parse_nullable("parent_slug")?,
            metadata: columns.get("metadata")?,
            password_policy: columns.get("password_policy")?,
            pinned_version: columns.get("pinned_version")?,
            first_schema: columns.get("first_schema")?,
            assignment: plans::assignment(tx, id).await?,
            suspension: standing::suspension(tx, id).await?,
            people,
            keys: keys.iter().map(key).collect::<Result<_, _>>()?,
            grants: grants.iter().map(|row| row.get("role_name")).collect(),
        })
    }

    /// How many people come along.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// How many keys come along, void ones included.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Roles of people's own that may open the tenant, which do not come along: they are the other server's to have.
    pub fn grants(&self) -> &[String] {
        &self.grants
    }

    /// Looks for what would keep it from being put down.
    pub async fn obstacle(&self, there: &mut CatalogTx) -> Result<Option<Obstacle>, CatalogError> {
        if let Some(slug) = &self.parent
            && self.agency(there).await?.is_none()
        {
            return Ok(Some(Obstacle::NoAgency(slug.clone())));
        }
        if let Some(plan) = &self.assignment.plan
            && plans::lock(there, plan).await?.is_none()
        {
            return Ok(Some(Obstacle::NoPlan(plan.clone())));
        }
        for person in self.people.iter().filter(|person| person.membership.is_owner) {
            let Some(account) = person.account(there).await? else {
                continue;
            };
            if account.id != person.user && !account.is_verified {
                return Ok(Some(Obstacle::UnverifiedOwner(person.email.clone())));
            }
            if account.may_sign_in && !person.may_sign_in() {
                return Ok(Some(Obstacle::ShutOutOwner(person.email.clone())));
            }
        }
        Ok(None)
    }

    /// Enters the organization, or brings the row back that it had when it lived there before.
    ///
    /// # Errors
    /// [`CatalogError::SlugTaken`], [`CatalogError::SlugRetired`], [`CatalogError::SlugReserved`],
    /// [`CatalogError::InvalidParent`].
    pub async fn enter_organization(
        &self,
        there: &mut CatalogTx,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        let parent = self.agency(there).await?;
        if self.organization.kind == OrganizationKind::Client && parent.is_none() {
            return Err(CatalogError::InvalidParent);
        }
        let Organization {
            id,
            kind,
            slug,
            name,
            logo_url,
            contact_email,
            status,
            plan,
            settings,
            created_at,
            ..
        } = &self.organization;
        let (kind, slug, status) = (kind.as_str(), slug.as_str(), status.as_str());
        let values: [&(dyn ToSql + Sync); 14] = [
            id,
            &kind,
            &parent,
            &slug,
            name,
            logo_url,
            contact_email,
            &status,
            plan,
            settings,
            &self.metadata,
            &self.password_policy,
            created_at,
            &now,
        ];
        only_where_free(there.execute(ENTER_ORGANIZATION, &values).await?)?;
        if let Some(suspension) = &self.suspension {
            standing::enter_suspension(there, *id, suspension).await?;
        }
        plans::assign(there, *id, &self.assignment, now).await?;
        Ok(())
    }

    /// Enters people, keys and the schema.
    pub async fn enter_rest(
        &self,
        there: &mut CatalogTx,
        home: &NewHome<'_>,
        now: DateTime<Utc>,
    ) -> Result<Settled, CatalogError> {
        let id = self.organization.id;
        let mut settled = Settled {
            users: HashMap::new(),
            held_back: Vec::new(),
        };
        for person in &self.people {
            person.enter(there, &mut settled, now).await?;
        }
        for key in &self.keys {
            key.enter(there, id).await?;
        }
        let (schema, version) = (home.schema.as_str(), home.template_version);
        let values: [&(dyn ToSql + Sync); 7] = [
            &id,
            &schema,
            &version,
            &now,
            &ENGINE_VERSION,
            &self.pinned_version,
            &self.first_schema,
        ];
        only_where_free(there.execute(ENTER_SCHEMA, &values).await?)?;
        // It lives there again.
        there.execute(FORGET_MOVE, &[&id]).await?;
        Ok(settled)
    }

    async fn agency(&self, there: &mut CatalogTx) -> Result<Option<OrganizationId>, CatalogError> {
        let Some(slug) = &self.parent else { return Ok(None) };
        let row = there.row(AGENCY, &[&slug.as_str()]).await?;
        row.map_or(Ok(None), |row| Columns::new(&row, "organizations").get("id"))
    }
}

impl Key {
    async fn enter(&self, there: &mut CatalogTx, organization: OrganizationId) -> Result<(), CatalogError> {
        let values: [&(dyn ToSql + Sync); 10] = [
            &self.id,
            &organization,
            &self.name,
            &self.prefix,
            &self.sha256,
            &self.scopes,
            &self.created_by,
            &self.expires_at,
            &self.revoked_at,
            &self.created_at,
        ];
        there.execute(ENTER_KEY, &values).await?;
        Ok(())
    }
}

/// A row that is there, and is not what a tenant left behind that has moved away, is replaced by nobody.
fn only_where_free(rows: u64) -> Result<(), CatalogError> {
    if rows == 0 {
        Err(CatalogError::NotFound { what: "organization" })
    } else {
        Ok(())
    }
}

fn key(row: &Row) -> Result<Key, CatalogError> {
    let columns = Columns::new(row, "api_keys");
    Ok(Key {
        id: columns.get("id")?,
        name: columns.get("name")?,
        prefix: columns.get("prefix")?,
        sha256: columns.get("key_sha256")?,
        scopes: columns.get("scopes")?,
        created_by: columns.get("created_by")?,
        expires_at: columns.get("expires_at")?,
        revoked_at: columns.get("revoked_at")?,
        created_at: columns.get("created_at")?,
    })
}

const BESIDES: &str = "\
    select o.metadata, o.password_policy, p.slug as parent_slug, t.pinned_version, \
      coalesce(t.first_schema, t.schema_name) as first_schema \
    from catalog.organizations o \
    left join catalog.organizations p on p.id = o.parent_id \
    left join catalog.tenant_schemas t on t.organization_id = o.id \
    where o.id = $1";

const KEYS: &str = "\
    select id, name, prefix, key_sha256, scopes, created_by, expires_at, revoked_at, created_at \
    from catalog.api_keys where organization_id = $1 order by created_at, id";

const GRANTS: &str = "select role_name from catalog.dba_grants where organization_id = $1 order by role_name";

const AGENCY: &str = "\
    select id from catalog.organizations where slug = $1 and kind = 'agency' and deleted_at is null";

// Only what is left of a tenant that has moved away is replaced.
const ENTER_ORGANIZATION: &str = "\
    insert into catalog.organizations \
      (id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, metadata, password_policy, \
       created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
    on conflict on constraint organizations_pkey do update set kind = excluded.kind, parent_id = excluded.parent_id, \
      slug = excluded.slug, name = excluded.name, logo_url = excluded.logo_url, contact_email = excluded.contact_email, \
      status = excluded.status, plan = excluded.plan, settings = excluded.settings, metadata = excluded.metadata, \
      password_policy = excluded.password_policy, created_at = excluded.created_at, deleted_at = null \
    where organizations.deleted_at is not null and exists ( \
      select from catalog.moves m where m.organization_id = organizations.id and m.state = 'moved')";

const ENTER_SCHEMA: &str = "\
    insert into catalog.tenant_schemas \
      (organization_id, organization_kind, schema_name, template_version, created_at, migrated_at, engine_version, \
       pinned_version, first_schema) \
    select o.id, o.kind, $2, $3, $4, $4, $5, $6, $7 from catalog.organizations o where o.id = $1 \
    on conflict on constraint tenant_schemas_pkey do update set schema_name = excluded.schema_name, state = 'ready', \
      template_version = excluded.template_version, created_at = excluded.created_at, \
      migrated_at = excluded.migrated_at, last_error = null, engine_version = excluded.engine_version, \
      pinned_version = excluded.pinned_version, first_schema = excluded.first_schema \
    where tenant_schemas.state = 'dropped'";

const FORGET_MOVE: &str = "delete from catalog.moves where organization_id = $1 and state = 'moved'";

const ENTER_KEY: &str = "\
    insert into catalog.api_keys \
      (id, organization_id, name, prefix, key_sha256, scopes, created_by, expires_at, revoked_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(crate) const STATEMENTS: &[&str] = &[
    BESIDES,
    KEYS,
    GRANTS,
    AGENCY,
    ENTER_ORGANIZATION,
    ENTER_SCHEMA,
    FORGET_MOVE,
    ENTER_KEY,
];
