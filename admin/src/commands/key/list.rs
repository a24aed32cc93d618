//! `tenantry key list`: a tenant's keys, without their secrets.

use anyhow::Context as _;
use catalog::api_keys::{self, ApiKey};
use catalog::slug::Slug;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ListedKey {
    id: String,
    prefix: String,
    name: String,
    scopes: Vec<String>,
    state: &'static str,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// Revoked and expired ones included.
pub(in crate::commands) async fn run(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let keys = list(slug, operator)
        .await
        .with_context(|| format!("could not list the keys of {slug}"))?;
    operator.output.document(&keys, |keys| {
        if keys.is_empty() {
            return format!("{slug} has no keys; `tenantry key create --help` shows how to make one");
        }
        let header = ["KEY", "NAME", "SCOPES", "STATE", "EXPIRES", "LAST USED", "ID"];
        output::table(header, keys.iter().map(row))
    })?;
    Ok(ExitStatus::Done)
}

async fn list(slug: &Slug, operator: &Operator) -> anyhow::Result<Vec<ListedKey>> {
    let mut tx = operator.db.begin().await?;
    let (organization, _) = operator.tenant(&mut tx, slug).await?;
    let keys = api_keys::list(&mut tx, organization.id).await?;
    tx.rollback().await?;
    let now = operator.source.now();
    Ok(keys.into_iter().map(|key| document(key, now)).collect())
}

fn document(key: ApiKey, now: DateTime<Utc>) -> ListedKey {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        (None, _) => "good",
    };
    ListedKey {
        id: key.id.to_string(),
        prefix: key.prefix,
        name: key.name,
        scopes: key.scopes.texts(),
        state,
        created_by: key.created_by,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
    }
}

fn row(key: &ListedKey) -> [String; 7] {
    [
        format!("{}…", key.prefix),
        key.name.clone(),
        key.scopes.join(" "),
        key.state.to_owned(),
        output::instant_or(key.expires_at, "never"),
        output::instant_or(key.last_used_at, "never"),
        key.id.clone(),
    ]
}
