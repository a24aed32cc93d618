//! Writing a tenant into a container: one snapshot of it, while it goes on being served and written.
//!
//! What is asked before the rows takes the same time however many tenants there are, and rows are handed on as they come.
//! The tables are locked first, in the weakest mode there is (ACCESS SHARE, as `pg_dump` takes): they can be read and written,
//! and are neither migrated nor removed until the last row is written.

use std::sync::Arc;

use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::memberships;
use catalog::organizations::{self, Organization};
use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema, TenantSchemaState};
use catalog::tx::{CatalogDb, CatalogTx};
use tokio::io::AsyncWrite;

use super::content::SETTINGS;
use super::reference::{self, References};
use super::shape::{self, Difference, Shape};
use super::writer::Writer;
use super::{ContainerError, Head, Person, Sequence, TenantInfo};
use crate::lifecycle::stamp::{self, Found};
use crate::lifecycle::{LifecycleError, Refusal, post_steps};

pub use super::writer::Sealed;

/// How often it is begun anew because the tenant was migrated at this very moment.
const ATTEMPTS: u32 = 3;

/// A tenant as it was at one moment.
#[must_use = "a snapshot that is let go cannot be written"]
pub struct Snapshot {
    tx: CatalogTx,
    tenant: Organization,
    schema: TenantSchema,
    shape: Arc<Shape>,
    head: Head,
}

/// What others may do with the tenant's tables meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Read and write them.
    Write,
    /// Read them; who would write waits, and so does another who would let others only read.
    Read,
}

impl Snapshot {
    /// Takes hold of a tenant.
    ///
    /// # Errors
    /// [`LifecycleError::Refused`] where its schema is gone, of a later version, or lacks something of the template's;
    /// [`LifecycleError::Stamp`]; [`CatalogError::NotFound`], [`CatalogError::NotATenant`].
    pub async fn take(
        db: &CatalogDb,
        references: &References,
        slug: &Slug,
        others: Others,
        source: &Source,
    ) -> Result<Self, ContainerError> {
        for attempt in 1..=ATTEMPTS {
            let mut tx = db.begin().await?;
            let (_, schema) = find(&mut tx, slug).await?;
            let version = schema.template_version;
            let latest = references.template().latest();
            if version > latest {
                return Err(LifecycleError::from(Refusal::LaterVersion(version, latest)).into());
            }
            let found = shape::of(tx.transaction(), &schema.schema).await?;
            tx.rollback().await?;
            let reference = references.get(db, version).await?;
            let Difference { missing, besides } = shape::compare(&found, &reference);
            if !missing.is_empty() {
                return Err(LifecycleError::from(Refusal::Lacks(missing)).into());
            }
            let mut tx = match others {
                Others::Write => db.begin_reading_snapshot().await?,
                Others::Read => db.begin_patient_snapshot().await?,
            };
            if !lock(&mut tx, &schema, &reference, others).await? {
                tracing::debug!(%slug, attempt, "it was removed or migrated meanwhile");
                tx.rollback().await?;
                continue;
            }
            let (tenant, now) = find(&mut tx, slug).await?;
            if (&now.schema, now.template_version) != (&schema.schema, version) {
                tracing::debug!(%slug, attempt, "it was migrated meanwhile");
                tx.rollback().await?;
                continue;
            }
            if stamp::find(tx.transaction(), &now.schema, tenant.id).await? != Found::Ours {
                return Err(LifecycleError::Stamp {
                    schema: now.schema,
                    organization: tenant.id,
                }
                .into());
            }
            let mut head = head(&mut tx, &tenant, &now, &reference, references, source).await?;
            head.left_out = besides;
            return Ok(Self {
                tx,
                tenant,
                schema: now,
                shape: reference,
                head,
            });
        }
        Err(LifecycleError::from(Refusal::Busy).into())
    }

    /// What the container will say of itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The organization.
    pub fn tenant(&self) -> &Organization {
        &self.tenant
    }

    /// Its schema.
    pub fn schema(&self) -> &TenantSchema {
        &self.schema
    }

    /// Writes the container; the tenant is held until [`Snapshot::release`].
    pub async fn write<W: AsyncWrite + Unpin>(&mut self, output: W) -> Result<Sealed, ContainerError> {
        let mut writer = Writer::begin(output, &self.head).await?;
        for table in &self.shape.tables {
            writer.table().await?;
            let sql = shape::copy_out(&self.schema.schema, table)?;
            let mut rows = self.tx.transaction().copy_out(&sql).await?;
            while let Some(piece) = rows.next().await? {
                writer.rows(&piece).await?;
            }
            writer.table_ends().await?;
        }
        writer.seal(&self.head).await
    }

