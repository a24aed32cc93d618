//! How much of the machine a tenant-scoped read gets: `cargo bench -p tests --bench request_path`.
//!
//! Three programs are driven in turn, in one run, on one PostgreSQL, with the same number of connections: `pgbench`
//! reading one row by key (the database alone), a bare axum route (HTTP alone), and `tenantry serve` answering
//! `GET /rest/v1/contacts/{id}` (both, with host, credential, tenant scope and access check). A server beside its
//! database on the same cores can at best reach the *combined limit* `1 / (1/pgbench + 1/axum)`, so that is what its
//! figure is divided by. Ratios within a run are what counts; absolute figures are the machine's.
//!
//! Environment: `BENCH_SECONDS` (5) per figure, `BENCH_TENANTS` (1,100,1000), `BENCH_CONNECTIONS` (16,64).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod bare;
mod fleet;
mod load;
mod report;

use std::time::Duration;

use anyhow::{Context, Result};
use report::{Figure, Report};

/// What is measured, from the environment.
struct Plan {
    seconds: u64,
    tenants: Vec<usize>,
    connections: Vec<usize>,
}

impl Plan {
    fn from_env() -> Result<Self> {
        let numbers = |name: &str, default: &str| -> Result<Vec<usize>> {
            let text =
                std::env::var_os(name).map_or_else(|| default.into(), |v| v.to_string_lossy().into_owned());
            let parsed: Result<_, _> = text.split(',').map(str::parse).collect();
            parsed.with_context(|| format!("{name}={text} is not a list of numbers such as {default}"))
        };
        Ok(Self {
            seconds: numbers("BENCH_SECONDS", "5")?[0] as u64,
            tenants: numbers("BENCH_TENANTS", "1,100,1000")?,
            connections: numbers("BENCH_CONNECTIONS", "16,64")?,
        })
    }
}

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == bare::MODE) {
        return bare::serve();
    }
    let plan = Plan::from_env()?;
    // One thread for the load, so that it takes as little as possible from what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&plan))
}

async fn run(plan: &Plan) -> Result<()> {
    let most = plan.tenants.iter().copied().max().unwrap_or(1);
    let fleet = Box::pin(fleet::Fleet::start(most)).await?;
    let bare = bare::Bare::start().await?;
    let server = fleet.serve().await?;
    let window = Duration::from_secs(plan.seconds);

    let mut report = Report::default();
    for &connections in &plan.connections {
        let database = fleet.pgbench(connections, plan.seconds)?;
        let http = load::drive(bare.address(), &bare::requests(), connections, window).await?;
        report.baseline(connections, database, &http);
        for &tenants in &plan.tenants {
            let requests = fleet.requests(tenants);
            load::drive(server.address(), &requests, connections, Duration::from_secs(2)).await?;
            let figure = load::drive(server.address(), &requests, connections, window).await?;
            report.add(Figure {
                connections,
                tenants,
                load: figure,
            });
        }
    }
    println!("{report}");
    server.stop().await?;
    bare.stop().await?;
    fleet.stop().await
}
