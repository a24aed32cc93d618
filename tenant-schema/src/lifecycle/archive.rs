//! A tenant into a file, and its schema away; and back.
//!
//! To archive is one transaction: it lets nobody write, writes the container, has it read back, and removes schema and roles
//! as it notes in the catalog where the file is. So there is no moment at which a record is in neither place, and a write
//! that was answered is in the file. A schema with more in it than one transaction may lock is not archived: to remove it
//! in parts would be to open a gap.

use std::path::Path;

use catalog::actor::Actor;
use catalog::archives::{self, Archive};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::memberships;
use catalog::moves;
use catalog::organizations::{self, Organization, OrganizationStatus};
use catalog::pg::migrator;
use catalog::slug::Slug;
use catalog::tenant_schemas;
use catalog::tx::{CatalogDb, CatalogTx};
use tokio::io::AsyncRead;

use super::post_steps::{self, Which};
use super::purge::{self, Survey};
use super::stamp::Found;
use super::{LifecycleError, Refusal, create_tables, psql_login, upgrade};
use crate::container::export::{Others, Sealed, Snapshot};
use crate::container::import::{ImportShape, fill};
use crate::container::reference::References;
use crate::container::{ContainerError, Head, Ids, Reader};
use crate::members::{self, Member};

/// A tenant that nobody writes any more, to be written into a container and removed.
#[must_use = "a tenant that is let go is as it was"]
pub struct Leaving {
    snapshot: Snapshot,
}

impl Leaving {
    /// Takes hold of a tenant: who reads goes on, who writes waits. Sessions of `tenantry psql` on it are ended.
    ///
    /// # Errors
    /// Those of [`Snapshot::take`]; [`LifecycleError::Refused`] for one that was dropped, or has more objects than one
    /// transaction may lock.
    pub async fn hold(
        db: &CatalogDb,
        references: &References,
        slug: &Slug,
        source: &Source,
    ) -> Result<Self, ContainerError> {
        let mut tx = db.begin().await?;
        let tenant = organizations::find_by_slug(&mut tx, slug).await?;
        let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
        let schema = tenant_schemas::find(&mut tx, tenant.id).await?;
        let schema = schema.ok_or(CatalogError::NotATenant)?;
        moves::check_home(&mut tx, tenant.id).await?;
        if tenant.status == OrganizationStatus::Cancelled {
            return Err(LifecycleError::from(Refusal::Dropped).into());
        }
        let survey = purge::survey(&mut tx, &schema.schema).await?;
        check(survey).map_err(LifecycleError::from)?;
        let logins = psql_login::of_schema(&mut tx, &schema.schema).await?;
        tx.rollback().await?;
        for login in &logins {
            psql_login::drop(db, login).await?;
        }
        let taking = Snapshot::take(db, references, slug, Others::Read, source);
        let snapshot = Box::pin(taking).await?;
        Ok(Self { snapshot })
    }

    /// What the container will say of itself.
    pub fn head(&self) -> &Head {
        self.snapshot.head()
    }

    /// The organization.
    pub fn tenant(&self) -> &Organization {
        self.snapshot.tenant()
    }

    /// Writes the container.
    pub async fn write<W: tokio::io::AsyncWrite + Unpin>(
        &mut self,
        output: W,
    ) -> Result<Sealed, ContainerError> {
        Box::pin(self.snapshot.write(output)).await
    }

