//! `tenantry key create`: a key, shown once.

use anyhow::Context as _;
use catalog::api_keys::{ApiKey, NewApiKey};
use catalog::scope::Scopes;
use catalog::secret::PlainSecret;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::KeyCreateArgs;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::keys;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct CreatedKey {
    id: String,
    organization: String,
    name: String,
    key: String,
    scopes: Vec<String>,
    expires_at: Option<DateTime<Utc>>,
}

/// Makes the key of a tenant.
pub(in crate::commands) async fn run(args: KeyCreateArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = args.slug.clone();
    let (key, secret) = create(args, operator)
        .await
        .with_context(|| format!("could not create a key of {slug}"))?;
    let document = CreatedKey {
        id: key.id.to_string(),
        organization: slug.to_string(),
        name: key.name,
        key: secret.reveal().to_owned(),
        scopes: key.scopes.texts(),
        expires_at: key.expires_at,
    };
    let origin = operator.config.server.tenant_origin(slug.as_str());
    operator.output.document(&document, |key| {
        let pairs = output::pairs([
            ("key, shown only now", key.key.clone()),
            ("id", key.id.clone()),
            ("name", key.name.clone()),
            ("scopes", key.scopes.join(" ")),
            ("expires", output::instant_or(key.expires_at, "never")),
        ]);
        format!(
            "{pairs}\ntry it:\n  curl -H 'Authorization: Bearer {}' '{origin}/rest/v1/contacts?limit=1'",
            key.key
        )
    })?;
    Ok(ExitStatus::Done)
}

async fn create(args: KeyCreateArgs, operator: &Operator) -> anyhow::Result<(ApiKey, PlainSecret)> {
    let texts: Vec<String> = args.scopes.iter().map(ToString::to_string).collect();
    let scopes = Scopes::parse(&texts)
        .map_err(|error| Problem::refused(error.to_string(), "give fewer scopes; *:* is all of them"))?;
    let mut tx = operator.db.begin().await?;
    let organization = operator.lock_home(&mut tx, &args.slug).await?;
    let new = NewApiKey {
        organization: organization.id,
        name: args.name,
        scopes,
        created_by: operator.actor.clone(),
        expires_at: args.expires.map(|lifetime| operator.source.now() + lifetime.0),
    };
    let made = keys::create(&mut tx, new, &operator.source).await?;
    tx.commit().await?;
    Ok(made)
}
