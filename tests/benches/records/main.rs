//! What the record engine costs over its own SQL: `cargo bench -p tests --bench records`.
//!
//! Each operation is sent to `tenantry serve` over HTTP, and the very statement that the engine writes for it is sent
//! by `pgbench`, prepared, in the same run, on the same PostgreSQL, over the same number of connections. A bare axum
//! route is driven as well: a server beside its database can at best reach the *combined limit*
//! `1 / (1/pgbench + 1/axum)`. All figures are medians of rounds in which everything is measured in turn.
//!
//! The cluster does not wait for its disk, which would hide what is measured.
//!
//! Environment: `BENCH_SECONDS` (3) per measurement, `BENCH_ROUNDS` (3), `BENCH_CONNECTIONS` (16).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod operations;
mod report;

use std::time::Duration;

use anyhow::{Context, Result};
use operations::{SEED, operations};
use report::{Report, Round};
use tests::bench::{Bare, Fleet, bare, drive};
use tests::config::numbers;

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == bare::MODE) {
        return bare::serve();
    }
    // One thread for the load, so that it takes as little as possible from what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let seconds = numbers("BENCH_SECONDS", "3")?[0] as u64;
    let rounds = numbers("BENCH_ROUNDS", "3")?[0];
    let connections = numbers("BENCH_CONNECTIONS", "16")?[0];
    let window = Duration::from_secs(seconds);

    let fleet = Box::pin(Fleet::start(1)).await?;
    let tenant = &fleet.tenants()[0];
    let seed = SEED.replace("{schema}", &tenant.schema.to_string());
    fleet.prepare([seed]).await?;
    let operations = operations(&*fleet.model().await?, tenant)?;
    let bare = Bare::start().await?;
    let server = fleet.serve().await?;

    let mut report = Report::default();
    for round in 0..=rounds {
        let http = drive(bare.address(), &bare::requests(), connections, window).await?;
        for operation in &operations {
            let failed = || format!("measuring {}", operation.name);
            let database = fleet
                .pgbench()?
                .run(&operation.script, connections, seconds)
                .with_context(failed)?;
            let tenantry = drive(server.address(), &operation.requests, connections, window)
                .await
                .with_context(failed)?;
            // The first round warms caches, plans and connections.
            if round > 0 {
                let http = http.per_second;
                report.add(
                    operation.name,
                    Round {
                        database,
                        http,
                        tenantry,
                    },
                );
            }
        }
    }
    println!("{report}");
    server.stop().await?;
    bare.stop().await?;
    fleet.stop().await
}
