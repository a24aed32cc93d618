//! The end of a tenant: its schema and roles are removed, and a proof of erasure is left.
//!
//! One transaction does all of it where the server has the locks for that: either nothing is done or everything is. `drop
//! schema` locks every object it removes, and all of them share one table in PostgreSQL's memory with all other sessions
//! (`max_locks_per_transaction`, PostgreSQL documentation, section 20.12): a transaction that fills it fails, and others fail
//! with it. So `budget` counts before anything is touched, and a schema that does not fit goes in several transactions. The
//! first counts the rows, shuts the schema and says in the catalog that there is no way back; each further one drops
//! what fits, first what the roles have made for themselves, then tables; the last is that of a small schema. Whatever ends one of them, the next run goes on from there.

pub(crate) mod budget;
pub(crate) mod row_counts;

use catalog::actor::Actor;
use catalog::archives;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::departures::{self, CatalogRows, Counted, Departure};
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

use self::row_counts::Locks;
use super::stamp::{self, Found};
use super::{LifecycleError, Refusal, belongings, logins, psql_login};

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
    /// What of others hangs on it goes too.
    pub cascade: bool,
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
/// [`LifecycleError::Refused`] for one that is not due, gone, or has others' objects hanging on it;
/// [`LifecycleError::Stamp`] for a schema that is somebody else's.
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

/// What there is to know before a tenant is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// How many locks it takes at once.
    pub needed: i64,
    /// How many there are for one transaction.
    pub room: i64,
    /// What of others would go or lose something with it, such as `view reports.all_companies`.
    pub outside: Vec<String>,
    /// The large objects that its roles have made.
    pub large_objects: i64,
}

/// Looks at a schema that is to be removed.
pub async fn survey(tx: &mut CatalogTx, schema: &SchemaName) -> Result<Survey, PgError> {
    let tx = tx.transaction();
    let roles = roles(tx, schema).await?;
    Ok(Survey {
        needed: budget::of_schema(tx, schema).await? + belongings::locks(tx, &roles).await?,
        room: budget::room(tx).await?,
        outside: budget::outside(tx, schema).await?,
        large_objects: belongings::large_objects(tx, &roles).await?,
    })
}

/// How many large objects the roles of a schema have made.
pub(super) async fn large_objects(tx: &mut Transaction, schema: &SchemaName) -> Result<i64, PgError> {
    let roles = roles(tx, schema).await?;
    belongings::large_objects(tx, &roles).await
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
    let found = look(tx.transaction(), schema, organization).await?;
    let survey = survey(&mut tx, schema).await?;
    if !survey.outside.is_empty() && !how.cascade {
        return Err(Refusal::Outside(survey.outside).into());
    }
    let room = how.max_locks.map_or(survey.room, i64::from);
    let fits = survey.needed <= room;
    let counted = match leaving.departure.counted.clone() {
        Some(counted) => counted,
        None => count(tx.transaction(), schema, found, fits).await?,
    };
    if fits {
        remove(&mut tx, schema, found).await?;
        let erasure = bury(&mut tx, &leaving, &counted, how).await?;
        tx.commit().await?;
        return Ok(Some(erasure));
    }
    if leaving.departure.counted.is_some() {
        drop_some(tx.transaction(), schema, room).await?;
    } else {
        // From there on there is no way back, so there must be one forward.
        let relations = budget::relations(tx.transaction(), schema).await?;
        budget::check(&relations, room)?;
        departures::begin_purge(&mut tx, organization, &counted, how.source.now()).await?;
    }
    tx.commit().await?;
    Ok(None)
}

/// What there is under the schema's name: the tenant's schema, or nothing that is still there under another name.
async fn look(
    tx: &mut Transaction,
    schema: &SchemaName,
    organization: OrganizationId,
) -> Result<Found, LifecycleError> {
    let found = stamp::find(tx, schema, organization).await?;
    match found {
        Found::Ours => {}
        Found::Foreign => {
            return Err(LifecycleError::Stamp {
                schema: schema.clone(),
                organization,
            });
        }
        Found::Missing => {
            if let Some(name) = stamp::bearer(tx, organization).await? {
                return Err(Refusal::Renamed(name).into());
            }
        }
    }
    Ok(found)
}

/// What will be removed, when nobody writes any more.
async fn count(
    tx: &mut Transaction,
    schema: &SchemaName,
    found: Found,
    fits: bool,
) -> Result<Counted, PgError> {
    let roles = roles(tx, schema).await?;
    let rows = if found == Found::Missing {
        Value::Null
    } else {
        if !roles.is_empty() {
            let shut = format!("revoke all on schema {schema} from {}", roles.join(", "));
            tx.batch(&shut).await?;
        }
        let locks = if fits { Locks::Kept } else { Locks::LetGo };
        row_counts::count(tx, schema, locks).await?
    };
    Ok(Counted {
        rows,
        large_objects: belongings::large_objects(tx, &roles).await?,
    })
}

