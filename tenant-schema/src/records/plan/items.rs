//! The items of `select`, planned.

use std::borrow::Cow;

use super::embed::{Embed, embed};
use super::filter::Spot;
use super::levels::Levels;
use super::nested::share_rows;
use super::select::{Output, Selection, Value, whole};
use super::{Context, cast};
use crate::records::ast::{Aggregate, AggregateFunction, Column, Place, SelectItem};
use crate::records::error::RecordError;
use crate::records::limits::Exceeded;
use crate::records::model::Object;

/// PostgreSQL cuts longer identifiers (`NAMEDATALEN`), so a longer alias would come back under another name.
const MAX_ALIAS_BYTES: usize = 63;

/// Plans what the records of an answer hold. No items mean all columns.
pub(super) fn selection<'m>(
    context: Context<'m>,
    object: &'m Object,
    items: Vec<SelectItem>,
    levels: &mut Levels,
) -> Result<Selection<'m>, RecordError> {
    let mut selection = held(context, object, items, levels)?;
    share_rows(&mut selection, context.limits)?;
    Ok(selection)
}

/// Plans what records of an object hold, with the limits as they are said.
pub(super) fn held<'m>(
    context: Context<'m>,
    object: &'m Object,
    items: Vec<SelectItem>,
    levels: &mut Levels,
) -> Result<Selection<'m>, RecordError> {
    let items = if items.is_empty() {
        vec![SelectItem::Star]
    } else {
        items
    };
    let mut selection = Selection::nothing(object);
    for (index, item) in items.into_iter().enumerate() {
        match item {
            SelectItem::Star => {
                let fields = object.fields.iter().filter(|field| field.in_default_select());
                for field in fields {
                    add(context, &mut selection.outputs, whole(field))?;
                }
            }
            SelectItem::Count { alias, cast } => {
                let output = count(context, alias, cast)?;
                add(context, &mut selection.outputs, output)?;
            }
            SelectItem::Column {
                column,
                alias,
                cast,
                aggregate,
            } => {
                let output = output(context, object, column, alias, cast, aggregate)?;
                add(context, &mut selection.outputs, output)?;
            }
            SelectItem::Embed(item) => {
                selection
                    .embeds
                    .push(embed(context, object, item, levels.take(index))?);
            }
        }
    }
    refuse_twins(&selection.embeds)?;
    Ok(selection)
}

/// Adds a value, once; no two different ones may have one label.
fn add<'m>(
    context: Context<'m>,
    outputs: &mut Vec<Output<'m>>,
    output: Output<'m>,
) -> Result<(), RecordError> {
    let allowed = context.limits.column_uses;
    let same = |other: &Output<'_>| {
        other.value == output.value && other.cast == output.cast && other.aggregate == output.aggregate
    };
    let of_same_column = |other: &&Output<'_>| match (&other.value, &output.value) {
        (Value::Spot(one), Value::Spot(other)) => one.field.name == other.field.name,
        (one, other) => one == other,
    };
    // Places in JSON and aggregates are not the column: there may be as many as a selection has items.
    let is_column =
        matches!(&output.value, Value::Spot(spot) if spot.path.is_empty() && output.aggregate.is_none());
    let uses = outputs
        .iter()
        .filter(of_same_column)
        .filter(|_| is_column)
        .count();
    match outputs.iter().find(|other| other.label == output.label) {
        None if uses >= allowed => {
            let column = match &output.value {
                Value::Spot(spot) => spot.field.name.clone(),
                Value::Record => output.label.into_owned(),
            };
            Err(Exceeded::Column { column, allowed }.into())
        }
        None => {
            outputs.push(output);
            Ok(())
        }
        Some(other) if same(other) => Ok(()),
        Some(_) => {
            let details = format!("two columns would both be called '{}'", output.label);
            Err(RecordError::syntax("select", &output.label, details))
        }
    }
}

fn refuse_twins(embeds: &[Embed<'_>]) -> Result<(), RecordError> {
    for (index, embed) in embeds.iter().enumerate() {
        if embeds[..index].iter().any(|other| other.name == embed.name) {
            let details = format!(
                "two embedded objects are called '{}': give one an alias",
                embed.name
            );
            return Err(RecordError::syntax("select", &embed.name, details));
        }
    }
    Ok(())
}

fn count(
    context: Context<'_>,
    alias: Option<String>,
    cast: Option<String>,
) -> Result<Output<'_>, RecordError> {
    Ok(Output {
        value: Value::Record,
        label: label(alias, Cow::Borrowed("count"))?,
        cast: None,
        aggregate: Some((AggregateFunction::Count, find_cast(context, cast)?)),
    })
}

fn find_cast(context: Context<'_>, name: Option<String>) -> Result<Option<&str>, RecordError> {
    name.map(|name| cast::find(context.model, &name)).transpose()
}

fn output<'m>(
    context: Context<'m>,
    object: &'m Object,
    column: Column,
    alias: Option<String>,
    cast: Option<String>,
    aggregate: Option<Aggregate>,
) -> Result<Output<'m>, RecordError> {
    // Without brackets it is what `count()` was before there were aggregates, and what many clients still write.
    let is_count = column.name == "count" && column.path.is_empty() && aggregate.is_none();
    if is_count && object.readable("count").is_none() {
        return count(context, alias, cast);
    }
    let spot = Spot::find(object, column)?;
    let cast = find_cast(context, cast)?;
    let aggregate = match aggregate {
        Some(aggregate) => Some((aggregate.function, find_cast(context, aggregate.cast)?)),
        None => None,
    };
    let own_label = match aggregate {
        Some((function, _)) => Cow::Borrowed(function.name()),
        None => spot_label(&spot),
    };
    Ok(Output {
        label: label(alias, own_label)?,
        value: Value::Spot(spot),
        cast,
        aggregate,
    })
}

/// The last key on the way into JSON, else the column's name.
fn spot_label<'m>(spot: &Spot<'m>) -> Cow<'m, str> {
    let last_key = spot.path.iter().rev().find_map(|step| match &step.to {
        Place::Key(key) if !key.is_empty() => Some(key.clone()),
        _ => None,
    });
    last_key.map_or(Cow::Borrowed(spot.field.name.as_str()), Cow::Owned)
}

fn label(alias: Option<String>, own: Cow<'_, str>) -> Result<Cow<'_, str>, RecordError> {
    // A key in JSON may be as long as an alias that the client chose.
    let label = alias.map_or(own, Cow::Owned);
    check_alias(&label)?;
    Ok(label)
}

pub(super) fn check_alias(alias: &str) -> Result<(), RecordError> {
    if alias.is_empty() || alias.len() > MAX_ALIAS_BYTES {
        let details = format!("an alias has 1 to {MAX_ALIAS_BYTES} bytes");
        return Err(RecordError::syntax("select", alias, details));
    }
    Ok(())
}
