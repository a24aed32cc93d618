//! Databases of a cluster: making the one that a cluster of our own works in.

use tokio_postgres::error::SqlState;

use super::config::PgConfig;
use super::sqlstate::PgError;

/// Makes the database if it is not there. `config` names another database of the same cluster, such as `postgres`,
/// and a login that may create databases; the new one has the cluster's encoding and locale.
pub async fn ensure(config: &PgConfig, name: &str) -> Result<(), PgError> {
    let (client, connection) = config
        .driver()
        .connect(config.tls())
        .await
        .map_err(|error| PgError::Unavailable(error.into()))?;
    let work = async {
        let row = client.query_one(KNOWN, &[&name]).await?;
        if !row.get::<_, bool>("known") {
            let quoted: &str = row.get("quoted");
            // It cannot run inside a transaction, hence not through the usual door.
            match client.batch_execute(&format!("create database {quoted}")).await {
                Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => {}
                other => other?,
            }
        }
        // The connection ends when its client does.
        drop(client);
        Ok(())
    };
    let (done, _) = futures_util::future::join(work, connection).await;
    done.map_err(PgError::of_statement)
}

const KNOWN: &str = "\
select quote_ident($1) as quoted,
       exists (select from pg_catalog.pg_database d where d.datname = $1) as known";

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[KNOWN];
