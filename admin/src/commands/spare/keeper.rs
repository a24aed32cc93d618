//! The pool of spare schemas kept full for as long as a program runs.

use std::convert::Infallible;
use std::time::Duration;

use catalog::clock::Source;
use catalog::pg::sqlstate::PgError;
use catalog::tx::CatalogDb;
use tenant_schema::fleet;
use tenant_schema::lifecycle::spares::{self, Filled};
use tenant_schema::template::Template;

/// What keeps it, and how.
pub(in crate::commands) struct Keeper<'a> {
    /// The owner's connections: to build a schema is not the server's to do.
    pub(in crate::commands) db: &'a CatalogDb,
    /// What they are built from.
    pub(in crate::commands) template: &'a Template,
    /// Clock and randomness.
    pub(in crate::commands) source: &'a Source,
    /// How many there should be.
    pub(in crate::commands) target: usize,
    /// How long it waits between two looks.
    pub(in crate::commands) every: Duration,
}

impl Keeper<'_> {
    /// Fills the pool, and again, and tells of the first time and of every time that something was done. Ends with an
    /// error that waiting does not mend, or when it could not be told. A database that is away, full or busy is waited for.
    pub(in crate::commands) async fn keep(
        &self,
        mut tell: impl FnMut(Filled) -> anyhow::Result<()>,
    ) -> anyhow::Result<Infallible> {
        let (mut told, mut failures) = (false, 0);
        loop {
            let pause = match spares::fill(self.db, self.template, self.target, self.source, |_| {}).await {
                Ok(filled) => {
                    failures = 0;
                    if !told || filled.built + filled.removed > 0 {
                        tell(filled)?;
                        told = true;
                    }
                    self.every
                }
                Err(error) if error.pg().is_some_and(PgError::is_passing) => {
                    failures += 1;
                    let pause = fleet::pause_after(failures, self.source);
                    let error = error.explain();
                    tracing::warn!(%error, ?pause, "the spare schemas could not be filled up; trying again");
                    pause
                }
                Err(error) => return Err(error.into()),
            };
            tokio::time::sleep(pause).await;
        }
    }
}
