//! Post-steps of the template that tenants lack: what is different for that reason is no drift.

use std::collections::BTreeMap;

use catalog::post_steps::{self, Failed, Step};
use catalog::spare_schemas::SpareSchema;
use catalog::tx::CatalogTx;

use super::look::Look;
use super::{Finding, Kind, Severity};
use crate::lifecycle::LifecycleError;
use crate::template::{PostStep, Template};
use crate::template_check::post_steps::Act;

/// A step that a schema lacks.
#[derive(Debug, Clone)]
pub(super) struct Lacked {
    pub(super) step: PostStep,
    /// Why it failed; `None`: it is pending.
    failure: Option<Failed>,
}

/// What is lacked, by schema.
pub(super) type Lacking = BTreeMap<String, Vec<Lacked>>;

impl Lacked {
    /// It would make this index.
    pub(super) fn makes(&self, name: &str) -> bool {
        matches!(self.step.act(), Act::CreateIndex { index, .. } if index == name)
    }

    /// It would remove this index.
    pub(super) fn drops(&self, name: &str) -> bool {
        matches!(self.step.act(), Act::DropIndex { index, .. } if index == name)
    }

    /// It would validate this constraint, named behind its table.
    pub(super) fn validates(&self, name: &str) -> bool {
        match self.step.act() {
            Act::Validate { table, constraint } => name == format!("{table}.{constraint}"),
            _ => false,
        }
    }
}

/// What tenants and spares lack of the template's steps.
pub(super) async fn lacking(
    tx: &mut CatalogTx,
    template: &Template,
    spares: &[SpareSchema],
) -> Result<Lacking, LifecycleError> {
    let all: Vec<&PostStep> = template.post_steps(template.latest()).collect();
    let known: BTreeMap<&str, &PostStep> = all.iter().map(|step| (step.name(), *step)).collect();
    let steps: Vec<Step> = all.iter().map(|step| step.step().clone()).collect();
    let mut lacking = Lacking::new();
    for one in post_steps::outstanding(tx, &steps, None).await? {
        if let Some(step) = known.get(one.step.as_str()) {
            let of_schema = lacking.entry(one.schema.as_str().to_owned()).or_default();
            of_schema.push(Lacked {
                step: (*step).clone(),
                failure: one.failure,
            });
        }
    }
    for spare in spares {
        let lacked = template.post_steps(spare.template_version);
        let lacked = lacked.filter(|step| !spare.post_steps.contains(&step.mark()));
        let lacked: Vec<Lacked> = lacked
            .map(|step| Lacked {
                step: step.clone(),
                failure: None,
            })
            .collect();
        if !lacked.is_empty() {
            lacking.insert(spare.schema.as_str().to_owned(), lacked);
        }
    }
    Ok(lacking)
}

/// Tenants that lack steps.
pub(super) fn post_steps(look: &Look<'_>) -> Vec<Finding> {
    let tenants = look.by_schema();
    let findings = tenants.iter().filter_map(|(schema, tenant)| {
        let lacked = look.lacking.get(schema)?;
        let told = |lacked: &Lacked| {
            let step = lacked.step.name();
            let what = match lacked.step.act() {
                Act::CreateIndex { index, .. } => format!("index {index} of post-step {step}"),
                _ => format!("post-step {step}"),
            };
            match &lacked.failure {
                None => format!("{what} is pending"),
                Some(failed) => format!("{what} failed: {}", failed.failure.message),
            }
        };
        let says: Vec<String> = lacked.iter().map(told).collect();
        let has_failed = lacked.iter().any(|lacked| lacked.failure.is_some());
        let severity = if has_failed {
            Severity::Error
        } else {
            Severity::Warn
        };
        let next = match &tenant.slug {
            Some(slug) if has_failed => {
                format!("mend what is said, then `tenantry migrate tenants --post-steps --only {slug}`")
            }
            Some(slug) => format!("`tenantry migrate tenants --post-steps --only {slug}`"),
            None => "`tenantry spare fill` builds it anew".to_owned(),
        };
        let finding = Finding::of(Kind::PostSteps, tenant, says.join("; "));
        Some(finding.graded(severity).next(next))
    });
    findings.collect()
}
