//! `tenantry key revoke`: the end of a key.

use anyhow::Context as _;
use catalog::api_keys::{self, ApiKey};
use catalog::audit::{self, AuditEvent};
use catalog::sessions::Device;
use catalog::slug::Slug;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;

#[derive(Serialize)]
struct RevokedKey {
    id: String,
    prefix: String,
    name: String,
}

/// Finds the key by its id or its beginning.
pub(in crate::commands) async fn run(
    slug: &Slug,
    named: &str,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let key = revoke(slug, named, operator)
        .await
        .with_context(|| format!("could not revoke the key of {slug}"))?;
    let document = RevokedKey {
        id: key.id.to_string(),
        prefix: key.prefix,
        name: key.name,
    };
    operator.output.document(&document, |key| {
        format!("revoked {}… ({}, {})", key.prefix, key.name, key.id)
    })?;
    Ok(ExitStatus::Done)
}

async fn revoke(slug: &Slug, named: &str, operator: &Operator) -> anyhow::Result<ApiKey> {
    let Operator {
        db, source, actor, ..
    } = operator;
    let mut tx = db.begin().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    let key = choose(api_keys::list(&mut tx, organization.id).await?, named)
        .map_err(|why| Problem::refused(why, format!("`tenantry key list {slug}` shows the keys")))?;
    if !api_keys::revoke(&mut tx, organization.id, key.id, source.now()).await? {
        let why = format!("the key {}… was revoked before", key.prefix);
        return Err(Problem::refused(why, "nothing is left to do").into());
    }
    let event = AuditEvent::ApiKeyRevoked { id: key.id };
    audit::record(
        &mut tx,
        actor,
        Some(organization.id),
        &event,
        &Device::NONE,
        source,
    )
    .await?;
    tx.commit().await?;
    Ok(key)
}

/// A whole key may be pasted too: it begins with its prefix.
fn choose(keys: Vec<ApiKey>, named: &str) -> Result<ApiKey, &'static str> {
    let named = named.trim().trim_end_matches('…');
    let means = |key: &ApiKey| {
        let by_text =
            named.len() > "tk_".len() && (key.prefix.starts_with(named) || named.starts_with(&key.prefix));
        by_text || key.id.to_string() == named
    };
    let mut found = keys.into_iter().filter(means);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err("more than one key begins like this"),
        (None, _) => Err("there is no such key"),
    }
}
