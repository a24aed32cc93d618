//! `tenantry migrate --plan`: what would be done.

use std::collections::BTreeMap;

use serde::Serialize;
use tenant_schema::fleet::{Fleet, Plan};

use super::{Pinned, post_steps};
use crate::cli::MigrateArgs;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Planned {
    template_version: i32,
    migrations: usize,
    tenants: Vec<PlannedTenant>,
    pinned: Vec<Pinned>,
    post_steps: Vec<PlannedStep>,
}

/// A step that would be carried out.
#[derive(Serialize)]
struct PlannedStep {
    step: String,
    tenants: usize,
}

#[derive(Serialize)]
struct PlannedTenant {
    slug: String,
    from: i32,
    to: i32,
    migrations: usize,
}

/// Prints it; nothing is visited.
pub(super) async fn run(
    args: &MigrateArgs,
    plan: &Plan,
    fleet: &Fleet<'_>,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let migrations = operator.config.template.migrations();
    let migrated = plan.steps.iter().filter(|_| !args.post_steps);
    let tenants: Vec<PlannedTenant> = migrated
        .map(|step| PlannedTenant {
            slug: step.tenant.slug.to_string(),
            from: step.tenant.template_version,
            to: step.to,
            migrations: migrations.between(step.tenant.template_version, step.to).count(),
        })
        .collect();
    let pinned = plan.pinned.iter().map(|tenant| Pinned {
        slug: tenant.slug.to_string(),
        version: tenant.template_version,
    });
    let document = Planned {
        template_version: plan.target,
        migrations: tenants.iter().map(|tenant| tenant.migrations).sum(),
        pinned: pinned.collect(),
        tenants,
        post_steps: steps(args, plan, fleet, operator).await?,
    };
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

/// The steps of the template, each with the number of tenants that would get it.
async fn steps(
    args: &MigrateArgs,
    plan: &Plan,
    fleet: &Fleet<'_>,
    operator: &Operator,
) -> anyhow::Result<Vec<PlannedStep>> {
    let mut tenants: BTreeMap<String, usize> = BTreeMap::new();
    if !args.no_post_steps {
        for one in post_steps::outstanding(args, operator, fleet).await? {
            *tenants.entry(one.step).or_default() += 1;
        }
        let behind = fleet.steps_behind(plan).filter(|_| !args.post_steps);
        for (_, step) in behind {
            *tenants.entry(step.to_owned()).or_default() += 1;
        }
    }
    let template = &operator.config.template;
    let planned = template.post_steps(template.latest()).filter_map(|step| {
        let tenants = tenants.remove(step.name())?;
        let step = step.name().to_owned();
        Some(PlannedStep { step, tenants })
    });
    Ok(planned.collect())
}

fn text(document: &Planned) -> String {
    let version = document.template_version;
    let mut lines = Vec::new();
    if document.tenants.is_empty() && !document.post_steps.is_empty() {
        lines.push(format!("no tenant would be brought to version {version}"));
    } else if document.tenants.is_empty() {
        lines.push(format!(
            "nothing to do: no tenant can be brought to version {version}"
        ));
    } else {
        let rows = document.tenants.iter().map(|tenant| {
            let numbers = [tenant.from, tenant.to].map(|version| version.to_string());
            let [from, to] = numbers;
            [tenant.slug.clone(), from, to, tenant.migrations.to_string()]
        });
        lines.push(output::table(["SLUG", "FROM", "TO", "MIGRATIONS"], rows));
        let (tenants, migrations) = (document.tenants.len(), document.migrations);
        lines.push(format!("\ntenants {tenants}, migrations {migrations}"));
    }
    let pinned = document.pinned.iter();
    lines.extend(pinned.map(|Pinned { slug, version }| format!("{slug} is pinned at version {version}")));
    if !document.post_steps.is_empty() {
        let rows = document.post_steps.iter();
        let rows = rows.map(|planned| [planned.step.clone(), planned.tenants.to_string()]);
        lines.push(format!("\n{}", output::table(["POST-STEP", "TENANTS"], rows)));
    }
    lines.join("\n")
}
