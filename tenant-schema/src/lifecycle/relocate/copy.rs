//! What is done while nobody writes: all of a tenant into the open transaction of the other database.

use bytes::Bytes;
use catalog::audit::{self, AuditEvent};
use catalog::moves::carried::{Carried, NewHome};
use catalog::moves::{self, MoveState};
use catalog::organizations::{self, Organization, OrganizationStatus};
use catalog::pg::migrator;
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::tenant_schemas::{self, ENGINE_VERSION, TenantSchema, TenantSchemaState};
use catalog::tx::CatalogTx;
use std::time::Duration;
use tokio::io::{BufReader, duplex};

use super::{Copied, LOCK_TIMEOUT, Leaving, MARGIN, Relocation};
use crate::container::export::{Others, Sealed, Snapshot};
use crate::container::import::{Filled, ImportShape, fill};
use crate::container::{ContainerError, Ids, Reader, shape};
use crate::lifecycle::post_steps::{self, Which};
use crate::lifecycle::{LifecycleError, Refusal, idempotency_keys, purge};
use crate::members::{self, Member};

/// How much of the container is on its way at once.
const PIPE: usize = 1024 * 1024;

impl Relocation<'_> {
    /// Whether a tenant can be moved as it stands.
    pub(super) async fn check(
        &self,
        tx: &mut CatalogTx,
        tenant: &Organization,
        schema: &TenantSchema,
    ) -> Result<(), LifecycleError> {
        match schema.state {
            TenantSchemaState::Ready => {}
            TenantSchemaState::Dropped => return Err(Refusal::NoSchema.into()),
            state => return Err(Refusal::NotReady(state).into()),
        }
        if tenant.status == OrganizationStatus::Cancelled {
            return Err(Refusal::Dropped.into());
        }
        let template = self.references.template();
        let (version, supported) = (schema.template_version, template.supported());
        if version > *supported.end() {
            return Err(Refusal::LaterVersion(version, *supported.end()).into());
        }
        if !supported.contains(&version) || schema.engine_version != ENGINE_VERSION {
            return Err(Refusal::Behind(version).into());
        }
        let survey = purge::survey(tx, &schema.schema).await?;
        if survey.large_objects > 0 {
            return Err(Refusal::LargeObjects(survey.large_objects).into());
        }
        Ok(())
    }

    /// Holds off whoever would write, with `held`, and copies everything. What is held lives on whatever becomes of this.
    pub(super) async fn copy(
        &self,
        leaving: &Leaving,
        held: &mut Option<CatalogTx>,
        there: &mut CatalogTx,
        home: &SchemaName,
    ) -> Result<Copied, ContainerError> {
        let guard = held.insert(self.hold().await?);
        self.lock(leaving, guard).await?;
        // Younger than the locks: what it sees is all there will be.
        let slug = &leaving.tenant.slug;
        let taking = Snapshot::take(self.from, self.references, slug, Others::Write, self.source);
        let mut snapshot = Box::pin(taking).await?;
        let version = leaving.schema.template_version;
        let new = NewHome {
            schema: home,
            template_version: version,
        };
        let now = self.source.now();
        let settled = leaving.carried.enter_rest(there, &new, now).await?;
        let ids = Ids {
            users: settled.users,
            ..Ids::default()
        };
        let (sealed, filled) = Box::pin(self.pipe(&mut snapshot, there, home, &ids)).await?;
        for (membership, name, email) in &settled.held_back {
            members::mirror(there, home, &Member::of(membership, name, email)).await?;
        }
        let steps = snapshot.head().post_steps.clone();
        let (mut tx, ..) = snapshot.into_parts();
        copy_answers((&mut tx, &leaving.schema.schema), (there, home)).await?;
        tx.rollback().await?;
        let (template, id) = (self.references_there.template(), leaving.tenant.id);
        let which = Which::Of(&steps);
        post_steps::make_for(there, template, (id, home), version, which, self.source).await?;
        let event = AuditEvent::TenantArrived {
            token: leaving.token,
            schema: home.clone(),
            template_version: version,
            rows: i64::try_from(filled.rows).unwrap_or(i64::MAX),
            content: filled.content.to_string(),
        };
        let tenant = Some(leaving.tenant.id);
        audit::record(there, self.actor, tenant, &event, &Device::NONE, self.source).await?;
        Ok(Copied {
            sealed,
            schema: home.clone(),
            template_version: version,
            pause: Duration::ZERO,
            people: leaving.carried.people(),
            held_back: settled.held_back.len(),
            keys: leaving.carried.keys(),
            grants: leaving.carried.grants().to_vec(),
            left_out: leaving.left_out.clone(),
        })
    }

    /// The transaction that holds the locks, and notes the doubt before it lets them go.
    async fn hold(&self) -> Result<CatalogTx, ContainerError> {
        let longest = self.max_pause + MARGIN;
        Ok(self
            .from
            .begin_bounded(LOCK_TIMEOUT.min(self.max_pause), longest)
            .await?)
    }

    /// The organization's row, the schema's, then its tables; and nothing is otherwise than when it was looked at.
    async fn lock(&self, leaving: &Leaving, guard: &mut CatalogTx) -> Result<(), ContainerError> {
        let meanwhile = || ContainerError::from(LifecycleError::from(Refusal::Meanwhile));
        let tenant = organizations::lock(guard, leaving.tenant.id).await?;
        let tenant = tenant.ok_or(LifecycleError::from(Refusal::Gone))?;
        let found = moves::find(guard, tenant.id).await?;
        if found.is_none_or(|found| found.token != leaving.token || found.state != MoveState::Copying) {
            return Err(meanwhile());
        }
        let name = &leaving.schema.schema;
        migrator::lock(guard.transaction(), name.as_str()).await?;
        let reference = self
            .references
            .get(self.from, leaving.schema.template_version)
            .await?;
        let tables = reference.tables.iter();
        let tables: Result<Vec<String>, _> =
            tables.map(|table| shape::qualified(name, &table.name)).collect();
        let tables = tables?;
        if !tables.is_empty() {
            let lock = format!("lock table {} in share mode", tables.join(", "));
            guard.transaction().batch(&lock).await?;
        }
        let schema = tenant_schemas::find(guard, tenant.id).await?;
        let carried = Carried::read(guard, &tenant).await?;
        if schema.as_ref() != Some(&leaving.schema) || carried != leaving.carried {
            return Err(meanwhile());
        }
        Ok(())
    }

    /// The container from one database into the other, with a bounded piece of it in memory.
    async fn pipe(
        &self,
        snapshot: &mut Snapshot,
        there: &mut CatalogTx,
        home: &SchemaName,
        ids: &Ids,
    ) -> Result<(Sealed, Filled), ContainerError> {
        let (output, input) = duplex(PIPE);
        let writing = snapshot.write(output);
        let reading = async {
            let reader = Reader::open(BufReader::new(input)).await?;
            let fits = ImportShape::of(self.to, self.references_there, &reader).await?;
            fill(there, fits.shape(), home, reader, ids).await
        };
        let (sealed, filled) = tokio::join!(Box::pin(writing), Box::pin(reading));
        // What the reader says is why the writer found its pipe closed, and the other way round where the reader was cut off.
        let filled = match (filled, &sealed) {
            (Err(ContainerError::Cut(_)), Err(_)) => None,
            (filled, _) => Some(filled?),
        };
        let sealed = sealed?;
        match filled {
            Some(filled) if filled.sha256 == sealed.sha256 => Ok((sealed, filled)),
            _ => Err(ContainerError::Altered(
                "it has arrived otherwise than it was sent".to_owned(),
            )),
        }
    }
}

