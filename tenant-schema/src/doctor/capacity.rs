//! What the fleet takes, and what it would take if it were twice as large.

use catalog::doctor::database::{self, Measures};
use catalog::pg::pool::PoolSettings;

use super::look::Look;
use super::{Finding, Kind, Severity};
use crate::lifecycle::LifecycleError;

/// What a backend of PostgreSQL remembers of each relation it has used, in bytes: 0.62 MB of a tenant with 243 relations,
/// measured over a thousand tenants (PostgreSQL 15).
const REMEMBERED: i64 = 2_675;

/// A figure, now and at twice the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// What is counted.
    pub what: &'static str,
    /// Its unit: `bytes`, or empty.
    pub unit: &'static str,
    /// As it is.
    pub now: i64,
    /// As it would be.
    pub twice: i64,
    /// The most there can be, where there is a limit.
    pub limit: Option<i64>,
}

/// The figures, and what comes near a limit.
pub(super) async fn capacity(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let Some(measures) = database::measures(look.tx).await? else {
        return Ok(Vec::new());
    };
    look.forecast = forecast(&measures);
    Ok(limit(&measures).into_iter().collect())
}

/// What comes near the number of locks.
fn limit(measures: &Measures) -> Option<Finding> {
    let (now, twice) = (measures.tables, measures.tables * 2);
    if twice <= measures.locks {
        return None;
    }
    let severity = if now > measures.locks {
        Severity::Warn
    } else {
        Severity::Advice
    };
    let says = format!(
        "pg_dump of the whole database locks {now} tables at once, {twice} at twice the fleet, and there are {} locks",
        measures.locks
    );
    let finding = Finding::new(Kind::Capacity, "max_locks_per_transaction", says).graded(severity);
    let set = locks_wanted(measures);
    Some(finding.next(format!(
        "make max_locks_per_transaction {set} (restart), or save tenant by tenant"
    )))
}

/// So many that everything at twice the fleet can be locked at once, and a quarter more.
fn locks_wanted(measures: &Measures) -> i64 {
    let wanted = measures.tables * 2 * 5 / 4;
    let each = wanted.div_euclid(measures.connections.max(1)) + 1;
    (each.div_euclid(64) + 1) * 64
}

fn forecast(measures: &Measures) -> Vec<Forecast> {
    let scopes = i64::try_from(PoolSettings::default().scopes).unwrap_or(i64::MAX);
    let each = measures.relations / measures.schemas.max(1);
    // A connection is replaced when it has served so many tenants.
    let memory = |schemas: i64| each * REMEMBERED * schemas.min(scopes);
    let twofold = |what, unit, now: i64| Forecast {
        what,
        unit,
        now,
        twice: now.saturating_mul(2),
        limit: None,
    };
    vec![
        twofold("tenant schemas", "", measures.schemas),
        twofold("relations", "", measures.relations),
        Forecast {
            limit: Some(measures.locks),
            ..twofold("locks of a whole pg_dump", "", measures.tables)
        },
        Forecast {
            what: "locks to drop the largest tenant",
            unit: "",
            now: measures.most_relations * 6 / 5,
            twice: measures.most_relations * 6 / 5,
            limit: Some(measures.locks / 2),
        },
        Forecast {
            what: "memory of a connection that has seen its share",
            unit: "bytes",
            now: memory(measures.schemas),
            twice: memory(measures.schemas * 2),
            limit: None,
        },
        twofold("disk", "bytes", measures.bytes),
        twofold("files", "", measures.relations),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_double_and_memory_ends_where_connections_are_replaced() {
        let measures = Measures {
            schemas: 1_000,
            tables: 30_000,
            relations: 243_000,
            most_relations: 243,
            bytes: 1 << 31,
            locks: 6_400,
            connections: 100,
        };
        let figures = forecast(&measures);
        let of = |what: &str| {
            let found = figures.iter().find(|figure| figure.what.starts_with(what));
            found.map(|figure| (figure.now, figure.twice)).unwrap()
        };
        assert_eq!(of("relations"), (243_000, 486_000));
        assert_eq!(of("disk"), (1 << 31, 1 << 32));
        let (now, twice) = of("memory");
        assert_eq!(now, twice, "500 tenants, whatever the fleet");
        assert_eq!(now / (1 << 20), 309);
        assert_eq!(locks_wanted(&measures), 768);

        let severity = |tables| {
            let found = limit(&Measures { tables, ..measures });
            found.map(|finding| finding.severity)
        };
        assert_eq!(
            severity(3_200),
            None,
            "twice as many are just as many as there are locks"
        );
        assert_eq!(severity(3_201), Some(Severity::Advice));
        assert_eq!(severity(6_401), Some(Severity::Warn));
    }
}
