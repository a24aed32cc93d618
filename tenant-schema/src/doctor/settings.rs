//! Settings of PostgreSQL that do not go with many schemas in one database.

use catalog::doctor::database;

use super::look::Look;
use super::{Finding, Kind, Repair, Severity};
use crate::lifecycle::LifecycleError;

/// A setting, when it is wrong, what would be right, and why.
struct Advice {
    name: &'static str,
    wrong: Wrong,
    value: &'static str,
    severity: Severity,
    why: &'static str,
}

/// When a setting is wrong.
enum Wrong {
    /// When it has this value.
    Is(&'static str),
    /// When this says so of the number it has, in the unit that PostgreSQL keeps it in, and of the fleet.
    Where(fn(f64, &Fleet) -> bool),
}

impl Advice {
    /// One that must be on, or records may be lost.
    const fn must_be_on(name: &'static str, why: &'static str) -> Self {
        Self {
            name,
            wrong: Wrong::Is("off"),
            value: "on",
            severity: Severity::Warn,
            why,
        }
    }

    fn is_wrong(&self, shown: &str, number: f64, fleet: &Fleet) -> bool {
        match self.wrong {
            Wrong::Is(value) => shown == value,
            Wrong::Where(is_wrong) => is_wrong(number, fleet),
        }
    }
}

/// The size of the fleet.
struct Fleet {
    relations: f64,
    bytes: f64,
}

/// From how many relations on autovacuum is slowed down by looking at them.
const MANY_RELATIONS: f64 = 200_000.0;

const ADVICE: &[Advice] = &[
    Advice::must_be_on(
        "autovacuum",
        "dead rows stay for ever, in the system catalogs too, and in the end no transaction can write",
    ),
    Advice::must_be_on("track_counts", "autovacuum does not learn which tables need it"),
    Advice::must_be_on("fsync", "a crash of the machine may ruin all tenants at once"),
    Advice::must_be_on(
        "full_page_writes",
        "a crash of the machine may ruin pages that were being written",
    ),
    Advice {
        name: "random_page_cost",
        wrong: Wrong::Where(|cost, _| cost > 2.0),
        value: "1.1",
        severity: Severity::Advice,
        why: "with 4 PostgreSQL reads small tables whole instead of looking a key up by its index; at 1.1 a thousand tenants got a \
              fifth more requests a second",
    },
    Advice {
        name: "jit",
        wrong: Wrong::Is("on"),
        value: "off",
        severity: Severity::Advice,
        why: "requests and queries over the catalogs of many tenants take longer to compile than to run",
    },
    Advice {
        name: "shared_buffers",
        // Kept in pages of 8 kB.
        wrong: Wrong::Where(|pages, fleet| {
            let bytes = pages * 8_192.0;
            bytes <= 134_217_728.0 && fleet.bytes > 2.0 * bytes
        }),
        value: "a quarter of the machine's memory",
        severity: Severity::Advice,
        why: "the default of 128 MB does not hold the pages that the fleet's tenants use; each tenant has pages of its own",
    },
    Advice {
        name: "autovacuum_max_workers",
        wrong: Wrong::Where(|workers, fleet| fleet.relations > MANY_RELATIONS && workers <= 3.0),
        value: "6",
        severity: Severity::Advice,
        why: "three workers take turns at all tables of all tenants",
    },
    Advice {
        name: "autovacuum_naptime",
        wrong: Wrong::Where(|seconds, fleet| fleet.relations > MANY_RELATIONS && seconds < 300.0),
        value: "5min",
        severity: Severity::Advice,
        why: "each worker that begins reads the whole list of relations before it finds out what to do",
    },
    Advice {
        name: "max_connections",
        wrong: Wrong::Where(|connections, _| connections > 500.0),
        value: "100, with a pooler in front where there are more clients",
        severity: Severity::Advice,
        why: "each connection remembers the tables of every tenant it has served; the server's own need a few dozen",
    },
];

/// What should be set otherwise.
pub(super) async fn settings(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let names: Vec<&str> = ADVICE.iter().map(|advice| advice.name).collect();
    let shown = database::settings(look.tx, &names).await?;
    let measures = database::measures(look.tx).await?;
    #[expect(clippy::cast_precision_loss, reason = "orders of magnitude are compared")]
    let fleet = Fleet {
        relations: measures.map_or(0.0, |measures| measures.relations as f64),
        bytes: measures.map_or(0.0, |measures| measures.bytes as f64),
    };
    let found = ADVICE.iter().filter_map(|advice| {
        let (now, number) = shown.get(advice.name)?;
        advice.is_wrong(now, *number, &fleet).then_some((advice, now))
    });
    let findings = found.map(|(advice, now)| {
        let &Advice { name, value, why, .. } = advice;
        let finding = Finding::new(Kind::Settings, name, format!("{now}, better {value}: {why}"));
        // Words are no value.
        let sql = (!value.contains(' ')).then(|| format!("alter system set {name} = '{value}'"));
        let finding = finding.graded(advice.severity);
        match sql {
            Some(sql) => finding.with(Repair::by_hand(vec![sql])),
            None => finding,
        }
    });
    Ok(findings.collect())
}
