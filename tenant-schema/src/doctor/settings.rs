//! Settings of PostgreSQL that do not go with many schemas in one database.

use std::collections::BTreeMap;

use catalog::doctor::database;

use super::look::Look;
use super::{Finding, Kind, Repair, Severity};
use crate::lifecycle::LifecycleError;

/// A setting, when it is wrong, what would be right, and why.
struct Advice {
    name: &'static str,
    is_wrong: fn(&Values) -> bool,
    value: fn(&Values) -> String,
    severity: Severity,
    why: &'static str,
}

/// What the server has now, and the size of the fleet.
struct Values {
    shown: BTreeMap<String, (String, f64)>,
    relations: f64,
    bytes: f64,
}

impl Values {
    fn is(&self, name: &str, value: &str) -> bool {
        self.shown.get(name).is_some_and(|(shown, _)| shown == value)
    }

    /// In the unit that PostgreSQL keeps it in.
    fn number(&self, name: &str) -> f64 {
        self.shown.get(name).map_or(0.0, |(_, number)| *number)
    }
}

/// From how many relations on autovacuum is slowed down by looking at them.
const MANY_RELATIONS: f64 = 200_000.0;

const ADVICE: &[Advice] = &[
    Advice {
        name: "autovacuum",
        is_wrong: |values| values.is("autovacuum", "off"),
        value: |_| "on".to_owned(),
        severity: Severity::Warn,
        why: "dead rows stay for ever, in the system catalogs too, and in the end no transaction can write",
    },
    Advice {
        name: "track_counts",
        is_wrong: |values| values.is("track_counts", "off"),
        value: |_| "on".to_owned(),
        severity: Severity::Warn,
        why: "autovacuum does not learn which tables need it",
    },
    Advice {
        name: "fsync",
        is_wrong: |values| values.is("fsync", "off"),
        value: |_| "on".to_owned(),
        severity: Severity::Warn,
        why: "a crash of the machine may ruin all tenants at once",
    },
    Advice {
        name: "full_page_writes",
        is_wrong: |values| values.is("full_page_writes", "off"),
        value: |_| "on".to_owned(),
        severity: Severity::Warn,
        why: "a crash of the machine may ruin pages that were being written",
    },
    Advice {
        name: "random_page_cost",
        is_wrong: |values| values.number("random_page_cost") > 2.0,
        value: |_| "1.1".to_owned(),
        severity: Severity::Advice,
        why: "with 4 PostgreSQL reads small tables whole instead of looking a key up by its index; at 1.1 a thousand tenants got a \
              fifth more requests a second",
    },
    Advice {
        name: "jit",
        is_wrong: |values| values.is("jit", "on"),
        value: |_| "off".to_owned(),
        severity: Severity::Advice,
        why: "requests and queries over the catalogs of many tenants take longer to compile than to run",
    },
    Advice {
        name: "shared_buffers",
        // Kept in pages of 8 kB.
        is_wrong: |values| {
            let bytes = values.number("shared_buffers") * 8_192.0;
            bytes <= 134_217_728.0 && values.bytes > 2.0 * bytes
        },
        value: |_| "a quarter of the machine's memory".to_owned(),
        severity: Severity::Advice,
        why: "the default of 128 MB does not hold the pages that the fleet's tenants use; each tenant has pages of its own",
    },
    Advice {
        name: "autovacuum_max_workers",
        is_wrong: |values| {
            values.relations > MANY_RELATIONS && values.number("autovacuum_max_workers") <= 3.0
        },
        value: |_| "6".to_owned(),
        severity: Severity::Advice,
        why: "three workers take turns at all tables of all tenants",
    },
    Advice {
        name: "autovacuum_naptime",
        is_wrong: |values| values.relations > MANY_RELATIONS && values.number("autovacuum_naptime") < 300.0,
        value: |_| "5min".to_owned(),
        severity: Severity::Advice,
        why: "each worker that begins reads the whole list of relations before it finds out what to do",
    },
    Advice {
        name: "max_connections",
        is_wrong: |values| values.number("max_connections") > 500.0,
        value: |_| "100, with a pooler in front where there are more clients".to_owned(),
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
    let values = Values {
        shown,
        relations: measures.map_or(0.0, |measures| measures.relations as f64),
        bytes: measures.map_or(0.0, |measures| measures.bytes as f64),
    };
    let wrong = ADVICE.iter().filter(|advice| (advice.is_wrong)(&values));
    let findings = wrong.map(|advice| {
        let value = (advice.value)(&values);
        let now = values.shown.get(advice.name).map_or("", |(shown, _)| shown);
        let finding = Finding::new(
            Kind::Settings,
            advice.name,
            format!("{now}, better {value}: {}", advice.why),
        );
        // Words are no value.
        let sql = (!value.contains(' ')).then(|| format!("alter system set {} = '{value}'", advice.name));
        let finding = finding.graded(advice.severity);
        match sql {
            Some(sql) => finding.with(Repair::by_hand(vec![sql])),
            None => finding,
        }
    });
    Ok(findings.collect())
}
