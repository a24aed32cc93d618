//! The end of a tenant: its schema and roles are removed, and a proof of erasure is left.
//!
//! One transaction does all of it where the server has the locks for that: either nothing is done or everything is. `drop
//! schema` locks every object it removes, and all of them share one table in PostgreSQL's memory with all other sessions
//! (`max_locks_per_transaction`, PostgreSQL documentation, section 20.12): a transaction that fills it fails, and others fail
//! with it. So `budget` counts before anything is touched, and a schema that does not fit goes in several transactions. The
//! first counts the rows, shuts the schema and says in the catalog that there is no way back; each further one drops tables
//! that fit; the last is that of a small schema. Whatever ends one of them, the next run goes on from there.

pub(crate) mod budget;
pub(crate) mod row_counts;

use catalog::actor::Actor;
use catalog::archives;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::departures::{self, CatalogRows, Departure};
use catalog::erasures::{self, Erasure};
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::organizations::{self, Organization};
use catalog::pg::migrator;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::stamp::{self, Found};
use super::{LifecycleError, Refusal, psql_login};

/// Which tenants may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Those whose grace is over, or whose purge has begun.
    AfterGrace,
    /// Every one that was dropped.
    Now,
}

/// How to remove one.
#[derive(Debug, Clone, Copy)]
pub struct Purge<'a> {
    /// Whether its grace counts.
    pub due: Due,
    /// The most locks one transaction may take, if not half of those that are left.
    pub max_locks: Option<u32>,
    /// Who does it.
    pub actor: &'a Actor,
    /// Clock and randomness.
    pub source: &'a Source,
}

/// A tenant that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The proof.
    pub erasure: Erasure,
    /// How many transactions it took.
    pub transactions: u32,
}

/// A tenant to be removed, with its two rows.
struct Leaving {
    tenant: Organization,
    departure: Departure,
    schema: TenantSchema,
}

/// Removes a dropped tenant. Run again after whatever ended it, it goes on where it was.
///
/// # Errors
/// [`LifecycleError::Refused`] for one that is not due or gone; [`LifecycleError::Stamp`] for a schema that is somebody
/// else's.
pub async fn purge(
    db: &CatalogDb,
    organization: OrganizationId,
    how: Purge<'_>,
) -> Result<Purged, LifecycleError> {
    close_logins(db, organization, how).await?;
    let mut transactions = 0;
    loop {
        transactions += 1;
        if let Some(erasure) = Box::pin(step(db, organization, how)).await? {
            return Ok(Purged {
                erasure,
                transactions,
            });
        }
    }
}

/// How many locks it takes to remove a schema at once, and how many there are for one transaction.
pub async fn locks(tx: &mut CatalogTx, schema: &SchemaName) -> Result<(i64, i64), PgError> {
    let needed = budget::of_schema(tx.transaction(), schema).await?;
    Ok((needed, budget::room(tx.transaction()).await?))
}

/// Ends the sessions of people who have psql open on the tenant.
async fn close_logins(
    db: &CatalogDb,
    organization: OrganizationId,
    how: Purge<'_>,
) -> Result<(), LifecycleError> {
    let mut tx = db.begin().await?;
    let leaving = leaving(&mut tx, organization, how).await?;
    let logins = psql_login::of_schema(&mut tx, &leaving.schema.schema).await?;
    tx.rollback().await?;
    for login in &logins {
        psql_login::drop(db, login).await?;
    }
    Ok(())
}

/// The tenant, locked, if it may be removed.
async fn leaving(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    how: Purge<'_>,
) -> Result<Leaving, LifecycleError> {
    let tenant = organizations::lock(tx, organization)
        .await?
        .ok_or(Refusal::Gone)?;
    let departure = departures::find(tx, organization)
        .await?
        .ok_or(Refusal::NotDropped)?;
    if how.due == Due::AfterGrace && !departure.is_due(how.source.now()) {
        return Err(Refusal::InGrace(departure.purge_after).into());
    }
    let schema = tenant_schemas::find(tx, organization)
        .await?
        .ok_or(CatalogError::NotATenant)?;
    Ok(Leaving {
        tenant,
        departure,
        schema,
    })
}

