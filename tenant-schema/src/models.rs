//! The schema models seen so far: one per template version, shared by all tenants.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use catalog::resolve::ActiveTenant;

use crate::records::{INTROSPECT, RecordError, SchemaModel};
use crate::tenant_db::TenantDb;

/// Introspected once per template version, never per tenant.
#[derive(Debug, Default)]
pub(crate) struct Models(RwLock<HashMap<i32, Arc<SchemaModel>>>);

impl TenantDb {
    /// The model of the tenant's template version.
    pub async fn model(&self, tenant: &ActiveTenant) -> Result<Arc<SchemaModel>, RecordError> {
        let version = tenant.template_version();
        if let Some(model) = self
            .models()
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&version)
        {
            return Ok(Arc::clone(model));
        }
        let rows = self.read(tenant).await?.finish(INTROSPECT, &[]).await?;
        let json: &str = rows.first().map_or("[]", |row| row.get(0));
        let model = Arc::new(
            SchemaModel::from_json(json).map_err(|error| RecordError::Unreadable(error.to_string()))?,
        );
        self.models()
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(version, Arc::clone(&model));
        Ok(model)
    }
}
