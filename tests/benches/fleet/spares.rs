//! What a tenant costs from the pool of spare schemas, over one whose schema is built in place.

use std::time::{Duration, Instant};

use anyhow::Result;
use tenant_schema::lifecycle::spares;
use tenant_schema::template::Template;

use super::Bench;

/// How many of each are made.
const EACH: usize = 40;

/// Prints the median of both, one after the other in turns.
pub(super) async fn compare(bench: &Bench, first: usize) -> Result<()> {
    let template = Template::shipped();
    let (mut pool, mut place) = (Vec::new(), Vec::new());
    for n in (first..).step_by(2).take(EACH) {
        spares::fill(&bench.db, &template, 1, &bench.source, |_| {}).await?;
        pool.push(timed(bench, n).await?);
        place.push(timed(bench, n + 1).await?);
    }
    let (pool, place) = (median(pool), median(place));
    println!(
        "| a tenant from the pool, p50 | {:.1} ms | in place {:.1} ms | {:.0} % |",
        pool * 1e3,
        place * 1e3,
        100.0 * pool / place
    );
    Ok(())
}

async fn timed(bench: &Bench, n: usize) -> Result<Duration> {
    let began = Instant::now();
    bench.provision_one(n).await?;
    Ok(began.elapsed())
}

/// In seconds.
fn median(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
