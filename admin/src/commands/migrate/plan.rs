//! `tenantry migrate --plan`: what would be done.

use serde::Serialize;
use tenant_schema::fleet::Plan;

use super::Pinned;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Planned {
    template_version: i32,
    migrations: usize,
    tenants: Vec<PlannedTenant>,
    pinned: Vec<Pinned>,
}

#[derive(Serialize)]
struct PlannedTenant {
    slug: String,
    from: i32,
    to: i32,
    migrations: usize,
}

/// Prints it; nothing is visited.
pub(super) fn run(plan: &Plan, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let migrations = operator.config.template.migrations();
    let tenants: Vec<PlannedTenant> = plan
        .steps
        .iter()
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
    };
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

fn text(document: &Planned) -> String {
    let version = document.template_version;
    let mut lines = Vec::new();
    if document.tenants.is_empty() {
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
    lines.join("\n")
}