    /// The transaction, in which the tenant can be changed where others cannot write it.
    pub(crate) fn into_parts(self) -> (CatalogTx, Organization, TenantSchema) {
        (self.tx, self.tenant, self.schema)
    }

    /// Lets the tenant go.
    pub async fn release(self) -> Result<(), PgError> {
        self.tx.rollback().await
    }
}

/// Writes a tenant's container, and says what is in it.
///
/// # Errors
/// Those of [`Snapshot::take`], and [`ContainerError::Io`].
pub async fn export<W: AsyncWrite + Unpin>(
    db: &CatalogDb,
    references: &References,
    slug: &Slug,
    output: W,
    source: &Source,
) -> Result<(Head, Sealed), ContainerError> {
    let taking = Snapshot::take(db, references, slug, Others::Write, source);
    let mut snapshot = Box::pin(taking).await?;
    let sealed = Box::pin(snapshot.write(output)).await?;
    let head = snapshot.head.clone();
    snapshot.release().await?;
    Ok((head, sealed))
}

async fn find(tx: &mut CatalogTx, slug: &Slug) -> Result<(Organization, TenantSchema), LifecycleError> {
    let tenant = organizations::find_by_slug(tx, slug).await?;
    let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
    let schema = tenant_schemas::find(tx, tenant.id).await?;
    let schema = schema.ok_or(CatalogError::NotATenant)?;
    if schema.state == TenantSchemaState::Dropped {
        return Err(Refusal::NoSchema.into());
    }
    Ok((tenant, schema))
}

/// In one statement, which comes before the snapshot: what is read afterwards is at least as young as the locks. Says
/// whether all of it was there. The history is locked too, which every schema has: of two who would let others only read,
/// one waits until the other has ended.
async fn lock(
    tx: &mut CatalogTx,
    schema: &TenantSchema,
    shape: &Shape,
    others: Others,
) -> Result<bool, ContainerError> {
    let tables = shape.tables.iter().map(|table| table.name.as_str());
    let names: Result<Vec<String>, _> = std::iter::once(HISTORY_TABLE)
        .chain(tables)
        .map(|table| shape::qualified(&schema.schema, table))
        .collect();
    let mode = match others {
        Others::Write => "access share",
        Others::Read => "share row exclusive",
    };
    let lock = format!("lock table {} in {mode} mode", names?.join(", "));
    match tx.transaction().batch(&lock).await {
        Ok(()) => Ok(true),
        // invalid_schema_name, undefined_table.
        Err(error) if matches!(error.sqlstate(), Some("3F000" | "42P01")) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn head(
    tx: &mut CatalogTx,
    tenant: &Organization,
    schema: &TenantSchema,
    shape: &Shape,
    references: &References,
    source: &Source,
) -> Result<Head, ContainerError> {
    // Before the settings, which let no policy be applied.
    let people = memberships::list(tx, tenant.id).await?;
    let post_steps = post_steps::had(tx, references.template(), tenant.id).await?;
    tx.transaction().batch(SETTINGS).await?;
    let row = tx.transaction().row(SERVER, &[]).await?;
    let mut sequences = Vec::with_capacity(shape.sequences.len());
    // Sequences are not part of a snapshot; read after it was taken, none is behind a row that it has given a number.
    for name in &shape.sequences {
        let sequence = shape::qualified(&schema.schema, name)?;
        let sql = format!("select s.last_value, s.is_called from {sequence} s");
        if let Some(row) = tx.transaction().row(&sql, &[]).await? {
            sequences.push(Sequence {
                name: name.clone(),
                last_value: row.get("last_value"),
                is_called: row.get("is_called"),
            });
        }
    }
    let person = |member: memberships::Member| Person {
        membership: member.membership.id,
        user: member.membership.user,
        email: member.email,
        display_name: member.display_name,
        role: member.membership.role,
        is_owner: member.membership.is_owner,
        active: member.membership.active,
    };
    Ok(Head {
        made_by: concat!("tenantry ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_at: source.now(),
        postgresql: row.map(|row| row.get("version")).unwrap_or_default(),
        tenant: TenantInfo {
            id: tenant.id,
            slug: tenant.slug.clone(),
            name: tenant.name.clone(),
            kind: tenant.kind,
            status: tenant.status,
        },
        template: reference::files(references.template(), schema.template_version),
        post_steps,
        people: people.into_iter().map(person).collect(),
        tables: shape.tables.iter().map(shape::TableShape::as_table).collect(),
        sequences,
        left_out: Vec::new(),
    })
}

pub(crate) const SERVER: &str = "select current_setting('server_version') as version";
