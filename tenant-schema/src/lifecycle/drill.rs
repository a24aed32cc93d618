//! A restore that is only tried: everything is done, read back and compared, and then undone.

use std::time::Duration;

use catalog::clock::Source;
use catalog::organizations::{self, NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogDb;
use tokio::io::AsyncRead;

use super::post_steps::{self, Which};
use super::{create_tables, upgrade};
use crate::container::content::Sha256;
use crate::container::import::{ImportShape, fill};
use crate::container::reference::References;
use crate::container::{ContainerError, Ids, Reader};

/// A container that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its records.
    pub rows: u64,
    /// The content hash of what was read back from the database, ids and all.
    pub content: Sha256,
    /// The SHA-256 of the container.
    pub sha256: Sha256,
}

/// How long somebody else's lock is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Restores a container in a database of its own, brings it to the latest version of the template, and rolls back.
///
/// # Errors
/// Whatever would keep it from being restored.
pub async fn rehearse<R: AsyncRead + Unpin>(
    db: &CatalogDb,
    references: &References,
    reader: Reader<R>,
    source: &Source,
) -> Result<Rehearsed, ContainerError> {
    let shape = ImportShape::of(db, references, &reader).await?;
    let (template, head) = (references.template(), reader.head());
    let (from, steps) = (head.template.version, head.post_steps.clone());
    let new = NewOrganization {
        kind: OrganizationKind::Standalone,
        parent: None,
        slug: head.tenant.slug.clone(),
        name: head.tenant.name.clone(),
        status: OrganizationStatus::Active,
        contact_email: None,
    };
    let mut tx = db.begin_patient(LOCK_TIMEOUT).await?;
    let organization = organizations::insert(&mut tx, &new, source).await?.id;
    let schema = SchemaName::from_opaque(source.uuid());
    create_tables(&mut tx, template, from, organization, &schema, source).await?;
    let ids = Ids::default();
    let filling = fill(&mut tx, shape.shape(), &schema, reader, &ids);
    let filled = Box::pin(filling).await?;
    upgrade(&mut tx, template, &schema, from, source).await?;
    let (latest, which) = (template.latest(), Which::Of(&steps));
    post_steps::make(tx.transaction(), template, &schema, latest, which).await?;
    tx.rollback().await?;
    Ok(Rehearsed {
        rows: filled.rows,
        content: filled.content,
        sha256: filled.sha256,
    })
}
