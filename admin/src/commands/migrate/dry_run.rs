//! `tenantry migrate --dry-run`: the migrations are applied to some tenants and rolled back, and what each statement did
//! is told.

use anyhow::Context as _;
use catalog::selection::Selection;
use serde::Serialize;
use tenant_schema::fleet::{Fleet, Plan, Rehearsal, Rehearsed, Step};

use super::shortened;
use crate::exit::ExitStatus;
use crate::operator::Operator;

#[derive(Serialize)]
struct Tenant {
    slug: String,
    from: i32,
    to: i32,
    milliseconds: f64,
    statements: Vec<Statement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

#[derive(Serialize)]
struct Statement {
    file: String,
    line: usize,
    #[serde(rename = "statement")]
    sql: String,
    milliseconds: f64,
    locks: Vec<Lock>,
    rewrites: Vec<String>,
}

#[derive(Serialize)]
struct Lock {
    relation: String,
    mode: String,
}

#[derive(Serialize)]
struct Failure {
    sqlstate: Option<String>,
    message: String,
    statement: Option<String>,
}

/// One tenant after the other; the exit status is 1 if one would fail.
pub(super) async fn run(plan: &Plan, fleet: &Fleet<'_>, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let chosen: Vec<&Step> = match plan.selection {
        Selection::Only(_) => plan.steps.iter().collect(),
        Selection::All | Selection::Where(_) => plan.one_of_each_version(),
    };
    let mut tenants = Vec::with_capacity(chosen.len());
    for step in chosen {
        let slug = &step.tenant.slug;
        operator.output.progress(format_args!("trying {slug}"));
        let rehearsal = fleet.rehearse(step).await;
        tenants.push(tenant(
            rehearsal.with_context(|| format!("could not try tenant {slug}"))?,
        ));
    }
    let version = plan.target;
    operator.output.document(&tenants, |tenants| {
        if tenants.is_empty() {
            return format!("nothing to do: every tenant is at version {version}");
        }
        let texts: Vec<String> = tenants.iter().map(text).collect();
        format!("{}\n\nall of it was rolled back", texts.join("\n\n"))
    })?;
    let all_well = tenants.iter().all(|tenant| tenant.failure.is_none());
    Ok(if all_well {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

fn tenant(rehearsal: Rehearsal) -> Tenant {
    let Rehearsal {
        slug,
        from,
        to,
        statements,
        failure,
    } = rehearsal;
    let statements: Vec<Statement> = statements.into_iter().map(statement).collect();
    Tenant {
        slug: slug.to_string(),
        from,
        to,
        milliseconds: statements.iter().map(|statement| statement.milliseconds).sum(),
        statements,
        failure: failure.map(|failure| Failure {
            sqlstate: failure.sqlstate,
            message: failure.message,
            statement: failure.statement,
        }),
    }
}

fn statement(rehearsed: Rehearsed) -> Statement {
    let Rehearsed {
        file,
        line,
        statement,
        took,
        locks,
        rewrites,
    } = rehearsed;
    let lock = |lock: tenant_schema::fleet::Lock| Lock {
        relation: lock.relation,
        mode: lock.mode,
    };
    Statement {
        file: format!("{file}.sql"),
        line,
        sql: statement,
        milliseconds: (took.as_secs_f64() * 1e5).round() / 100.0,
        locks: locks.into_iter().map(lock).collect(),
        rewrites,
    }
}

fn text(tenant: &Tenant) -> String {
    let Tenant { slug, from, to, .. } = tenant;
    let mut lines = vec![format!(
        "{slug}: version {from} to {to}, {:.1} ms",
        tenant.milliseconds
    )];
    for statement in &tenant.statements {
        let Statement { file, line, .. } = statement;
        lines.push(format!(
            "  {:8.1} ms  {file}:{line}  {}",
            statement.milliseconds,
            shortened(&statement.sql)
        ));
        for Lock { relation, mode } in &statement.locks {
            lines.push(format!("               {mode} on {relation}"));
        }
        for relation in &statement.rewrites {
            lines.push(format!("               REWRITES {relation}"));
        }
    }
    if let Some(failure) = &tenant.failure {
        lines.push(format!("  FAILS: {}", failure.message));
        if let Some(statement) = &failure.statement {
            lines.push(format!("    {}", shortened(statement)));
        }
    }
    lines.join("\n")
}
