//! The model of each version of the template: JSON that whoever reads it off a schema understands, kept here so that
//! the server never has to look at a tenant's schema, which somebody may have changed by hand.
//!
//! A model belongs to a version *and* to the query that read it: a program that asks another question finds nothing
//! until `tenantry migrate` has recorded its answer.

use chrono::{DateTime, Utc};

use crate::error::CatalogError;
use crate::row::Columns;
use crate::tx::CatalogTx;

/// The model of a version, if this query's answer is recorded.
pub async fn find(
    tx: &mut CatalogTx,
    template_version: i32,
    query: &str,
) -> Result<Option<String>, CatalogError> {
    tx.row(FIND, &[&template_version, &query])
        .await?
        .map(|row| Columns::new(&row, "template_models").get("model"))
        .transpose()
}

/// Whether this query's answer is recorded.
pub async fn exists(tx: &mut CatalogTx, template_version: i32, query: &str) -> Result<bool, CatalogError> {
    Ok(tx.row(EXISTS, &[&template_version, &query]).await?.is_some())
}

/// Records the model of a version. If somebody else has done it, theirs stays: it is the same.
pub async fn insert(
    tx: &mut CatalogTx,
    template_version: i32,
    query: &str,
    model: &str,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(INSERT, &[&template_version, &query, &model, &now])
        .await?;
    Ok(())
}

const FIND: &str = "\
    select m.model::text as model from catalog.template_models m \
    where m.template_version = $1 and m.query_sha256 = sha256(convert_to($2, 'UTF8'))";

const EXISTS: &str = "\
    select m.template_version from catalog.template_models m \
    where m.template_version = $1 and m.query_sha256 = sha256(convert_to($2, 'UTF8'))";

const INSERT: &str = "\
    insert into catalog.template_models (template_version, query_sha256, model, created_at) \
    values ($1, sha256(convert_to($2, 'UTF8')), $3::text::jsonb, $4) \
    on conflict (template_version, query_sha256) do nothing";

pub(crate) const STATEMENTS: &[&str] = &[FIND, EXISTS, INSERT];
