//! Spare schemas: built beforehand, claimed by a row.
//!
//! What takes long of a new tenant is its schema, and no schema depends on whose it is but for the stamp. So schemas are built
//! before anybody wants them, each for an organization id that nobody has yet, and a tenant that is made takes one and
//! its id. That is a handful of rows. Where there is none, the schema is built in place.
//!
//! A spare is of one template version. One that is behind is not migrated but replaced: nothing is in it.

use catalog::clock::Source;
use catalog::pg::tx::Transaction;
use catalog::post_steps::Step;
use catalog::schema_name::SchemaName;
use catalog::spare_schemas::{self, SpareSchema};
use catalog::template_models;
use catalog::tx::{CatalogDb, CatalogTx};

use super::post_steps::{self, Which};
use super::stamp::{self, Found};
use super::{LifecycleError, create_tables, purge};
use crate::template::{PostStep, Template};

/// What was done to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// How many were built.
    pub built: usize,
    /// How many of another version were removed.
    pub removed: usize,
}

/// Sees to it that there are so many spares of the template's latest version and none of another, or without a post-step. Each is built, and each
/// removed, in a transaction of its own, so that whoever is killed leaves the pool with one less, and nothing half-made. Of
/// several that fill at once, one builds at a time, and none more than are wanted.
pub async fn fill(
    db: &CatalogDb,
    template: &Template,
    target: usize,
    source: &Source,
    mut built_one: impl FnMut(usize),
) -> Result<Filled, LifecycleError> {
    let mut filled = Filled {
        removed: remove(db, Some(template)).await?,
        built: 0,
    };
    while build_one(db, template, target, source).await? {
        filled.built += 1;
        built_one(filled.built);
    }
    Ok(filled)
}

/// Removes all spares; says how many there were.
pub async fn remove_all(db: &CatalogDb) -> Result<usize, LifecycleError> {
    remove(db, None).await
}

/// Builds one where there are fewer than are wanted.
async fn build_one(
    db: &CatalogDb,
    template: &Template,
    target: usize,
    source: &Source,
) -> Result<bool, LifecycleError> {
    let version = template.latest();
    let mut tx = db.begin_unhurried().await?;
    spare_schemas::lock(&mut tx).await?;
    let spares = spare_schemas::list(&mut tx).await?;
    let ready = spares.iter().filter(|spare| spare.template_version == version);
    if ready.count() >= target {
        tx.rollback().await?;
        return Ok(false);
    }
    let mut spare = SpareSchema {
        schema: SchemaName::from_opaque(source.uuid()),
        organization: source.id(),
        template_version: version,
        post_steps: Vec::new(),
        created_at: source.now(),
    };
    create_tables(
        &mut tx,
        template,
        version,
        spare.organization,
        &spare.schema,
        source,
    )
    .await?;
    post_steps::make(tx.transaction(), template, &spare.schema, version, Which::All).await?;
    spare.post_steps = marks(template);
    spare_schemas::insert(&mut tx, &spare).await?;
    tx.commit().await?;
    Ok(true)
}

/// All post-steps of the template, as a spare notes them.
fn marks(template: &Template) -> Vec<String> {
    let steps = template.post_steps(template.latest());
    steps.map(PostStep::mark).collect()
}

/// The steps of the template that a spare was made with: it may have got some since.
pub(super) fn made_with(spare: &SpareSchema, template: &Template) -> Vec<Step> {
    let steps = template.post_steps(spare.template_version);
    let had = steps.filter(|step| spare.post_steps.contains(&step.mark()));
    had.map(|step| step.step().clone()).collect()
}

/// Removes the spares that are not as the template would make them now.
async fn remove(db: &CatalogDb, but: Option<&Template>) -> Result<usize, LifecycleError> {
    let (version, steps) = (but.map(Template::latest), but.map(marks).unwrap_or_default());
    let mut removed = 0;
    loop {
        let mut tx = db.begin_unhurried().await?;
        let Some(spare) = spare_schemas::claim_other(&mut tx, version, &steps).await? else {
            tx.rollback().await?;
            return Ok(removed);
        };
        let found = found(tx.transaction(), &spare).await?;
        if found == Found::Foreign {
            return Err(stamp_of(spare));
        }
        purge::remove(&mut tx, &spare.schema, found).await?;
        tx.commit().await?;
        removed += 1;
    }
}

/// Takes a spare of the template's latest version for a tenant that is made in this transaction; none where the template's
/// files are others than those that any schema was made of so far.
///
/// # Errors
/// [`LifecycleError::Stamp`] where the spare's schema is not what was built.
pub(super) async fn claim(
    tx: &mut CatalogTx,
    template: &Template,
) -> Result<Option<SpareSchema>, LifecycleError> {
    let version = template.latest();
    if !template_models::exists(tx, version, &template.model_query(version)).await? {
        return Ok(None);
    }
    let Some(spare) = spare_schemas::claim(tx, version).await? else {
        return Ok(None);
    };
    if found(tx.transaction(), &spare).await? != Found::Ours {
        return Err(stamp_of(spare));
    }
    Ok(Some(spare))
}

async fn found(tx: &mut Transaction, spare: &SpareSchema) -> Result<Found, LifecycleError> {
    Ok(stamp::find(tx, &spare.schema, spare.organization).await?)
}

fn stamp_of(spare: SpareSchema) -> LifecycleError {
    LifecycleError::Stamp {
        schema: spare.schema,
        organization: spare.organization,
    }
}
