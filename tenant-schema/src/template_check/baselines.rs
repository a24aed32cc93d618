//! A baseline must make what the files make that it stands for.

use catalog::pg::migrator::{Baseline, MigrateError};
use catalog::tx::CatalogDb;

use super::shape::Shape;
use super::{Finding, Rule, SqlFile};
use crate::lifecycle::{LifecycleError, scratch};
use crate::template::Template;

/// The most differences that are told of one baseline.
const MOST: usize = 5;

/// Compares every baseline with the files up to its number: both are made in the same schema, one after the other, and rolled
/// back.
pub(super) async fn check(
    db: &CatalogDb,
    template: &Template,
    files: &[SqlFile],
) -> Result<Vec<Finding>, LifecycleError> {
    let mut findings = Vec::new();
    for baseline in template.baselines() {
        let file = files.iter().find(|file| file.stem() == baseline.name);
        let name = file.map_or(baseline.name.as_str(), |file| file.name.as_str());
        let expected = shape(db, template, baseline, Made::OfFiles).await?;
        let made = match shape(db, template, baseline, Made::OfBaseline).await {
            Ok(made) => made,
            Err(LifecycleError::Template(MigrateError::Failed { source, .. })) => {
                let said = source
                    .db()
                    .map_or_else(|| source.to_string(), ToString::to_string);
                findings.push(Finding::new(name, 1, Rule::DoesNotApply, said, MEND));
                continue;
            }
            Err(error) => return Err(error),
        };
        let version = baseline.version;
        let missing = expected.lines.difference(&made.lines);
        let missing = missing.map(|line| format!("V1 to V{version} make what it does not: {line}"));
        let more = made.lines.difference(&expected.lines);
        let more = more.map(|line| format!("it makes what V1 to V{version} do not: {line}"));
        let mut told: Vec<String> = missing.chain(more).take(MOST).collect();
        if told.is_empty() && expected.model != made.model {
            told.push(format!(
                "the API would show it otherwise than what V1 to V{version} make"
            ));
        }
        findings.extend(
            told.into_iter()
                .map(|reason| Finding::new(name, 1, Rule::BaselineDiffers, reason, SAME)),
        );
    }
    Ok(findings)
}

const MEND: &str = "mend the statement: this is what PostgreSQL says when a tenant is made";

const SAME: &str = "new tenants are made of it and old ones of the files, and both are served as one version: make it the same";

/// Of what a schema is made.
#[derive(Clone, Copy)]
enum Made {
    OfFiles,
    OfBaseline,
}

/// What is made of the files up to a baseline's number, or of the baseline.
async fn shape(
    db: &CatalogDb,
    template: &Template,
    baseline: &Baseline,
    made: Made,
) -> Result<Shape, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    tx.transaction().batch("set local jit = off").await?;
    let (inner, version) = (tx.transaction(), baseline.version);
    let schema = match made {
        Made::OfFiles => scratch::create(inner, template, version).await?,
        Made::OfBaseline => scratch::create_as_new(inner, template, version).await?,
    };
    let shape = Shape::of(tx.transaction(), schema.as_str()).await?;
    tx.rollback().await?;
    Ok(shape)
}
