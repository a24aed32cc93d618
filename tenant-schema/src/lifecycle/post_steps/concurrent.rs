//! A post-step at a tenant that is served: outside of any transaction, and to be repeated until it is done.
//!
//! What PostgreSQL does without a transaction is done in several, and whoever is killed between them leaves something: an index
//! that is there and not valid, or one that is whole and of which the catalog does not know. So what is there is looked at
//! first, and what is not whole is removed.

use std::time::Duration;

use catalog::pg::session::Session;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use catalog::tx::{CatalogDb, CatalogTx};

use super::{Which, make, refused};
use crate::lifecycle::{LifecycleError, scratch};
use crate::template::{PostStep, Template};
use crate::template_check::post_steps::Act;

/// An index of a tenant's.
struct Index {
    /// Its name in SQL.
    named: String,
    /// PostgreSQL uses it.
    is_valid: bool,
    /// What makes it, without the schema's name.
    definition: String,
}

/// Carries a step out. `keeper` is a transaction that holds the tenant's lock and has `search_path` on its schema; it must
/// have read nothing of the tenant's tables, since what works without a transaction waits for everybody who has.
///
/// # Errors
/// [`LifecycleError::Template`] with what PostgreSQL said of the statement; nothing of it is left then, unless the removal was
/// refused too.
pub(crate) async fn apply(
    db: &CatalogDb,
    keeper: &mut CatalogTx,
    template: &Template,
    schema: &SchemaName,
    step: &PostStep,
    wait: Duration,
) -> Result<(), LifecycleError> {
    let session = db.session(schema, wait).await?;
    let tx = keeper.transaction();
    match step.act() {
        Act::CreateIndex { index, .. } => match find(tx, schema, index).await? {
            Some(found) if !found.is_valid => drop_index(tx, &session, &found.named).await?,
            // Whoever made it was killed before the catalog knew. Of another index with this name PostgreSQL itself will tell.
            Some(found) if is_of_the_template(db, template, step, index, &found).await? => return Ok(()),
            Some(_) | None => {}
        },
        Act::DropIndex { index, .. } => {
            if find(tx, schema, index).await?.is_none() {
                return Ok(());
            }
        }
        Act::Reindex => drop_copies(tx, &session, schema).await?,
        Act::Validate { .. } | Act::Maintain => {}
    }
    let Err(error) = run(tx, &session, step.statement()).await else {
        return Ok(());
    };
    if let Err(left) = clear(tx, &session, schema, step).await {
        let error = left.explain_discreetly();
        tracing::warn!(%schema, step = step.name(), error, "what a post-step has left could not be removed");
    }
    Err(refused(step, step.statement(), error))
}

/// Removes what a step has left that failed: an index that is not valid still takes time of every write, and a unique one
/// refuses records.
async fn clear(
    tx: &mut Transaction,
    session: &Session,
    schema: &SchemaName,
    step: &PostStep,
) -> Result<(), PgError> {
    match step.act() {
        Act::CreateIndex { index, .. } => match find(tx, schema, index).await? {
            Some(left) if !left.is_valid => drop_index(tx, session, &left.named).await,
            Some(_) | None => Ok(()),
        },
        Act::Reindex => drop_copies(tx, session, schema).await,
        Act::DropIndex { .. } | Act::Validate { .. } | Act::Maintain => Ok(()),
    }
}

async fn drop_index(tx: &mut Transaction, session: &Session, named: &str) -> Result<(), PgError> {
    run(tx, session, &format!("drop index concurrently if exists {named}")).await
}

/// Runs a statement that waits for everybody who may see an older state, but not for the keeper.
async fn run(tx: &mut Transaction, session: &Session, statement: &str) -> Result<(), PgError> {
    tx.rest().await?;
    session.run(statement).await
}

/// What `reindex concurrently` leaves when it fails.
async fn drop_copies(tx: &mut Transaction, session: &Session, schema: &SchemaName) -> Result<(), PgError> {
    for row in tx.rows(COPIES, &[&schema.as_str()]).await? {
        drop_index(tx, session, row.get("named")).await?;
    }
    Ok(())
}

async fn find(tx: &mut Transaction, schema: &SchemaName, index: &str) -> Result<Option<Index>, PgError> {
    let row = tx.row(INDEX, &[&schema.as_str(), &index]).await?;
    Ok(row.map(|row| Index {
        named: row.get("named"),
        is_valid: row.get("is_valid"),
        definition: without(row.get("definition"), schema),
    }))
}

fn without(definition: &str, schema: &SchemaName) -> String {
    definition.replace(&format!("{schema}."), "")
}

/// Whether an index is what the template makes, by a schema that is made of it and rolled back.
async fn is_of_the_template(
    db: &CatalogDb,
    template: &Template,
    step: &PostStep,
    index: &str,
    found: &Index,
) -> Result<bool, LifecycleError> {
    let mut catalog = db.begin_unhurried().await?;
    let tx = catalog.transaction();
    let schema = scratch::create(tx, template, step.version()).await?;
    let name = [step.name().to_owned()];
    make(tx, template, &schema, step.version(), Which::Of(&name)).await?;
    let made = find(tx, &schema, index).await?;
    catalog.rollback().await?;
    Ok(made.is_some_and(|made| made.definition == found.definition))
}

const INDEX: &str = "\
select pg_catalog.format('%I.%I', n.nspname, c.relname) as named, i.indisvalid and i.indisready and i.indislive as is_valid,
       pg_catalog.pg_get_indexdef(i.indexrelid) as definition
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_index i on i.indexrelid = c.oid
 where n.nspname = $1::text and c.relname = $2::text";

const COPIES: &str = "\
select pg_catalog.format('%I.%I', n.nspname, c.relname) as named
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_index i on i.indexrelid = c.oid
 where n.nspname = $1::text and not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
 order by c.relname";

pub(crate) const STATEMENTS: &[&str] = &[INDEX, COPIES];
