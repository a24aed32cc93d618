//! The schema models: one per template version, shared by all tenants of that version.
//!
//! A model is read off a schema that has the migrations of its version and nothing else: a tenant's, in the transaction
//! that makes it, or a scratch schema. It is never read off a schema that somebody else could have changed, since it
//! decides what every tenant's API shows. The catalog keeps it, and [`Models`] remembers what it read there.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::pg::migrator::{HISTORY_TABLE, MigrateError};
use catalog::tx::{CatalogDb, CatalogTx};
use catalog::{template_models, tenant_schemas};
use tokio::sync::OnceCell;

use crate::lifecycle::{LifecycleError, scratch};
use crate::records::{INTROSPECT, RecordError, SchemaModel};
use crate::template::Template;

/// The models that requests are planned by; cheap to clone.
#[derive(Debug, Clone)]
pub struct Models(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalog: CatalogDb,
    template: Template,
    seen: RwLock<HashMap<i32, Cell>>,
}

/// Filled once, by one request; those that want it too wait for that one.
type Cell = Arc<OnceCell<Arc<SchemaModel>>>;

impl Models {
    /// Reads models of this template by these connections, when they are first asked for.
    pub fn new(catalog: CatalogDb, template: Template) -> Self {
        let seen = RwLock::default();
        Self(Arc::new(Inner {
            catalog,
            template,
            seen,
        }))
    }

    /// The model of a template version.
    pub async fn get(&self, template_version: i32) -> Result<Arc<SchemaModel>, RecordError> {
        let known = self.known(template_version);
        if let Some(model) = known.as_deref().and_then(OnceCell::get) {
            return Ok(Arc::clone(model));
        }
        let cell = known.unwrap_or_else(|| self.entered(template_version));
        let model = cell.get_or_try_init(|| self.read(template_version)).await?;
        Ok(Arc::clone(model))
    }

    fn known(&self, template_version: i32) -> Option<Cell> {
        let seen = self.0.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.get(&template_version).map(Arc::clone)
    }

    fn entered(&self, template_version: i32) -> Cell {
        let mut seen = self.0.seen.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seen.entry(template_version).or_default())
    }

    async fn read(&self, template_version: i32) -> Result<Arc<SchemaModel>, RecordError> {
        let mut tx = self.0.catalog.begin().await?;
        let json = template_models::find(
            &mut tx,
            template_version,
            &self.0.template.model_query(template_version),
        )
        .await?;
        tx.rollback().await?;
        let json = json.ok_or_else(|| {
            RecordError::Unavailable(format!(
                "the catalog has no model of template version {template_version}: run `tenantry migrate`"
            ))
        })?;
        let model =
            SchemaModel::from_json(&json).map_err(|error| RecordError::Unreadable(error.to_string()))?;
        Ok(Arc::new(model))
    }
}

/// Records the model of a version unless it is recorded. `search_path` is on a schema that was made from that version
/// in this very transaction.
pub(crate) async fn record(
    tx: &mut CatalogTx,
    template: &Template,
    template_version: i32,
    source: &Source,
) -> Result<(), CatalogError> {
    let query = template.model_query(template_version);
    let recorded = template_models::find(tx, template_version, &query).await?;
    if recorded.is_some() {
        return Ok(());
    }
    let model = introspect(tx).await?;
    template_models::insert(tx, template_version, &query, &model, source.now()).await
}

/// Records the model of a version unless it is recorded, off a scratch schema that is gone afterwards.
pub(crate) async fn record_from_scratch(
    db: &CatalogDb,
    template: &Template,
    template_version: i32,
    source: &Source,
) -> Result<(), LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let query = template.model_query(template_version);
    let recorded = template_models::find(&mut tx, template_version, &query).await?;
    if recorded.is_some() {
        return Ok(tx.rollback().await?);
    }
    check_files(db, template, template_version).await?;
    scratch::create(tx.transaction(), template, template_version).await?;
    let model = introspect(&mut tx).await?;
    tx.rollback().await?;

    let mut tx = db.begin().await?;
    template_models::insert(&mut tx, template_version, &query, &model, source.now()).await?;
    Ok(tx.commit().await?)
}

/// Holds the files of a version against what a tenant of that version was made of: they may have been changed since, and
/// then what tenants have is not what a schema of today would have. All that are of one version were made alike, so one of
/// them tells; one whose schema is gone does not, and is told of in its turn.
async fn check_files(
    db: &CatalogDb,
    template: &Template,
    template_version: i32,
) -> Result<(), LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    if let Some(tenant) = tenant_schemas::find_at(&mut tx, template_version).await? {
        let files = template.migrations().up_to(template_version);
        let verified = files.verify(tx.transaction(), tenant.schema.as_str()).await;
        if let Err(error @ MigrateError::History(_)) = verified {
            return Err(error.into());
        }
    }
    Ok(tx.rollback().await?)
}

async fn introspect(tx: &mut CatalogTx) -> Result<String, CatalogError> {
    let tx = tx.transaction();
    // Compiling the statement takes far longer than running it.
    tx.batch("set local jit = off; savepoint introspecting").await?;
    let row = match tx.row(INTROSPECT, &[&HISTORY_TABLE]).await {
        // PostgreSQL may look at relations of others before it leaves them out, and one that is purged at that moment is
        // "could not open relation with OID …".
        Err(error) if error.sqlstate() == Some("XX000") => {
            tx.rollback_to("introspecting").await?;
            tx.row(INTROSPECT, &[&HISTORY_TABLE]).await?
        }
        found => found?,
    };
    Ok(row.map_or_else(|| "[]".to_owned(), |row| row.get("model")))
}

impl From<CatalogError> for RecordError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Database(error) => error.into(),
            other => Self::Unreadable(other.to_string()),
        }
    }
}