    /// Removes schema and roles, and notes where the container is, which the caller has put in its place and read back.
    ///
    /// # Errors
    /// 40001 where somebody has changed the organization meanwhile: nothing is done.
    pub async fn remove(
        self,
        location: &Path,
        sealed: &Sealed,
        actor: &Actor,
        source: &Source,
    ) -> Result<Archive, ContainerError> {
        let (mut tx, tenant, schema) = self.snapshot.into_parts();
        // Reading was without policies; the catalog has some.
        tx.transaction().batch("set local row_security = on").await?;
        organizations::lock(&mut tx, tenant.id)
            .await?
            .ok_or(LifecycleError::from(Refusal::Gone))?;
        migrator::lock(tx.transaction(), schema.schema.as_str()).await?;
        let archive = Archive {
            status_before: tenant.status,
            location: location.display().to_string(),
            sha256: sealed.sha256.to_string(),
            content: sealed.closing.content.to_string(),
            bytes: i64::try_from(sealed.bytes).unwrap_or(i64::MAX),
            rows: i64::try_from(sealed.closing.rows).unwrap_or(i64::MAX),
            template_version: schema.template_version,
            by: actor.to_string(),
            at: source.now(),
        };
        archives::begin(&mut tx, &tenant, &archive, actor, source).await?;
        purge::remove(&mut tx, &schema.schema, Found::Ours).await?;
        tx.commit().await?;
        Ok(archive)
    }
}

/// What can go into a file and be removed in one transaction.
fn check(survey: Survey) -> Result<(), Refusal> {
    let Survey {
        needed,
        room,
        outside,
        large_objects,
    } = survey;
    if !outside.is_empty() {
        return Err(Refusal::Outside(outside));
    }
    if large_objects > 0 {
        return Err(Refusal::LargeObjects(large_objects));
    }
    if needed > room {
        let what = "removing its schema".to_owned();
        return Err(Refusal::TooManyLocks { what, needed, room });
    }
    Ok(())
}

/// Brings an archived tenant back out of its container, within `tx`; the caller commits. Organization, slug, members and
/// keys are what they were, and so is the schema's name.
///
/// # Errors
/// [`LifecycleError::Refused`] for a tenant that is not archived; [`ContainerError::Unfit`] for another container than the
/// one that was written then.
pub async fn restore<R: AsyncRead + Unpin>(
    tx: &mut CatalogTx,
    references: &References,
    shape: &ImportShape,
    reader: Reader<R>,
    slug: &Slug,
    (actor, source): (&Actor, &Source),
) -> Result<Archive, ContainerError> {
    let tenant = organizations::lock_by_slug(tx, slug).await?;
    let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
    let archive = archives::find(tx, tenant.id).await?;
    let archive = archive.ok_or(LifecycleError::from(Refusal::NotArchived))?;
    if reader.head().tenant.id != tenant.id {
        let other = &reader.head().tenant.slug;
        return Err(ContainerError::Unfit(format!(
            "the container is of another tenant, then called {other}"
        )));
    }
    let schema = tenant_schemas::find(tx, tenant.id).await?;
    let schema = schema.ok_or(CatalogError::NotATenant)?.schema;
    let template = references.template();
    let (from, latest) = (archive.template_version, template.latest());
    if reader.head().template.version != from {
        return Err(other_container());
    }
    let people = reader.head().people.clone();
    let steps = reader.head().post_steps.clone();
    create_tables(tx, template, from, tenant.id, &schema, source).await?;
    let filled = Box::pin(fill(tx, shape.shape(), &schema, reader, &Ids::default())).await?;
    if filled.sha256.to_string() != archive.sha256 {
        return Err(other_container());
    }
    upgrade(tx, template, &schema, from, source).await?;
    let which = Which::Of(&steps);
    post_steps::make_for(tx, template, (tenant.id, &schema), latest, which, source).await?;
    for member in memberships::list(tx, tenant.id).await? {
        let now = &member.membership;
        let is_same = people.iter().any(|before| {
            before.membership == now.id
                && (before.role, before.is_owner, before.active) == (now.role, now.is_owner, now.active)
        });
        if !is_same {
            let email = member.email.as_str();
            let name = member.display_name.as_deref().unwrap_or(email);
            members::mirror(tx, &schema, &Member::of(now, name, email)).await?;
        }
    }
    archives::end(tx, tenant.id, &archive, latest, actor, source).await?;
    Ok(archive)
}

fn other_container() -> ContainerError {
    ContainerError::Unfit("it is not the container that was written when the tenant was archived".to_owned())
}
