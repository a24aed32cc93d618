//! Plans, the exceptions made for single tenants, and the measuring of their storage: what an operator does with them.
//! What comes of it for a tenant is in [`limits`](crate::limits).

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::limits::{Limit, Limits};
use crate::row::Columns;
use crate::tenant_schemas::is_here;
use crate::tx::CatalogTx;

/// The name of the plan of tenants that have no other.
pub const DEFAULT: &str = "default";

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it limits; `None` is no limit.
    pub limits: Limits,
    /// How many tenants are on it.
    pub tenants: i64,
}

/// What was said about one tenant: its plan, and where it has other limits than that; 0 is none at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Its plan; `None` is [`DEFAULT`].
    pub plan: Option<String>,
    /// Its exceptions; `None` is what the plan says.
    pub exceptions: Limits,
}

/// All plans, by name.
pub async fn list(tx: &mut CatalogTx) -> Result<Vec<Plan>, CatalogError> {
    tx.rows(LIST, &[]).await?.iter().map(plan).collect()
}

/// One plan, locked until the transaction ends.
pub async fn lock(tx: &mut CatalogTx, name: &str) -> Result<Option<Plan>, CatalogError> {
    let found = tx.row(LOCK, &[&name]).await?;
    found.as_ref().map(plan).transpose()
}

/// Enters a plan, or gives one that is there these limits.
///
/// # Errors
/// [`CatalogError::Invalid`] for a name or a number that cannot be.
pub async fn set(
    tx: &mut CatalogTx,
    name: &str,
    limits: &Limits,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    let numbers = Limit::ALL.iter().map(|limit| limits.get(*limit));
    let numbers: Vec<Option<i64>> = numbers.collect();
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&name, &now];
    for number in &numbers {
        params.push(number);
    }
    tx.execute(SET, &params).await?;
    Ok(())
}

/// Removes a plan that no tenant is on.
///
/// # Errors
/// [`CatalogError::PlanInUse`], [`CatalogError::NotFound`].
pub async fn remove(tx: &mut CatalogTx, name: &str) -> Result<(), CatalogError> {
    match tx.execute(REMOVE, &[&name]).await {
        Ok(0) => Err(CatalogError::NotFound { what: "plan" }),
        Ok(_) => Ok(()),
        // From this side it says that the plan is referred to, not that it is missing.
        Err(error) if error.constraint() == Some("tenant_plans_plan_fkey") => Err(CatalogError::PlanInUse),
        Err(error) => Err(error.into()),
    }
}

/// What was said about a tenant. The organization is to be locked, so that nobody else says something meanwhile.
pub async fn assignment(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<Assignment, CatalogError> {
    let Some(row) = tx.row(ASSIGNMENT, &[&organization]).await? else {
        return Ok(Assignment::default());
    };
    let columns = Columns::new(&row, "tenant_plans");
    Ok(Assignment {
        plan: columns.get("plan")?,
        exceptions: Limits::of(columns)?,
    })
}

/// Says it anew.
///
/// # Errors
/// [`CatalogError::NotFound`] where there is no such plan, [`CatalogError::Invalid`] for a number that cannot be.
pub async fn assign(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    assignment: &Assignment,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    let exceptions = &assignment.exceptions;
    let numbers = Limit::ALL.iter().map(|limit| exceptions.get(*limit));
    let numbers: Vec<Option<i64>> = numbers.collect();
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&organization, &assignment.plan, &now];
    for number in &numbers {
        params.push(number);
    }
    tx.execute(ASSIGN, &params).await?;
    Ok(())
}

/// A tenant that takes more room than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// How many tenants were measured.
    pub tenants: i64,
    /// Their room on disk in bytes.
    pub bytes: i64,
    /// Those at or beyond a limit: slug, bytes, soft and hard limit; the largest first.
    pub beyond: Vec<(String, i64, Option<i64>, Option<i64>)>,
}

/// Measures all tenants in one statement, and keeps what each takes.
pub async fn measure(tx: &mut CatalogTx, now: DateTime<Utc>) -> Result<Measured, CatalogError> {
    let all = tx.row(MEASURE, &[&now]).await?;
    let all = all.ok_or(CatalogError::NotFound { what: "measurement" })?;
    let columns = Columns::new(&all, "tenant_sizes");
    let mut beyond = Vec::new();
    for row in tx.rows(BEYOND, &[]).await? {
        let columns = Columns::new(&row, "tenant_sizes");
        beyond.push((
            columns.get("slug")?,
            columns.get("bytes")?,
            columns.get("storage_soft_bytes")?,
            columns.get("storage_hard_bytes")?,
        ));
    }
    Ok(Measured {
        tenants: columns.get("tenants")?,
        bytes: columns.get("bytes")?,
        beyond,
    })
}

