//! `tenantry tenant list`: all organizations, and the schema of those that are tenants.

use anyhow::Context as _;
use catalog::organizations::{self, OrganizationKind, OrganizationStatus, OrganizationSummary};
use catalog::selection::Selection;
use catalog::tenant_schemas::TenantSchemaState;
use serde::Serialize;

use crate::cli::TenantListArgs;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ListedOrganization {
    slug: String,
    id: String,
    name: String,
    kind: OrganizationKind,
    status: OrganizationStatus,
    schema: Option<String>,
    state: Option<TenantSchemaState>,
    template_version: Option<i32>,
    members: i64,
    api_keys: i64,
}

/// One query, however many there are.
pub(super) async fn run(args: &TenantListArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let selection = args.selection.or_all();
    let documents = list(&selection, operator)
        .await
        .context("could not list the tenants")?;
    operator.output.document(&documents, |documents| {
        if documents.is_empty() && !selection.is_all() {
            return format!("no organization matches {selection}");
        }
        if documents.is_empty() {
            return "there are no organizations yet; `tenantry tenant create --help` shows how to make one"
                .to_owned();
        }
        let header = [
            "SLUG", "NAME", "KIND", "STATUS", "VERSION", "MEMBERS", "KEYS", "SCHEMA",
        ];
        output::table(header, documents.iter().map(row))
    })?;
    Ok(ExitStatus::Done)
}

async fn list(selection: &Selection, operator: &Operator) -> anyhow::Result<Vec<ListedOrganization>> {
    let mut tx = operator.db.begin().await?;
    let summaries = organizations::list(&mut tx, selection, operator.source.now()).await?;
    tx.rollback().await?;
    Ok(summaries.into_iter().map(document).collect())
}

fn document(summary: OrganizationSummary) -> ListedOrganization {
    let OrganizationSummary {
        organization,
        schema,
        members,
        api_keys,
    } = summary;
    ListedOrganization {
        slug: organization.slug.to_string(),
        id: organization.id.to_string(),
        name: organization.name,
        kind: organization.kind,
        status: organization.status,
        state: schema.as_ref().map(|schema| schema.state),
        template_version: schema.as_ref().map(|schema| schema.template_version),
        schema: schema.map(|schema| schema.name.to_string()),
        members,
        api_keys,
    }
}

fn row(document: &ListedOrganization) -> [String; 8] {
    [
        document.slug.clone(),
        document.name.clone(),
        document.kind.to_string(),
        document.status.to_string(),
        document
            .template_version
            .map_or_else(String::new, |version| version.to_string()),
        document.members.to_string(),
        document.api_keys.to_string(),
        document.schema.clone().unwrap_or_default(),
    ]
}
