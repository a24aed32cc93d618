//! The table, as it stands in the README.

use std::fmt;

use crate::load::Load;

/// One row: the server under one load.
pub(crate) struct Figure {
    /// HTTP connections.
    pub(crate) connections: usize,
    /// Tenants addressed in turn.
    pub(crate) tenants: usize,
    /// What it achieved.
    pub(crate) load: Load,
}

#[derive(Default)]
pub(crate) struct Report {
    baselines: Vec<Baseline>,
    figures: Vec<Figure>,
}

struct Baseline {
    connections: usize,
    database: f64,
    http: f64,
}

impl Baseline {
    fn combined(&self) -> f64 {
        1.0 / (1.0 / self.database + 1.0 / self.http)
    }
}

impl Report {
    /// The two limits at so many connections, in requests per second.
    pub(crate) fn baseline(&mut self, connections: usize, database: f64, http: &Load) {
        eprintln!(
            "{connections} connections: pgbench {database:.0}/s, bare axum {:.0}/s",
            http.per_second
        );
        self.baselines.push(Baseline {
            connections,
            database,
            http: http.per_second,
        });
    }

    /// A figure of the server's.
    pub(crate) fn add(&mut self, figure: Figure) {
        let Figure {
            connections,
            tenants,
            load,
        } = &figure;
        eprintln!(
            "{connections} connections, {tenants} tenants: {:.0}/s",
            load.per_second
        );
        self.figures.push(figure);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| connections | what | requests/s | p50 µs | p99 µs | of combined limit | of one tenant |"
        )?;
        writeln!(f, "|---:|---|---:|---:|---:|---:|---:|")?;
        for baseline in &self.baselines {
            let Baseline {
                connections,
                database,
                http,
            } = baseline;
            let combined = baseline.combined();
            writeln!(
                f,
                "| {connections} | PostgreSQL alone (pgbench, prepared) | {database:.0} | | | | |"
            )?;
            writeln!(f, "| {connections} | bare axum route | {http:.0} | | | | |")?;
            writeln!(
                f,
                "| {connections} | combined limit | {combined:.0} | | | 100 % | |"
            )?;
            let mut one = None;
            for Figure { tenants, load, .. } in self.figures.iter().filter(|x| x.connections == *connections)
            {
                let one = *one.get_or_insert(load.per_second);
                writeln!(
                    f,
                    "| {connections} | tenantry, {tenants} tenant{} | {:.0} | {} | {} | {:.0} % | {:.0} % |",
                    if *tenants == 1 { "" } else { "s" },
                    load.per_second,
                    load.latency.value_at_quantile(0.5),
                    load.latency.value_at_quantile(0.99),
                    100.0 * load.per_second / combined,
                    100.0 * load.per_second / one,
                )?;
            }
        }
        Ok(())
    }
}
