//! Conditions as SQL: fixed texts, chosen by field and operator, and parameters.

use std::fmt::Write as _;

use tokio_postgres::types::ToSql;

use super::condition::{Condition, Field, Test};
use crate::slug::Slug;

/// The conditions of a statement, and its parameters.
pub(crate) struct Compiled {
    sql: String,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
    first: usize,
}

impl Compiled {
    /// Of a statement whose own parameters come before `first`.
    pub(super) fn new(first: usize) -> Self {
        Self {
            sql: String::new(),
            params: Vec::new(),
            first,
        }
    }

    /// A statement with these conditions between its ends; the first ends in a condition itself.
    pub(crate) fn after(&self, head: &str, tail: &str) -> String {
        format!("{head}{}{tail}", self.sql)
    }

    /// The values, in their order.
    pub(crate) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|param| &**param as _).collect()
    }

    pub(super) fn only(&mut self, slugs: &[Slug]) {
        let slugs: Vec<String> = slugs.iter().map(Slug::to_string).collect();
        let place = self.param(slugs);
        self.push(format_args!("o.slug = any({place}::text[])"));
    }

    pub(super) fn and(&mut self, condition: &Condition) {
        let value = expression(condition.field);
        match &condition.test {
            Test::Like { pattern, negated } => {
                let place = self.param(pattern.clone());
                let not = if *negated { "not " } else { "" };
                self.push(format_args!("{value} {not}like {place}::text"));
            }
            Test::Contains { text, negated } => {
                let place = self.param(text.clone());
                let sign = if *negated { "=" } else { ">" };
                self.push(format_args!(
                    "pg_catalog.strpos(pg_catalog.lower({value}), pg_catalog.lower({place}::text)) {sign} 0"
                ));
            }
            Test::OneOf { words, negated } => {
                let place = self.param(words.clone());
                let test = if *negated { "<> all" } else { "= any" };
                self.push(format_args!("{value} {test}({place}::text[])"));
            }
            Test::Number {
                operator,
                value: number,
            } => {
                let place = self.param(*number);
                self.push(format_args!("{value} {} {place}::integer", operator.as_str()));
            }
            Test::Is(yes) => {
                let place = self.param(*yes);
                self.push(format_args!(
                    "t.organization_id is not null and {value} = {place}::boolean"
                ));
            }
            Test::Within { from, until, negated } => {
                let mut bounds = Vec::with_capacity(2);
                for (sign, at) in [(">=", from), ("<", until)] {
                    if let Some(at) = at {
                        bounds.push(format!("{value} {sign} {}::timestamptz", self.param(*at)));
                    }
                }
                let not = if *negated { "not " } else { "" };
                self.push(format_args!("{not}({})", bounds.join(" and ")));
            }
        }
    }

    fn param(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.params.push(Box::new(value));
        format!("${}", self.first + self.params.len() - 1)
    }

    fn push(&mut self, condition: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = write!(self.sql, " and ({condition})");
    }
}

/// What a field is in the statement: `o` is the organization, `t` its schema.
fn expression(field: Field) -> &'static str {
    match field {
        Field::Slug => "o.slug",
        Field::Name => "o.name",
        Field::Plan => "o.plan",
        Field::Kind => "o.kind",
        Field::Status => "o.status",
        Field::State => "t.state",
        Field::Parent => {
            "coalesce((select p.slug from catalog.organizations p where p.id = o.parent_id), 'none')"
        }
        Field::Version => "t.template_version",
        Field::Pinned => "(t.pinned_version is not null)",
        Field::Failed => "(t.last_error is not null)",
        Field::Created => "o.created_at",
        Field::Migrated => "t.migrated_at",
    }
}
