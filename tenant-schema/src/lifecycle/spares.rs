//! Spare schemas: built beforehand, claimed by a row.
//!
//! What takes long of a new tenant is its schema, and no schema depends on whose it is but for the stamp. So schemas are built
//! before anybody wants them, each for an organization id that nobody has yet, and a tenant that is made takes one and
//! its id. That is a handful of rows. Where there is none, the schema is built in place.
//!
//! A spare is of one template version. One that is behind is not migrated but replaced: nothing is in it. One of a later
//! version belongs to a later release of the program, which is about to take over, and is left to it.

use std::cmp::Ordering;

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
    /// How many of an earlier version were removed.
    pub removed: usize,
    /// How many there are of a later version than the template's, which count as built.
    pub later: usize,
}

/// Sees to it that there are so many spares of the template's latest version and none of an earlier one, or without a post-step.
/// Each is built, and each removed, in a transaction of its own, so that whoever is killed leaves the pool with one less, and
/// nothing half-made. Of
/// several that fill at once, one builds at a time, and none more than are wanted.
pub async fn fill(
    db: &CatalogDb,
    template: &Template,
    target: usize,
    source: &Source,
    mut built_one: impl FnMut(usize),
) -> Result<Filled, LifecycleError> {
    let removed = remove_before(db, Some(template)).await?;
    let mut built = 0;
    loop {
        match build_one(db, template, target, source).await? {
            Built::One => {
                built += 1;
                built_one(built);
            }
            Built::Enough { later } => {
                return Ok(Filled {
                    built,
                    removed,
                    later,
                });
            }
        }
    }
}

/// Replaces every spare that is behind the template by one of its latest version with all post-steps, each in a transaction of
/// its own: there are as many as before, whoever is killed. Says how many there were.
pub async fn renew(db: &CatalogDb, template: &Template, source: &Source) -> Result<usize, LifecycleError> {
    let (latest, steps) = (template.latest(), marks(template));
    let is_behind = |spare: &SpareSchema| {
        let lacks = || steps.iter().any(|step| !spare.post_steps.contains(step));
        spare.template_version < latest || spare.template_version == latest && lacks()
    };
    let mut renewed = 0;
    loop {
        let mut tx = db.begin_unhurried().await?;
        if !spare_schemas::list(&mut tx).await?.iter().any(is_behind) {
            tx.rollback().await?;
            return Ok(renewed);
        }
        // First, so that nobody builds another in the place of the one that is about to be replaced.
        spare_schemas::lock(&mut tx).await?;
        let Some(behind) = spare_schemas::claim_before(&mut tx, Some(latest), &steps).await? else {
            tx.rollback().await?;
            return Ok(renewed);
        };
        remove(&mut tx, behind).await?;
        build(&mut tx, template, source).await?;
        tx.commit().await?;
        renewed += 1;
    }
}

/// Removes all spares; says how many there were.
pub async fn remove_all(db: &CatalogDb) -> Result<usize, LifecycleError> {
    remove_before(db, None).await
}

/// What became of an attempt to build one.
enum Built {
    One,
    /// There are as many as are wanted, and of these so many of a later version.
    Enough {
        later: usize,
    },
}

/// Builds one where there are fewer than are wanted.
async fn build_one(
    db: &CatalogDb,
    template: &Template,
    target: usize,
    source: &Source,
) -> Result<Built, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    spare_schemas::lock(&mut tx).await?;
    let spares = spare_schemas::list(&mut tx).await?;
    let of = |order: Ordering| {
        let versions = spares.iter().map(|spare| spare.template_version);
        versions
            .filter(|version| version.cmp(&template.latest()) == order)
            .count()
    };
    let (ready, later) = (of(Ordering::Equal), of(Ordering::Greater));
    if ready + later >= target {
        tx.rollback().await?;
        return Ok(Built::Enough { later });
    }
    build(&mut tx, template, source).await?;
    tx.commit().await?;
    Ok(Built::One)
}

/// Builds one within `tx`.
async fn build(tx: &mut CatalogTx, template: &Template, source: &Source) -> Result<(), LifecycleError> {
    let spare = SpareSchema {
        schema: SchemaName::from_opaque(source.uuid()),
        organization: source.id(),
        template_version: template.latest(),
        post_steps: marks(template),
        created_at: source.now(),
    };
    create_tables(
        tx,
        template,
        spare.template_version,
        spare.organization,
        &spare.schema,
        source,
    )
    .await?;
    let (schema, version) = (&spare.schema, spare.template_version);
    post_steps::make(tx.transaction(), template, schema, version, Which::All).await?;
    Ok(spare_schemas::insert(tx, &spare).await?)
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

/// Removes the spares that are behind the template; with `None` all of them.
async fn remove_before(db: &CatalogDb, template: Option<&Template>) -> Result<usize, LifecycleError> {
    let version = template.map(Template::latest);
    let steps = template.map(marks).unwrap_or_default();
    let mut removed = 0;
    loop {
        let mut tx = db.begin_unhurried().await?;
        let Some(spare) = spare_schemas::claim_before(&mut tx, version, &steps).await? else {
            tx.rollback().await?;
            return Ok(removed);
        };
        remove(&mut tx, spare).await?;
        tx.commit().await?;
        removed += 1;
    }
}

/// Removes a claimed one within `tx`.
async fn remove(tx: &mut CatalogTx, spare: SpareSchema) -> Result<(), LifecycleError> {
    let found = found(tx.transaction(), &spare).await?;
    if found == Found::Foreign {
        return Err(stamp_of(spare));
    }
    Ok(purge::remove(tx, &spare.schema, found).await?)
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
