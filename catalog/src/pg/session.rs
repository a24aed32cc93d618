//! A session of its own, outside of any pool and any transaction: for the few statements that PostgreSQL refuses in one.

use std::time::Duration;

use tokio_postgres::Client;

use super::config::PgConfig;
use super::sqlstate::PgError;
use crate::schema_name::SchemaName;

/// A connection whose every statement is a transaction of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Session(Client);

impl Session {
    /// Connects, with `search_path` on this schema and a bound on how long a statement waits for others.
    ///
    /// # Errors
    /// [`PgError::Protocol`] behind a pooler of transactions, which gives nobody a session; [`PgError::Unavailable`].
    pub async fn open(config: &PgConfig, schema: &SchemaName, wait: Duration) -> Result<Self, PgError> {
        if config.is_pooled() {
            let why = "a pooler of transactions has no session for what cannot run in a transaction";
            return Err(PgError::Protocol(why.into()));
        }
        let config = config.for_steps(schema, wait);
        let connecting = config.driver().connect(config.tls()).await;
        let (client, driver) = connecting.map_err(PgError::of_connecting)?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a session ended");
            }
        });
        Ok(Self(client))
    }

    /// One statement without parameters, by itself in its message.
    pub async fn run(&self, statement: &str) -> Result<(), PgError> {
        self.0
            .batch_execute(statement)
            .await
            .map_err(PgError::of_statement)
    }
}
