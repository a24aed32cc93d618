//! What it takes to see thousands of tenants in turn: `cargo bench -p tests --bench visits`.
//!
//! A PostgreSQL backend remembers every tenant it has served and never forgets one, so the memory of a pool of connections
//! that all see the whole fleet grows with it. Here every tenant is read in turn, several times over, and as it goes on the
//! memory of the server and of its backends is told: it must become flat. Then a few tenants and all of them are
//! read under the same load in turns, and what counts is how much longer the slowest hundredth of the answers takes.
//!
//! Environment: `BENCH_TENANTS` (5000), `BENCH_PASSES` (4), `BENCH_CONNECTIONS` (4), `BENCH_SECONDS` (5), `BENCH_ROUNDS` (3).

#![expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

mod memory;

use std::time::Duration;

use anyhow::Result;
use memory::Memory;
use tests::bench::contact::{contacts, request};
use tests::bench::{Fleet, Served, drive, median, visit};
use tests::config::numbers;

/// Contacts per tenant.
const CONTACTS: usize = 20;

/// How often in a pass the memory is told.
const STEPS: usize = 5;

/// What all tenants are held against.
const FEW: usize = 10;

fn main() -> Result<()> {
    // One thread for the load, so that it takes as little as possible from what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let tenants = numbers("BENCH_TENANTS", "5000")?[0];
    let fleet = Box::pin(Fleet::start(tenants)).await?;
    fleet
        .prepare(fleet.tenants().iter().map(|tenant| contacts(tenant, CONTACTS)))
        .await?;
    let requests: Vec<_> = fleet.tenants().iter().map(request).collect();
    let server = fleet.serve().await?;
    curve(&fleet, &server, &requests).await?;
    slowest(&server, &requests).await?;
    server.stop().await?;
    fleet.stop().await
}

/// Visits all tenants in turn, over one connection, and tells what that leaves in memory.
async fn curve(fleet: &Fleet, server: &Served, requests: &[Vec<u8>]) -> Result<()> {
    let passes = numbers("BENCH_PASSES", "4")?[0];
    println!("| tenants visited | server MiB | backends | their MiB | p50 µs | p99 µs |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let mut visited = 0;
    for _ in 0..passes {
        for some in requests.chunks(requests.len().div_ceil(STEPS)) {
            let load = visit(server.address(), some).await?;
            visited += some.len();
            let Memory {
                server,
                backends,
                of_backends,
            } = Memory::of(fleet, server).await?;
            println!(
                "| {visited} | {server:.1} | {backends} | {of_backends:.1} | {:.0} | {:.0} |",
                load.quantile(0.5),
                load.quantile(0.99)
            );
        }
    }
    Ok(())
}

/// Reads few tenants and all of them, in turns, and tells the 99th percentile of both.
async fn slowest(server: &Served, requests: &[Vec<u8>]) -> Result<()> {
    let connections = numbers("BENCH_CONNECTIONS", "4")?[0];
    let window = Duration::from_secs(numbers("BENCH_SECONDS", "5")?[0] as u64);
    let rounds = numbers("BENCH_ROUNDS", "3")?[0];
    let few = &requests[..FEW.min(requests.len())];
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let of_few = drive(server.address(), few, connections, window).await?;
        let of_all = drive(server.address(), requests, connections, window).await?;
        // The first round warms what it reads.
        if round > 0 {
            measured.push(
                [of_few, of_all].map(|load| (load.per_second, load.quantile(0.5), load.quantile(0.99))),
            );
        }
    }
    println!("\n| tenants, {connections} connections | requests/s | p50 µs | p99 µs |");
    println!("|---:|---:|---:|---:|");
    for (at, tenants) in [few.len(), requests.len()].into_iter().enumerate() {
        let of_rounds =
            |figure: fn(&(f64, f64, f64)) -> f64| median(measured.iter().map(|round| figure(&round[at])));
        println!(
            "| {tenants} | {:.0} | {:.0} | {:.0} |",
            of_rounds(|load| load.0),
            of_rounds(|load| load.1),
            of_rounds(|load| load.2)
        );
    }
    let ratio = median(measured.iter().map(|[few, all]| all.2 / few.2));
    println!(
        "\nThe 99th percentile of {} tenants is {ratio:.2} times that of {}.",
        requests.len(),
        few.len()
    );
    Ok(())
}