/// As much as fits: first what the roles have made, then relations.
async fn drop_some(tx: &mut Transaction, schema: &SchemaName, room: i64) -> Result<(), LifecycleError> {
    let roles = roles(tx, schema).await?;
    if belongings::large_objects(tx, &roles).await? > 0 {
        become_member(tx, &roles).await?;
        belongings::unlink_some(tx, &roles, room).await?;
        return Ok(());
    }
    let relations = budget::relations(tx, schema).await?;
    if relations.is_empty() {
        let needed = budget::of_schema(tx, schema).await? + belongings::locks(tx, &roles).await?;
        let what = "dropping its functions and types, and temporary tables of its roles,".to_owned();
        return Err(budget::too_many(what, needed, room));
    }
    budget::check(&relations, room)?;
    Ok(budget::drop_some(tx, &relations, room).await?)
}

/// Schema and roles. Rights that others gave to the roles elsewhere in this database go with them, and so do logins that
/// somebody made since the others were closed.
pub(super) async fn remove(tx: &mut CatalogTx, schema: &SchemaName, found: Found) -> Result<(), PgError> {
    let logins = psql_login::of_schema(tx, schema).await?;
    let tx = tx.transaction();
    let mut roles = roles(tx, schema).await?;
    roles.extend(logins.iter().map(ToString::to_string));
    let mut statements = Vec::new();
    if found == Found::Ours {
        statements.push(format!("drop schema {schema} cascade"));
    }
    if !roles.is_empty() {
        become_member(tx, &roles).await?;
        for login in &logins {
            logins::end_sessions(tx, &login.to_string()).await?;
        }
        let roles = roles.join(", ");
        statements.push(format!("drop owned by {roles}"));
        statements.push(format!("drop role {roles}"));
    }
    tx.batch(&statements.join(";\n")).await
}

/// Who made a role may become its member, and only a member may drop what it has.
async fn become_member(tx: &mut Transaction, roles: &[String]) -> Result<(), PgError> {
    tx.batch(&format!("grant {} to current_user", roles.join(", ")))
        .await
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
    counted: &Counted,
    how: Purge<'_>,
) -> Result<Erasure, LifecycleError> {
    let Leaving { tenant, schema, .. } = leaving;
    let now = how.source.now();
    let archive = archives::find(tx, tenant.id).await?;
    let gone = departures::finish(tx, tenant.id, now).await?;
    let mut record = record(leaving, counted, gone, how.actor, now);
    if let Some(archive) = archive {
        // A file that is out of our reach.
        record["archive"] = json!({"location": archive.location, "sha256": archive.sha256});
    }
    let erasure = Erasure::of(how.source.uuid(), tenant, how.actor, now, &record);
    erasures::insert(tx, &erasure).await?;
    let event = AuditEvent::TenantErased {
        schema: schema.schema.clone(),
        erasure: erasure.id,
        sha256: erasure.sha256.clone(),
    };
    audit::record(tx, how.actor, Some(tenant.id), &event, &Device::NONE, how.source).await?;
    Ok(erasure)
}

/// What was erased. Where a table could not be counted, there is no total; where the schema was not there, nothing is said
/// about what it may have held.
fn record(
    leaving: &Leaving,
    counted: &Counted,
    gone: CatalogRows,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Value {
    let Leaving {
        tenant,
        departure,
        schema,
    } = leaving;
    let tables = counted.rows.as_object();
    let total: Option<i64> = tables.and_then(|tables| tables.values().map(Value::as_i64).sum());
    json!({
        "organization_id": tenant.id,
        "slug": tenant.slug,
        "kind": tenant.kind,
        "schema": schema.schema.as_str(),
        "schema_found": tables.is_some(),
        "roles": [schema.schema.read_write_role(), schema.schema.read_only_role()],
        "template_version": schema.template_version,
        "created_at": tenant.created_at,
        "dropped_at": departure.at,
        "dropped_by": departure.by,
        "erased_at": now,
        "erased_by": actor.to_string(),
        "rows": counted.rows,
        "rows_total": total,
        "large_objects": counted.large_objects,
        "catalog": {
            "memberships": gone.memberships,
            "sessions": gone.sessions,
            "api_keys": gone.api_keys,
            "domains": gone.domains,
        },
    })
}

pub(crate) const ROLES: &str = "\
select r.rolname::text as role from pg_catalog.pg_roles r where r.rolname = any($1::text[]) order by r.rolname";
