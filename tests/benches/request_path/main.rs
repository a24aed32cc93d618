//! How much of the machine a tenant-scoped read gets: `cargo bench -p tests --bench request_path`.
//!
//! Three programs are driven in turn, in one run, on one PostgreSQL, with the same number of connections: `pgbench`
//! reading one row by key (the database alone), a bare axum route (HTTP alone), and `tenantry serve` answering
//! `GET /rest/v1/contacts/{id}` (both, with host, credential, tenant scope and access check). A server beside its
//! database on the same cores can at best reach the *combined limit* `1 / (1/pgbench + 1/axum)`, so that is what its
//! figure is divided by. Ratios within a run are what counts; absolute figures are the machine's.
//!
//! All figures of a row come from several rounds in which everything is measured in turn, and the median is quoted, so
//! that a machine whose speed drifts does not flatter one of them.
//!
//! Environment: `BENCH_SECONDS` (3) per measurement, `BENCH_ROUNDS` (5), `BENCH_TENANTS` (1,100,1000),
//! `BENCH_CONNECTIONS` (16,64).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod report;

use std::time::Duration;

use anyhow::Result;
use report::Report;
use tests::bench::contact::{CONTACT, contacts, request};
use tests::bench::{Bare, Fleet, Script, Tenant, bare, drive, visit};
use tests::config::numbers;

/// Contacts per tenant.
const CONTACTS: usize = 100;

/// How often each tenant is visited before the measurements, one request at a time.
const VISITS: usize = 6;

/// What is measured, from the environment.
struct Plan {
    seconds: u64,
    rounds: usize,
    tenants: Vec<usize>,
    connections: Vec<usize>,
}

impl Plan {
    fn from_env() -> Result<Self> {
        Ok(Self {
            seconds: numbers("BENCH_SECONDS", "3")?[0] as u64,
            rounds: numbers("BENCH_ROUNDS", "5")?[0],
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
    let fleet = Box::pin(Fleet::start(most)).await?;
    fleet
        .prepare(fleet.tenants().iter().map(|tenant| contacts(tenant, CONTACTS)))
        .await?;
    let requests: Vec<_> = fleet.tenants().iter().map(request).collect();
    let bare = Bare::start().await?;
    let server = fleet.serve().await?;
    let window = Duration::from_secs(plan.seconds);

    let mut visits = Vec::new();
    for _ in 0..VISITS {
        visits.push(visit(server.address(), &requests).await?.quantile(0.5));
    }
    let mut report = Report::default();
    for &connections in &plan.connections {
        for round in 0..=plan.rounds {
            let database = fleet
                .pgbench()?
                .run(&script(&fleet.tenants()[0]), connections, plan.seconds)?;
            let http = drive(bare.address(), &bare::requests(), connections, window).await?;
            let mut tenantry = Vec::new();
            for &tenants in &plan.tenants {
                let load = drive(server.address(), &requests[..tenants], connections, window).await?;
                tenantry.push((tenants, load));
            }
            // The first round warms caches, plans and connections.
            if round > 0 {
                report.add(connections, database.per_second, http.per_second, tenantry);
            }
        }
    }
    println!("{report}");
    println!("Half of all tenants' 1st, 2nd, … request took at most: {visits:.0?} µs (one connection).");
    server.stop().await?;
    bare.stop().await?;
    fleet.stop().await
}

/// PostgreSQL alone: one contact by its key.
fn script(tenant: &Tenant) -> Script {
    let columns = "id, first_name, last_name, full_name, email, phone, status, company_id, owner_id, job_title, \
        source, tag_ids, created_at, updated_at, created_by, updated_by, version, deleted_at, phone_digits, \
        processing_restricted_at, time_zone, locale";
    Script {
        text: format!(
            "select {columns} from {}.contacts where id = '{CONTACT}';\n",
            tenant.schema
        ),
        ..Script::default()
    }
}
