//! What the benchmarks share: a fleet on a cluster of its own, `tenantry serve` in front of it, a bare axum route, and
//! the loads that drive them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

pub mod bare;
pub mod contact;
pub mod fleet;
pub mod link;
pub mod load;
pub mod paced;
pub mod pgbench;

pub use bare::Bare;
pub use fleet::{Fleet, Served, Tenant};
pub use link::Link;
pub use load::{Load, drive, visit};
pub use paced::{Pressed, paced, press};
pub use pgbench::{Script, Transactions};

/// The middle one of the figures of several rounds.
///
/// # Panics
/// Where there is none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
