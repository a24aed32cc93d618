//! What cannot be in a schema that Citus distributes, or works otherwise there than it looks. Read from Citus 12 and later
//! (`schema_based_sharding.c`, `trigger.c`, `table.c` and "SQL Support and Workarounds" of its documentation).

use super::statements::{Statement, split};
use super::tokens::Token;
use super::{Found, Rule};

pub(super) fn check(tokens: &[Token], found: &mut Found<'_>) {
    for statement in split(tokens) {
        tables(statement, found);
        triggers(statement, found);
        others(statement, found);
        settings(statement.0, found);
        for token in statement.0 {
            settings(&token.within(), found);
        }
    }
}

fn tables(statement: Statement<'_>, found: &mut Found<'_>) {
    let tokens = statement.0;
    if statement.begins(&["create", "foreign", "table"]) {
        let reason = "a foreign table cannot be in a distributed schema".to_owned();
        let instead = "make it a table, or read the other server from the program";
        return found.add(statement.line(), Rule::CitusForeignTable, reason, instead);
    }
    let is_table = statement.subject().is_some_and(|subject| subject.kind == "table");
    if !is_table {
        return;
    }
    if let Some(token) = tokens.iter().find(|token| token.is_any(&["inherits", "inherit"])) {
        let reason = "tables of a distributed schema neither inherit nor are inherited".to_owned();
        let instead =
            "name the columns in each table, or partition one: partitions are allowed within the schema";
        found.add(token.line, Rule::CitusInheritance, reason, instead);
    }
    let of_type = statement
        .creates()
        .and_then(|made| statement.name(made.name_at))
        .and_then(|(_, behind)| tokens.get(behind))
        .filter(|token| token.is("of"));
    if let Some(token) = of_type {
        let reason = "a table of a distributed schema cannot be made of a type".to_owned();
        found.add(token.line, Rule::CitusTypedTable, reason, "name its columns");
    }
    for token in tokens.iter().filter(|token| token.is_any(&SMALL)) {
        let reason = "a sequence smaller than bigint cannot be drawn from on the workers".to_owned();
        let instead = "use bigint with `generated always as identity`, or uuid";
        found.add(token.line, Rule::CitusSmallSequence, reason, instead);
    }
}

/// The types whose sequences are too small to hold a node's number.
const SMALL: [&str; 4] = ["serial", "serial4", "smallserial", "serial2"];

fn triggers(statement: Statement<'_>, found: &mut Found<'_>) {
    if statement.creates().is_some_and(|made| made.kind == "trigger") {
        found.add(
            statement.line(),
            Rule::CitusTrigger,
            "Citus refuses triggers on distributed tables unless citus.enable_unsafe_triggers is on".to_owned(),
            "turn it on for the database on all nodes if the trigger stays within its own schema; docs/citus.md says how",
        );
    }
}

fn others(statement: Statement<'_>, found: &mut Found<'_>) {
    if statement.creates().is_some_and(|made| made.kind == "rule") {
        let reason = "Citus does not support rules".to_owned();
        let instead = "write a view, or a trigger for each row";
        found.add(statement.line(), Rule::CitusRule, reason, instead);
    }
    if statement.begins(&["create", "materialized", "view"]) {
        let reason =
            "a materialized view stays on the coordinator, and does not move with its schema".to_owned();
        let instead = "write a plain view, or a table that the program fills";
        found.add(statement.line(), Rule::CitusMaterializedView, reason, instead);
    }
}

/// A setting is the coordinator's; what runs on a worker sees that worker's.
fn settings(tokens: &[Token], found: &mut Found<'_>) {
    for token in tokens.iter().filter(|token| token.is("current_setting")) {
        found.add(
            token.line,
            Rule::CitusSetting,
            "a setting of the transaction is not known on the worker where this may run".to_owned(),
            "leave who writes to the program; docs/citus.md says what the stamps of records lose",
        );
    }
}
