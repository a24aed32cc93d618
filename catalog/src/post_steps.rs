//! Post-steps: what of the template runs behind a tenant's migration and outside of any transaction, and what became of it at
//! each tenant. A step of which there is no row is pending. [`report`] is for people.

pub mod report;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::migration_runs::Failure;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::tenant_schemas::is_home;
use crate::tx::CatalogTx;

/// A post-step, as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of its file, without the ending.
    pub name: String,
    /// The template version that a tenant must have reached.
    pub version: i32,
    /// What its file says, in 16 digits: one that was changed is another step.
    pub checksum: String,
}

/// A step that a tenant lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The tenant.
    pub organization: OrganizationId,
    /// The label it lives under now.
    pub slug: Slug,
    /// Its schema.
    pub schema: SchemaName,
    /// The name of the step.
    pub step: String,
    /// Why it failed; `None`: it is pending.
    pub failure: Option<Failed>,
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// When.
    pub at: DateTime<Utc>,
}

/// The steps that tenants lack which have reached their versions: the oldest tenant first, and of each the steps in the order
/// in which they are given. Of one tenant if it is named.
pub async fn outstanding(
    tx: &mut CatalogTx,
    steps: &[Step],
    only: Option<OrganizationId>,
) -> Result<Vec<Outstanding>, CatalogError> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let (names, versions, checksums) = columns(steps);
    let rows = tx
        .rows(OUTSTANDING, &[&names, &versions, &checksums, &only])
        .await?;
    rows.iter().map(outstanding_of).collect()
}

/// Whether a tenant has a step.
pub async fn is_done(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    step: &Step,
) -> Result<bool, CatalogError> {
    let row = tx
        .row(IS_DONE, &[&organization, &step.name, &step.checksum])
        .await?;
    Ok(row.is_some())
}

/// The names of these steps that a tenant has.
pub async fn had(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    steps: &[Step],
) -> Result<Vec<String>, CatalogError> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let (names, _, checksums) = columns(steps);
    let rows = tx.rows(HAD, &[&organization, &names, &checksums]).await?;
    Ok(rows.iter().map(|row| row.get("step")).collect())
}

/// Notes that a tenant's schema was made with these steps. What was known of an earlier schema of the tenant's is forgotten.
pub async fn made_with(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    steps: &[Step],
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(FORGET, &[&organization]).await?;
    if !steps.is_empty() {
        let (names, _, checksums) = columns(steps);
        tx.execute(MADE_WITH, &[&organization, &names, &checksums, &now])
            .await?;
    }
    Ok(())
}

/// Notes that a step was carried out at a tenant.
pub async fn done(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    step: &Step,
    attempts: u32,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    let attempts = i64::from(attempts);
    tx.execute(
        DONE,
        &[&organization, &step.name, &step.checksum, &attempts, &now],
    )
    .await?;
    Ok(())
}

/// Notes why a step failed at a tenant, unless it was done meanwhile.
pub async fn failed(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    step: &Step,
    failure: &Failure,
    attempts: u32,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(
        FAILED,
        &[
            &organization,
            &step.name,
            &step.checksum,
            &failure.sqlstate,
            &failure.message,
            &failure.statement,
            &i64::from(attempts),
            &now,
        ],
    )
    .await?;
    Ok(())
}

fn columns(steps: &[Step]) -> (Vec<&str>, Vec<i32>, Vec<&str>) {
    let names = steps.iter().map(|step| step.name.as_str()).collect();
    let versions = steps.iter().map(|step| step.version).collect();
    let checksums = steps.iter().map(|step| step.checksum.as_str()).collect();
    (names, versions, checksums)
}

fn outstanding_of(row: &Row) -> Result<Outstanding, CatalogError> {
    let columns = Columns::new(row, "tenant_post_steps");
    let message: Option<String> = columns.get("message")?;
    let failure = match message {
        None => None,
        Some(message) => Some(Failed {
            failure: Failure {
                sqlstate: columns.get("sqlstate")?,
                message,
                statement: columns.get("statement")?,
            },
            at: columns.get("ended_at")?,
        }),
    };
    Ok(Outstanding {
        organization: columns.get("organization_id")?,
        slug: columns.parse("slug")?,
        schema: columns.parse("schema_name")?,
        step: columns.get("step")?,
        failure,
    })
}

const OUTSTANDING: &str = concat!(
    "\
    select t.organization_id, o.slug, t.schema_name, s.step, p.sqlstate, p.message, p.statement, p.ended_at \
    from unnest($1::text[], $2::integer[], $3::text[]) with ordinality as s (step, version, checksum, number) \
    join catalog.tenant_schemas t on t.template_version >= s.version and ",
    is_home!("t"),
    " \
    join catalog.organizations o on o.id = t.organization_id \
    left join catalog.tenant_post_steps p \
      on p.organization_id = t.organization_id and p.step = s.step and p.checksum = s.checksum \
    where p.state is distinct from 'done' and ($4::uuid is null or t.organization_id = $4) order by t.organization_id, s.number"
);

const IS_DONE: &str = "\
    select p.step from catalog.tenant_post_steps p \
    where p.organization_id = $1 and p.step = $2 and p.checksum = $3 and p.state = 'done'";

const HAD: &str = "\
    select p.step from catalog.tenant_post_steps p \
    join unnest($2::text[], $3::text[]) as s (step, checksum) on p.step = s.step and p.checksum = s.checksum \
    where p.organization_id = $1 and p.state = 'done' order by p.step";

const FORGET: &str = "delete from catalog.tenant_post_steps where organization_id = $1";

const MADE_WITH: &str = "\
    insert into catalog.tenant_post_steps (organization_id, step, checksum, state, attempts, ended_at) \
    select $1, s.step, s.checksum, 'done', 0, $4 from unnest($2::text[], $3::text[]) as s (step, checksum)";

const DONE: &str = "\
    insert into catalog.tenant_post_steps (organization_id, step, checksum, state, attempts, ended_at) \
    values ($1, $2, $3, 'done', $4::bigint::integer, $5) \
    on conflict (organization_id, step) do update set checksum = excluded.checksum, state = 'done', sqlstate = null, \
      message = null, statement = null, attempts = excluded.attempts, ended_at = excluded.ended_at";

const FAILED: &str = "\
    insert into catalog.tenant_post_steps as p \
      (organization_id, step, checksum, state, sqlstate, message, statement, attempts, ended_at) \
    values ($1, $2, $3, 'failed', $4, $5, $6, $7::bigint::integer, $8) \
    on conflict (organization_id, step) do update set checksum = excluded.checksum, state = 'failed', \
      sqlstate = excluded.sqlstate, message = excluded.message, statement = excluded.statement, \
      attempts = excluded.attempts, ended_at = excluded.ended_at \
    where p.state <> 'done' or p.checksum <> excluded.checksum";

pub(crate) const STATEMENTS: &[&str] = &[OUTSTANDING, IS_DONE, HAD, FORGET, MADE_WITH, DONE, FAILED];