/// What of a schema no move carries: tables and columns that somebody made beside the template.
pub(super) async fn left_out(
    relocation: &Relocation<'_>,
    schema: &TenantSchema,
) -> Result<Vec<String>, ContainerError> {
    let (from, references) = (relocation.from, relocation.references);
    let reference = references.get(from, schema.template_version).await?;
    let mut tx = from.begin().await?;
    let found = shape::of(tx.transaction(), &schema.schema).await?;
    tx.rollback().await?;
    let shape::Difference { missing, besides } = shape::compare(&found, &reference);
    if missing.is_empty() {
        Ok(besides)
    } else {
        Err(LifecycleError::from(Refusal::Lacks(missing)).into())
    }
}

/// The answers that are kept for idempotency keys: a write that was done here is not done again there.
async fn copy_answers(
    (here, schema): (&mut CatalogTx, &SchemaName),
    (there, home): (&mut CatalogTx, &SchemaName),
) -> Result<(), ContainerError> {
    let (table, columns) = (idempotency_keys::TABLE, idempotency_keys::COLUMNS);
    let out = format!("copy (select {columns} from {schema}.{table}) to stdout");
    let into = format!("copy {home}.{table} ({columns}) from stdin");
    let mut rows = here.transaction().copy_out(&out).await?;
    let mut copying = there.transaction().copy_in(&into).await?;
    while let Some(piece) = rows.next().await? {
        copying.send(Bytes::from(piece.to_vec())).await?;
    }
    copying.finish().await?;
    Ok(())
}
