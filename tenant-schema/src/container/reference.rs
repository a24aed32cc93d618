//! What the template makes at a version, so that a tenant's own tables are told from those that somebody made beside it.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::tx::CatalogDb;
use tokio::sync::Mutex;

use super::TemplateFiles;
use super::shape::{self, Shape};
use crate::lifecycle::{LifecycleError, scratch};
use crate::template::Template;

/// The references of a template, each read once and then remembered; cheap to clone.
#[derive(Debug, Clone)]
pub struct References {
    template: Template,
    known: Arc<Mutex<HashMap<i32, Arc<Shape>>>>,
}

impl References {
    /// Those of this template; nothing is read yet.
    pub fn of(template: &Template) -> Self {
        Self {
            template: template.clone(),
            known: Arc::default(),
        }
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What a schema has at a version, read off a schema that is rolled back.
    pub(crate) async fn get(&self, db: &CatalogDb, version: i32) -> Result<Arc<Shape>, LifecycleError> {
        let mut known = self.known.lock().await;
        if let Some(shape) = known.get(&version) {
            return Ok(Arc::clone(shape));
        }
        let mut tx = db.begin_unhurried().await?;
        let schema = scratch::create(tx.transaction(), &self.template, version).await?;
        let shape = Arc::new(shape::of(tx.transaction(), &schema).await?);
        tx.rollback().await?;
        known.insert(version, Arc::clone(&shape));
        Ok(shape)
    }
}

/// The template's files up to a version, by name and checksum.
pub(super) fn files(template: &Template, version: i32) -> TemplateFiles {
    let identity = template.migrations().up_to(version).identity();
    TemplateFiles {
        version,
        files: identity.split(", ").map(str::to_owned).collect(),
    }
}
