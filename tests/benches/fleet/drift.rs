//! What it takes to hold every tenant against what its version should be.

use std::time::Instant;

use anyhow::{Result, ensure};
use catalog::clock::Source;
use catalog::tx::CatalogDb;
use tenant_schema::doctor::{self, Examination, Kind};
use tenant_schema::template::Template;

/// How often; the best is told, and all of them.
const ROUNDS: usize = 3;

/// Scans the fleet for drift, which it must be free of.
pub(crate) async fn scan(db: &CatalogDb, source: &Source, template: &Template, tenants: usize) -> Result<()> {
    let exam = Examination {
        db,
        template,
        source,
        kinds: vec![Kind::Drift],
        only: None,
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let found = Box::pin(doctor::examine(&exam)).await?;
        rounds.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(
            found.tenants == tenants,
            "{} tenants were looked at",
            found.tenants
        );
        ensure!(found.findings.is_empty(), "{:#?}", found.findings);
    }
    let best = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let all: Vec<String> = rounds.iter().map(|round| format!("{round:.0}")).collect();
    println!(
        "| drift scan of {tenants} tenants ({} ms) | {best:.0} ms | | |",
        all.join(", ")
    );
    Ok(())
}
