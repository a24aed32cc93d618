//! Post-steps: what of the template stands behind a version's migration and outside of its transaction.
//!
//! A tenant that is there gets them [`concurrently`](concurrent), one after the other, when its migration is committed. A schema
//! that is made gets them in the transaction that makes it, where nobody waits for anything: its indexes without
//! `concurrently`. What the API may ask of a version is read off its migrations alone, so a tenant is served alike with and
//! without them.

pub(crate) mod concurrent;

use catalog::clock::Source;
use catalog::ids::OrganizationId;
use catalog::pg::migrator::MigrateError;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::post_steps::{self, Step};
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;

use super::LifecycleError;
use crate::template::{PostStep, Template};

/// Which of the steps up to its version a schema is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    /// All.
    All,
    /// Those of these names: what the tenant had whose records are taken over. What it lacked may be refused by its records.
    Of(&'a [String]),
}

impl Which<'_> {
    fn includes(self, step: &PostStep) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.iter().any(|name| name == step.name()),
        }
    }
}

/// Carries them out in a schema that was made in this transaction, behind everything else, and leaves `search_path` on it.
/// Gives what the schema has then.
pub(crate) async fn make(
    tx: &mut Transaction,
    template: &Template,
    schema: &SchemaName,
    version: i32,
    which: Which<'_>,
) -> Result<Vec<Step>, LifecycleError> {
    let steps: Vec<&PostStep> = template
        .post_steps(version)
        .filter(|step| which.includes(step))
        .collect();
    if !steps.is_empty() {
        let path = format!("set local search_path = {}", schema.search_path());
        tx.batch(&path).await?;
    }
    for step in &steps {
        if let Some(plain) = step.plain() {
            let made = tx.batch(plain).await;
            made.map_err(|error| refused(step, plain, error))?;
        }
    }
    Ok(steps.into_iter().map(|step| step.step().clone()).collect())
}

/// The same for a tenant that the catalog knows, and learns of them.
pub(crate) async fn make_for(
    tx: &mut CatalogTx,
    template: &Template,
    (organization, schema): (OrganizationId, &SchemaName),
    version: i32,
    which: Which<'_>,
    source: &Source,
) -> Result<(), LifecycleError> {
    let made = make(tx.transaction(), template, schema, version, which).await?;
    note(tx, template, organization, &made, source).await
}

/// The same with the steps that another tenant has.
pub(crate) async fn make_as_of(
    tx: &mut CatalogTx,
    template: &Template,
    origin: OrganizationId,
    tenant: (OrganizationId, &SchemaName),
    version: i32,
    source: &Source,
) -> Result<(), LifecycleError> {
    let had = had(tx, template, origin).await?;
    make_for(tx, template, tenant, version, Which::Of(&had), source).await
}

/// Tells the catalog what a tenant's new schema was made with. Where the template has no steps, there is nothing to tell.
pub(crate) async fn note(
    tx: &mut CatalogTx,
    template: &Template,
    organization: OrganizationId,
    made: &[Step],
    source: &Source,
) -> Result<(), LifecycleError> {
    if template.post_steps(template.latest()).next().is_some() {
        post_steps::made_with(tx, organization, made, source.now()).await?;
    }
    Ok(())
}

/// The names of the steps that a tenant has.
pub(crate) async fn had(
    tx: &mut CatalogTx,
    template: &Template,
    organization: OrganizationId,
) -> Result<Vec<String>, LifecycleError> {
    let steps: Vec<Step> = template
        .post_steps(template.latest())
        .map(|step| step.step().clone())
        .collect();
    Ok(post_steps::had(tx, organization, &steps).await?)
}

/// That PostgreSQL refused a step.
fn refused(step: &PostStep, sent: &str, source: PgError) -> LifecycleError {
    let failed = MigrateError::Failed {
        step: format!("error applying post-step {}", step.name()),
        sent: sent.to_owned(),
        done: 0,
        source,
    };
    failed.into()
}
