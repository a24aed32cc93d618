//! What one noisy tenant costs the others: `cargo bench -p tests --bench fairness`.
//!
//! Nine tenants each list 20 contacts at a steady, light pace. A tenth sends ten times what each of them sends, then as much
//! as 64 connections can carry, then the same with lists of 1,000 contacts, which are slow; and that once more with a limit
//! of eight requests in flight. What counts is the 99th percentile of the nine, divided by that of the quiet minutes right
//! before, in the same run.
//!
//! Environment: `BENCH_SECONDS` (5) per measurement, `BENCH_ROUNDS` (3).

#![expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tests::bench::{Fleet, Pressed, Tenant, median, paced, press};
use tests::config::numbers;

/// Contacts per tenant.
const CONTACTS: usize = 5_000;

/// How often each of the nine asks.
const PACE: Duration = Duration::from_millis(50);

const LIGHT: &str =
    "GET /rest/v1/contacts?select=id,first_name,last_name,email&order=created_at.desc,id&limit=20";

const HEAVY: &str = "GET /rest/v1/contacts?order=last_name,first_name,id&limit=1000";

/// What the tenth does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    Tenfold,
    Pressing,
    Heavy,
    HeavyLimited,
}

impl Noise {
    const ALL: [Self; 4] = [Self::Tenfold, Self::Pressing, Self::Heavy, Self::HeavyLimited];

    const fn text(self) -> &'static str {
        match self {
            Self::Tenfold => "ten times as many requests",
            Self::Pressing => "as many as 64 connections carry",
            Self::Heavy => "64 connections of lists of 1,000",
            Self::HeavyLimited => "the same, limited to 8 in flight",
        }
    }

    async fn make(self, address: SocketAddr, tenant: &Tenant, window: Duration) -> Result<Pressed> {
        let request = |line| tenant.request(line, "", "");
        if self == Self::Tenfold {
            // Ten connections at the pace of the others.
            let requests = vec![request(LIGHT); 10];
            paced(address, &requests, PACE, window).await?;
            return Ok(Pressed::default());
        }
        let line = if self == Self::Pressing { LIGHT } else { HEAVY };
        press(address, &request(line), 64, window).await
    }
}

/// The 99th percentiles of a round, in microseconds, and what the noisy tenant got.
struct Round {
    quiet: f64,
    noisy: f64,
    pressed: Pressed,
}

fn main() -> Result<()> {
    // One thread for the load, so that it takes as little as possible from what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let window = Duration::from_secs(numbers("BENCH_SECONDS", "5")?[0] as u64);
    let rounds = numbers("BENCH_ROUNDS", "3")?[0];
    let fleet = Box::pin(Fleet::start(10)).await?;
    fleet.prepare(fleet.tenants().iter().map(contacts)).await?;
    let server = fleet.serve().await?;
    let address = server.address();
    let (tenth, nine) = fleet.tenants().split_last().expect("there are ten");
    let nine: Vec<_> = nine.iter().map(|tenant| tenant.request(LIGHT, "", "")).collect();
    // Caches, plans and connections are warm before anything counts.
    paced(address, &nine, PACE, window).await?;
    Noise::Heavy.make(address, tenth, window).await?;

    println!(
        "| the tenth sends | p99 of the nine, quiet | with noise | ratio | the tenth was answered | turned away |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for noise in Noise::ALL {
        if noise == Noise::HeavyLimited {
            fleet.limit(tenth, 8).await?;
        }
        let mut all = Vec::new();
        for _ in 0..rounds {
            let quiet = paced(address, &nine, PACE, window).await?.quantile(0.99);
            let (noisy, pressed) = tokio::try_join!(
                paced(address, &nine, PACE, window),
                noise.make(address, tenth, window)
            )?;
            all.push(Round {
                quiet,
                noisy: noisy.quantile(0.99),
                pressed,
            });
        }
        println!("{}", row(noise, &all));
    }
    server.stop().await?;
    fleet.stop().await
}

fn row(noise: Noise, all: &[Round]) -> String {
    let ms = |figure: fn(&Round) -> f64| median(all.iter().map(figure)) / 1000.0;
    let ratio = median(all.iter().map(|round| round.noisy / round.quiet));
    let answered: u64 = all.iter().map(|round| round.pressed.answered).sum();
    let away: u64 = all.iter().map(|round| round.pressed.turned_away).sum();
    format!(
        "| {} | {:.1} ms | {:.1} ms | {ratio:.2} | {answered} | {away} |",
        noise.text(),
        ms(|round| round.quiet),
        ms(|round| round.noisy),
    )
}

fn contacts(tenant: &Tenant) -> String {
    format!(
        "insert into {}.contacts (first_name, last_name, email)
         select 'Ada', 'Lovelace ' || n % 100, 'ada' || n || '@example.com' from generate_series(1, {CONTACTS}) n;
         analyze {}.contacts",
        tenant.schema, tenant.schema
    )
}