fn plan(row: &Row) -> Result<Plan, CatalogError> {
    let columns = Columns::new(row, "plans");
    Ok(Plan {
        name: columns.get("name")?,
        limits: Limits::of(columns)?,
        tenants: columns.get("tenants")?,
    })
}

const LIST: &str = concat!(
    "\
    select p.name, p.in_flight, p.statement_timeout_ms, p.rows_per_request, p.storage_soft_bytes, p.storage_hard_bytes, \
      (select count(*) from catalog.tenant_schemas s left join catalog.tenant_plans t using (organization_id) \
        where ",
    is_here!("s"),
    " and coalesce(t.plan, 'default') = p.name) as tenants \
    from catalog.plans p order by p.name"
);

const LOCK: &str = concat!(
    "\
    select p.name, p.in_flight, p.statement_timeout_ms, p.rows_per_request, p.storage_soft_bytes, p.storage_hard_bytes, \
      (select count(*) from catalog.tenant_schemas s left join catalog.tenant_plans t using (organization_id) \
        where ",
    is_here!("s"),
    " and coalesce(t.plan, 'default') = p.name) as tenants \
    from catalog.plans p where p.name = $1 for update of p"
);

const SET: &str = "\
    insert into catalog.plans \
      (name, updated_at, in_flight, statement_timeout_ms, rows_per_request, storage_soft_bytes, storage_hard_bytes) \
    values ($1, $2, $3, $4, $5, $6, $7) \
    on conflict on constraint plans_pkey do update set \
      updated_at = excluded.updated_at, in_flight = excluded.in_flight, \
      statement_timeout_ms = excluded.statement_timeout_ms, rows_per_request = excluded.rows_per_request, \
      storage_soft_bytes = excluded.storage_soft_bytes, storage_hard_bytes = excluded.storage_hard_bytes";

const REMOVE: &str = "delete from catalog.plans where name = $1";

const ASSIGNMENT: &str = "\
    select plan, in_flight, statement_timeout_ms, rows_per_request, storage_soft_bytes, storage_hard_bytes \
    from catalog.tenant_plans where organization_id = $1";

const ASSIGN: &str = "\
    insert into catalog.tenant_plans \
      (organization_id, plan, updated_at, in_flight, statement_timeout_ms, rows_per_request, \
       storage_soft_bytes, storage_hard_bytes) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) \
    on conflict on constraint tenant_plans_pkey do update set \
      plan = excluded.plan, updated_at = excluded.updated_at, in_flight = excluded.in_flight, \
      statement_timeout_ms = excluded.statement_timeout_ms, rows_per_request = excluded.rows_per_request, \
      storage_soft_bytes = excluded.storage_soft_bytes, storage_hard_bytes = excluded.storage_hard_bytes";

/// Out-of-line values and indexes count with their table.
const MEASURE: &str = concat!(
    "\
    with measured as ( \
      insert into catalog.tenant_sizes (organization_id, bytes, measured_at) \
      select s.organization_id, coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint, $1 \
      from catalog.tenant_schemas s \
      join pg_catalog.pg_namespace n on n.nspname = s.schema_name \
      left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'm') \
      where ",
    is_here!("s"),
    " \
      group by s.organization_id \
      order by s.organization_id \
      on conflict on constraint tenant_sizes_pkey do update \
        set bytes = excluded.bytes, measured_at = excluded.measured_at \
      returning bytes) \
    select count(*) as tenants, coalesce(sum(bytes), 0)::bigint as bytes from measured"
);

const BEYOND: &str = "\
    select o.slug, s.bytes, l.storage_soft_bytes, l.storage_hard_bytes \
    from catalog.tenant_sizes s \
    join catalog.organizations o on o.id = s.organization_id and o.deleted_at is null, \
    lateral catalog.tenant_limits(s.organization_id) l \
    where s.bytes >= l.storage_soft_bytes or s.bytes >= l.storage_hard_bytes \
    order by s.bytes desc, o.slug";

pub(crate) const STATEMENTS: &[&str] = &[LIST, LOCK, SET, REMOVE, ASSIGNMENT, ASSIGN, MEASURE, BEYOND];
