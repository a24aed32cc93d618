//! The table, as it stands in the README: medians over the rounds.

use std::collections::BTreeMap;
use std::fmt;

use tests::bench::{Load, median};

/// Everything measured: by number of connections, the rounds.
#[derive(Default)]
pub(crate) struct Report(BTreeMap<usize, Vec<Round>>);

/// One round: the three programs, one after the other.
struct Round {
    database: f64,
    http: f64,
    tenantry: Vec<(usize, Load)>,
}

impl Round {
    /// What a server beside its database could reach, if it did nothing of its own.
    fn combined(&self) -> f64 {
        1.0 / (1.0 / self.database + 1.0 / self.http)
    }
}

impl Report {
    /// Adds a round: requests per second of the database alone, of HTTP alone, and the server's loads by tenants.
    pub(crate) fn add(&mut self, connections: usize, database: f64, http: f64, tenantry: Vec<(usize, Load)>) {
        let round = Round {
            database,
            http,
            tenantry,
        };
        let shares: Vec<String> = round
            .tenantry
            .iter()
            .map(|(tenants, load)| {
                let share = 100.0 * load.per_second / round.combined();
                format!("{tenants} tenants {:.0}/s ({share:.0} %)", load.per_second)
            })
            .collect();
        eprintln!(
            "{connections} connections: pgbench {database:.0}/s, axum {http:.0}/s, {}",
            shares.join(", ")
        );
        self.0.entry(connections).or_default().push(round);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| connections | what | requests/s | p50 µs | p99 µs | of combined limit | of one tenant |"
        )?;
        writeln!(f, "|---:|---|---:|---:|---:|---:|---:|")?;
        for (connections, rounds) in &self.0 {
            let of_rounds = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
            let database = of_rounds(&|round| round.database);
            let http = of_rounds(&|round| round.http);
            let combined = of_rounds(&Round::combined);
            writeln!(
                f,
                "| {connections} | PostgreSQL alone (pgbench, prepared) | {database:.0} | | | | |"
            )?;
            writeln!(f, "| {connections} | bare axum route | {http:.0} | | | | |")?;
            writeln!(
                f,
                "| {connections} | combined limit | {combined:.0} | | | 100 % | |"
            )?;
            for at in 0..rounds[0].tenantry.len() {
                let tenants = rounds[0].tenantry[at].0;
                let load = |round: &Round| round.tenantry[at].1.per_second;
                let per_second = of_rounds(&load);
                let [p50, p99] = [0.5, 0.99].map(|q| of_rounds(&|round| round.tenantry[at].1.quantile(q)));
                let of_combined = 100.0 * of_rounds(&|round| load(round) / round.combined());
                let of_one = 100.0 * of_rounds(&|round| load(round) / round.tenantry[0].1.per_second);
                let plural = if tenants == 1 { "" } else { "s" };
                writeln!(
                    f,
                    "| {connections} | tenantry, {tenants} tenant{plural} | {per_second:.0} | {p50:.0} | {p99:.0} \
                     | {of_combined:.0} % | {of_one:.0} % |",
                )?;
            }
        }
        Ok(())
    }
}