/// One transaction: the last one, which gives the proof, or one that brings the last one nearer.
async fn step(
    db: &CatalogDb,
    organization: OrganizationId,
    how: Purge<'_>,
) -> Result<Option<Erasure>, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let leaving = leaving(&mut tx, organization, how).await?;
    let schema = &leaving.schema.schema;
    // No migration is under way, and none begins.
    migrator::lock(tx.transaction(), schema.as_str()).await?;
    let found = stamp::find(tx.transaction(), schema, organization).await?;
    if found == Found::Foreign {
        return Err(LifecycleError::Stamp {
            schema: schema.clone(),
            organization,
        });
    }
    let needed = budget::of_schema(tx.transaction(), schema).await?;
    let room = match how.max_locks {
        Some(most) => most.into(),
        None => budget::room(tx.transaction()).await?,
    };
    let fits = needed <= room;
    let rows = match leaving.departure.row_counts.clone() {
        Some(counted) => counted,
        None if found == Found::Missing => json!({}),
        None => {
            shut(tx.transaction(), schema).await?;
            row_counts::count(tx.transaction(), schema, fits).await?
        }
    };
    if fits {
        remove(tx.transaction(), schema, found).await?;
        let erasure = bury(&mut tx, &leaving, &rows, how).await?;
        tx.commit().await?;
        return Ok(Some(erasure));
    }
    if leaving.departure.row_counts.is_some() {
        budget::drop_some(tx.transaction(), schema, room).await?;
    } else {
        departures::begin_purge(&mut tx, organization, &rows, how.source.now()).await?;
    }
    tx.commit().await?;
    Ok(None)
}

/// Nobody writes from here on, by whatever login.
async fn shut(tx: &mut Transaction, schema: &SchemaName) -> Result<(), PgError> {
    match roles(tx, schema).await?.as_slice() {
        [] => Ok(()),
        roles => {
            let shut = format!("revoke all on schema {schema} from {}", roles.join(", "));
            tx.batch(&shut).await
        }
    }
}

/// Schema and roles. Rights that others gave to the roles elsewhere in this database go with them.
pub(super) async fn remove(tx: &mut Transaction, schema: &SchemaName, found: Found) -> Result<(), PgError> {
    let mut statements = Vec::new();
    if found == Found::Ours {
        statements.push(format!("drop schema {schema} cascade"));
    }
    let roles = roles(tx, schema).await?.join(", ");
    if !roles.is_empty() {
        // Who made a role may become its member, and only a member may drop what it has.
        statements.push(format!("grant {roles} to current_user"));
        statements.push(format!("drop owned by {roles}"));
        statements.push(format!("drop role {roles}"));
    }
    tx.batch(&statements.join(";\n")).await
}

/// The roles of the schema that there are.
async fn roles(tx: &mut Transaction, schema: &SchemaName) -> Result<Vec<String>, PgError> {
    let known = [schema.read_write_role(), schema.read_only_role()];
    let rows = tx.rows(ROLES, &[&known.as_slice()]).await?;
    Ok(rows.iter().map(|row| row.get("role")).collect())
}

/// What the catalog had of the tenant goes too; the proof and an audit entry come.
async fn bury(
    tx: &mut CatalogTx,
    leaving: &Leaving,
    rows: &Value,
    how: Purge<'_>,
) -> Result<Erasure, LifecycleError> {
    let Leaving { tenant, schema, .. } = leaving;
    let now = how.source.now();
    let archive = archives::find(tx, tenant.id).await?;
    let gone = departures::finish(tx, tenant.id, now).await?;
    let mut record = record(leaving, rows, gone, how.actor, now);
    if let Some(archive) = archive {
        // A file that is out of our reach.
        record["archive"] = json!({"location": archive.location, "sha256": archive.sha256});
    }
    let erasure = erasures::insert(tx, tenant.id, &tenant.slug, &record, how.actor, how.source).await?;
    let event = AuditEvent::TenantErased {
        schema: schema.schema.clone(),
        erasure: erasure.id,
        sha256: erasure.sha256.clone(),
    };
    audit::record(tx, how.actor, Some(tenant.id), &event, &Device::NONE, how.source).await?;
    Ok(erasure)
}

fn record(leaving: &Leaving, rows: &Value, gone: CatalogRows, actor: &Actor, now: DateTime<Utc>) -> Value {
    let Leaving {
        tenant,
        departure,
        schema,
    } = leaving;
    let counted = rows.as_object().into_iter().flat_map(|rows| rows.values());
    let total: i64 = counted.filter_map(Value::as_i64).sum();
    json!({
        "organization_id": tenant.id,
        "slug": tenant.slug,
        "kind": tenant.kind,
        "schema": schema.schema.as_str(),
        "roles": [schema.schema.read_write_role(), schema.schema.read_only_role()],
        "template_version": schema.template_version,
        "created_at": tenant.created_at,
        "dropped_at": departure.at,
        "dropped_by": departure.by,
        "erased_at": now,
        "erased_by": actor.to_string(),
        "rows": rows,
        "rows_total": total,
        "catalog": {
            "memberships": gone.memberships,
            "sessions": gone.sessions,
            "api_keys": gone.api_keys,
        },
    })
}

pub(crate) const ROLES: &str = "\
select r.rolname::text as role from pg_catalog.pg_roles r where r.rolname = any($1::text[]) order by r.rolname";
