//! API keys an operator makes.

use catalog::api_keys::{self, ApiKey, NewApiKey};
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::secret::PlainSecret;
use catalog::sessions::Device;
use catalog::tx::CatalogTx;

/// Enters the key, and in the audit log that its creator made it.
pub(crate) async fn create(
    tx: &mut CatalogTx,
    new: NewApiKey,
    source: &Source,
) -> anyhow::Result<(ApiKey, PlainSecret)> {
    let (organization, actor) = (new.organization, new.created_by.clone());
    let (key, secret) = api_keys::insert(tx, new, source).await?;
    let event = AuditEvent::ApiKeyCreated {
        id: key.id,
        name: key.name.clone(),
        scopes: key.scopes.texts(),
    };
    audit::record(tx, &actor, Some(organization), &event, &Device::NONE, source).await?;
    Ok((key, secret))
}
