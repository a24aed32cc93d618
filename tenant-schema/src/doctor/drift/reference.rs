//! What schemas should be like: one made of a version's files, read line by line and rolled back.

use std::collections::{BTreeMap, BTreeSet};

use catalog::clock::Source;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogDb;

use super::lines::{self, Lines};
use crate::lifecycle::post_steps::{self, Which};
use crate::lifecycle::{LifecycleError, idempotency_keys, scratch};
use crate::template::Template;

/// What the schemas of some versions should be like.
#[derive(Debug, Default)]
pub(in crate::doctor) struct References(BTreeMap<i32, Reference>);

/// What a schema of one version should be like.
#[derive(Debug)]
pub(super) struct Reference {
    /// The name it had.
    pub(super) schema: SchemaName,
    pub(super) lines: Lines,
}

impl References {
    /// Makes a schema of each of these versions that the template knows.
    pub(in crate::doctor) async fn build(
        db: &CatalogDb,
        template: &Template,
        source: &Source,
        versions: BTreeSet<i32>,
    ) -> Result<Self, LifecycleError> {
        let mut references = BTreeMap::new();
        for version in versions
            .into_iter()
            .filter(|version| *version <= template.latest())
        {
            let reference = Reference::build(db, template, source, version).await?;
            references.insert(version, reference);
        }
        Ok(Self(references))
    }

    /// What a schema of this version should be like, if it is known.
    pub(super) fn of(&self, version: i32) -> Option<&Reference> {
        self.0.get(&version)
    }
}

impl Reference {
    async fn build(
        db: &CatalogDb,
        template: &Template,
        source: &Source,
        version: i32,
    ) -> Result<Self, LifecycleError> {
        // A name of its own: others who try a template at this moment are not waited for.
        let schema = SchemaName::from_opaque(source.uuid());
        let mut catalog = db.begin_unhurried().await?;
        let tx = catalog.transaction();
        scratch::create_as(tx, &schema, template, version).await?;
        let role = format!("create role {} nologin", schema.read_write_role());
        tx.batch(&role).await?;
        idempotency_keys::create(tx, &schema, version).await?;
        post_steps::make(tx, template, &schema, version, Which::All).await?;
        // As it was when the scan began: names in what PostgreSQL describes depend on it.
        tx.batch("set local search_path = extensions, pg_temp; set local jit = off")
            .await?;
        let lines = lines::read(tx, &[schema.as_str()]).await?.remove(&schema);
        catalog.rollback().await?;
        Ok(Self {
            schema,
            lines: lines.unwrap_or_default(),
        })
    }
}
