//! The columns of an answer.

use super::embed::{Parent, Related};
use super::filter::{is_inner_json, spot};
use super::rows::{RowsOf, rows};
use super::writer::Writer;
use crate::records::error::RecordError;
use crate::records::plan::{Embed, Origin, Selection, Shape, Shown, Value};

/// How a column is named, and whether it is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// By its label.
    Labels,
    /// `c1`, `c2`, …, since labels of spread columns may be equal.
    Numbers,
    /// `c1`, `c2`, …, for another to make aggregates of.
    Raw,
}

/// The aliases of what is embedded in a record, in the order of the embedded objects; empty where nothing is shown.
pub(super) struct Laterals(Vec<String>);

impl Laterals {
    pub(super) fn new(sql: &mut Writer, selection: &Selection<'_>) -> Self {
        let aliases = selection.embeds.iter().map(|embed| match embed.shape {
            Shape::Hidden => String::new(),
            Shape::Json | Shape::Spread => sql.alias('e'),
        });
        Self(aliases.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// The joins that give what is embedded in the records called `alias`.
    pub(super) fn join(&self, sql: &mut Writer, parent: Parent<'_, '_>) -> Result<(), RecordError> {
        let shown = parent
            .selection
            .embeds
            .iter()
            .zip(&self.0)
            .filter(|(_, lateral)| !lateral.is_empty());
        for (embed, lateral) in shown {
            if embed.is_to_one() {
                one(sql, embed, parent, lateral)?;
            } else {
                many(sql, embed, parent, lateral)?;
            }
        }
        Ok(())
    }
}

fn one(
    sql: &mut Writer,
    embed: &Embed<'_>,
    parent: Parent<'_, '_>,
    lateral: &str,
) -> Result<(), RecordError> {
    let form = match embed.shape {
        Shape::Spread => Form::Raw,
        _ => Form::Labels,
    };
    sql.push(" left join lateral (");
    let related = Related::new(sql, embed, parent, 't');
    rows(sql, &embed.node, RowsOf::Related(&related), form)?;
    sql.push(") ");
    sql.push(lateral);
    sql.push(" on true");
    Ok(())
}

fn many(
    sql: &mut Writer,
    embed: &Embed<'_>,
    parent: Parent<'_, '_>,
    lateral: &str,
) -> Result<(), RecordError> {
    let record = sql.alias('r');
    sql.push(" cross join lateral (select ");
    let form = if embed.shape == Shape::Spread {
        let columns = embed.node.selection.shown();
        for number in 1..=columns.len() {
            sql.push(if number > 1 { ", " } else { "" });
            sql.push(&format!(
                "coalesce(json_agg({record}.c{number}), '[]') as c{number}"
            ));
        }
        Form::Numbers
    } else {
        sql.push(&format!("coalesce(json_agg(row_to_json({record}.*)), '[]') as j"));
        Form::Labels
    };
    sql.push(" from (");
    let related = Related::new(sql, embed, parent, 't');
    rows(sql, &embed.node, RowsOf::Related(&related), form)?;
    sql.push(") ");
    sql.push(&record);
    sql.push(") ");
    sql.push(lateral);
    Ok(())
}

/// The columns that a selection shows of the records called `alias`.
pub(super) fn columns(
    sql: &mut Writer,
    selection: &Selection<'_>,
    laterals: &Laterals,
    alias: &str,
    form: Form,
) -> Result<(), RecordError> {
    let is_grouped = form != Form::Raw && selection.aggregates();
    for (index, shown) in selection.shown().iter().enumerate() {
        sql.push(if index > 0 { ", " } else { "" });
        let source = Source {
            selection,
            laterals,
            alias,
        };
        let is_changed = if form == Form::Raw {
            source.value(sql, shown.origin, true)?;
            true
        } else {
            source.finished(sql, shown, is_grouped)?
        };
        match form {
            Form::Labels if is_changed || !source.is_named(shown) => {
                sql.push(" as ");
                sql.name(shown.label)?;
            }
            Form::Labels => {}
            Form::Numbers | Form::Raw => sql.push(&format!(" as c{}", index + 1)),
        }
    }
    Ok(())
}

/// The numbers of the columns by which records are grouped, if they are.
pub(super) fn group_by(sql: &mut Writer, selection: &Selection<'_>) {
    let shown = selection.shown();
    let keys = shown
        .iter()
        .enumerate()
        .filter(|(_, column)| column.aggregate.is_none());
    let mut lead = " group by ";
    for (index, _) in keys {
        sql.push(std::mem::replace(&mut lead, ", "));
        sql.push(&(index + 1).to_string());
    }
}

/// The types that a `jsonb` value can be turned into and a `json` value cannot (PostgreSQL documentation, section 8.14).
const OF_JSONB: [&str; 16] = [
    "bool",
    "boolean",
    "decimal",
    "double precision",
    "float",
    "float4",
    "float8",
    "int",
    "int2",
    "int4",
    "int8",
    "bigint",
    "integer",
    "numeric",
    "real",
    "smallint",
];

/// What columns are made of.
struct Source<'a, 'm> {
    selection: &'a Selection<'m>,
    laterals: &'a Laterals,
    alias: &'a str,
}

impl Source<'_, '_> {
    /// The column comes out under its label by itself.
    fn is_named(&self, shown: &Shown<'_, '_>) -> bool {
        match shown.origin {
            Origin::Output(index) => match &self.selection.outputs[index].value {
                Value::Spot(spot) => spot.path.is_empty() && spot.field.name == shown.label,
                Value::Record => false,
            },
            Origin::Json(_) | Origin::Spread(..) => false,
        }
    }

    /// The value as the answer has it. True if it is more than a column.
    fn finished(
        &self,
        sql: &mut Writer,
        shown: &Shown<'_, '_>,
        is_grouped: bool,
    ) -> Result<bool, RecordError> {
        let has_cast = match shown.origin {
            Origin::Output(index) => self.selection.outputs[index].cast.is_some(),
            Origin::Json(_) | Origin::Spread(..) => false,
        };
        if let Some((function, _)) = shown.aggregate {
            sql.push(function.name());
            sql.push("(");
        }
        self.value(sql, shown.origin, false)?;
        let cast = match shown.aggregate {
            Some((_, cast)) => {
                sql.push(")");
                cast
            }
            None => None,
        };
        // JSON has no equality, and so makes no groups.
        let json = (is_grouped && shown.is_json && shown.aggregate.is_none()).then_some("jsonb");
        let cast = cast.or(shown.exact).or(json);
        if let Some(cast) = cast {
            sql.push("::");
            sql.push(cast);
        }
        Ok(has_cast || cast.is_some() || shown.aggregate.is_some())
    }

    /// The value as it is found. A record is counted as such, or by a value that is never NULL where it is there.
    fn value(&self, sql: &mut Writer, origin: Origin, is_raw: bool) -> Result<(), RecordError> {
        match origin {
            Origin::Output(index) => {
                let output = &self.selection.outputs[index];
                match &output.value {
                    Value::Spot(found) => {
                        spot(sql, self.alias, found)?;
                        let is_read = output.cast.is_some_and(|cast| OF_JSONB.contains(&cast));
                        sql.push(if is_read && is_inner_json(found) {
                            "::jsonb"
                        } else {
                            ""
                        });
                    }
                    Value::Record => sql.push(if is_raw { "true" } else { "*" }),
                }
                if let Some(cast) = output.cast {
                    sql.push("::");
                    sql.push(cast);
                }
            }
            Origin::Json(index) => {
                let lateral = &self.laterals.0[index];
                if self.selection.embeds[index].is_to_one() {
                    sql.push(&format!("row_to_json({lateral}.*)"));
                } else {
                    sql.push(&format!("{lateral}.j"));
                }
            }
            Origin::Spread(index, column) => {
                let lateral = &self.laterals.0[index];
                sql.push(&format!("{lateral}.c{}", column + 1));
            }
        }
        Ok(())
    }
}

/// What is embedded in a record, and ` cross join lateral (select …) r`: what the answer holds of it.
pub(super) fn record(sql: &mut Writer, parent: Parent<'_, '_>) -> Result<(), RecordError> {
    let laterals = Laterals::new(sql, parent.selection);
    laterals.join(sql, parent)?;
    sql.push(" cross join lateral (select ");
    columns(sql, parent.selection, &laterals, parent.alias, Form::Labels)?;
    sql.push(") r");
    Ok(())
}
