//! The table, as it stands in the README.

use std::fmt;

use tests::bench::{Load, median};

/// Everything measured: the rounds of each operation, in the order of the first.
#[derive(Default)]
pub(crate) struct Report(Vec<(&'static str, Vec<Round>)>);

/// What one operation reached in one round.
pub(crate) struct Round {
    /// `pgbench`, with the same SQL.
    pub(crate) database: Load,
    /// A bare axum route, in answers per second.
    pub(crate) http: f64,
    /// The server.
    pub(crate) tenantry: Load,
}

impl Round {
    /// What a server beside its database could reach, if it did nothing of its own.
    fn combined(&self) -> f64 {
        1.0 / (1.0 / self.database.per_second + 1.0 / self.http)
    }
}

impl Report {
    pub(crate) fn add(&mut self, name: &'static str, round: Round) {
        let (ours, raw) = (round.tenantry.per_second, round.database.per_second);
        let share = 100.0 * ours / round.combined();
        eprintln!("{name}: pgbench {raw:.0}/s, tenantry {ours:.0}/s ({share:.0} % of the combined limit)");
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rounds)) => rounds.push(round),
            None => self.0.push((name, vec![round])),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| operation | requests/s | p50 ms | p99 ms | same SQL by pgbench /s | p99 ms | of pgbench | of combined limit |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for (name, rounds) in &self.0 {
            let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
            let ms = |load: &Load, quantile| load.quantile(quantile) / 1000.0;
            writeln!(
                f,
                "| {name} | {:.0} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} % | {:.0} % |",
                of(&|round| round.tenantry.per_second),
                of(&|round| ms(&round.tenantry, 0.5)),
                of(&|round| ms(&round.tenantry, 0.99)),
                of(&|round| round.database.per_second),
                of(&|round| ms(&round.database, 0.99)),
                of(&|round| 100.0 * round.tenantry.per_second / round.database.per_second),
                of(&|round| 100.0 * round.tenantry.per_second / round.combined()),
            )?;
        }
        Ok(())
    }
}
