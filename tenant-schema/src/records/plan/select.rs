//! What each record of an answer holds.

use std::borrow::Cow;

use super::embed::{Embed, Shape};
use super::filter::Spot;
use crate::records::ast::AggregateFunction;
use crate::records::error::RecordError;
use crate::records::model::{Field, Object, Via, distinct};

/// What each record of an object holds in the answer.
pub struct Selection<'m> {
    pub(in crate::records) object: &'m Object,
    /// Values of the record itself.
    pub(in crate::records) outputs: Vec<Output<'m>>,
    /// What is embedded in it.
    pub(in crate::records) embeds: Vec<Embed<'m>>,
}

/// A value of the answer.
pub struct Output<'m> {
    pub(in crate::records) value: Value<'m>,
    /// Its key in JSON.
    pub(in crate::records) label: Cow<'m, str>,
    /// The type it is turned into.
    pub(in crate::records) cast: Option<&'m str>,
    /// What is made of the values of many records, and the type that is turned into.
    pub(in crate::records) aggregate: Option<(AggregateFunction, Option<&'m str>)>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'m> {
    /// A column, or a place in its JSON.
    Spot(Spot<'m>),
    /// The record as such, to be counted.
    Record,
}

/// A column of a selection as it comes out, those of spread objects among them.
pub struct Shown<'a, 'm> {
    pub(in crate::records) label: &'a str,
    pub(in crate::records) origin: Origin,
    /// It is JSON made here.
    pub(in crate::records) is_json: bool,
    pub(in crate::records) aggregate: Option<(AggregateFunction, Option<&'m str>)>,
    /// The cast that keeps a number exact in JSON, if it needs one.
    pub(in crate::records) exact: Option<&'static str>,
}

/// Where a column of a selection comes from; places count from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A value of the record itself.
    Output(usize),
    /// An embedded object as JSON.
    Json(usize),
    /// A column of a spread object.
    Spread(usize, usize),
}

impl Origin {
    /// The embedded object that it comes from.
    pub(super) fn embed(self) -> Option<usize> {
        match self {
            Self::Output(_) => None,
            Self::Json(embed) | Self::Spread(embed, _) => Some(embed),
        }
    }
}

impl Output<'_> {
    /// The cast that keeps a number exact in JSON, unless the request says what it wants.
    fn exact(&self) -> Option<&'static str> {
        let Value::Spot(spot) = &self.value else {
            return None;
        };
        match self.aggregate {
            Some((AggregateFunction::Count, _) | (_, Some(_))) => None,
            _ if self.cast.is_some() || !spot.path.is_empty() => None,
            _ => spot.field.exact_cast(),
        }
    }
}

impl<'m> Selection<'m> {
    /// Records that hold nothing.
    pub(super) fn nothing(object: &'m Object) -> Self {
        Self {
            object,
            outputs: Vec::new(),
            embeds: Vec::new(),
        }
    }

    /// Records that hold these columns.
    pub(super) fn of(object: &'m Object, fields: &[&'m Field]) -> Self {
        Self {
            outputs: fields.iter().map(|field| whole(field)).collect(),
            ..Self::nothing(object)
        }
    }

    /// The columns in their order: the record's own values, then what is embedded. Of equal labels the last stays, as
    /// whoever reads the JSON would see it.
    pub(in crate::records) fn shown(&self) -> Vec<Shown<'_, 'm>> {
        let own = self.outputs.iter().enumerate().map(|(index, output)| Shown {
            label: &output.label,
            origin: Origin::Output(index),
            is_json: false,
            aggregate: output.aggregate,
            exact: output.exact(),
        });
        let mut shown: Vec<_> = own.collect();
        for (index, embed) in self.embeds.iter().enumerate() {
            match embed.shape {
                Shape::Hidden => {}
                Shape::Json => shown.push(Shown {
                    label: &embed.name,
                    origin: Origin::Json(index),
                    is_json: true,
                    aggregate: None,
                    exact: None,
                }),
                Shape::Spread => {
                    let columns = embed.node.selection.shown().into_iter().enumerate();
                    let is_to_one = embed.is_to_one();
                    shown.extend(columns.map(|(column, within)| Shown {
                        label: within.label,
                        origin: Origin::Spread(index, column),
                        is_json: within.is_json || !is_to_one,
                        aggregate: within.aggregate.filter(|_| is_to_one),
                        exact: within.exact.filter(|_| is_to_one),
                    }));
                }
            }
        }
        // Labels of the record's own values are told apart already.
        if self.embeds.is_empty() {
            return shown;
        }
        let labels: Vec<&str> = shown.iter().map(|column| column.label).collect();
        let mut position = 0;
        shown.retain(|column| {
            position += 1;
            !labels[position..].contains(&column.label)
        });
        shown
    }

    /// Makes groups of its records.
    pub(in crate::records) fn aggregates(&self) -> bool {
        self.shown().iter().any(|column| column.aggregate.is_some())
    }

    /// The value that a column shows unchanged, of the record itself or of one that is spread in it.
    pub(super) fn spot(&self, origin: &Origin, within: Option<usize>) -> Option<&Spot<'m>> {
        let output = match (origin, within) {
            (Origin::Output(index), None) => &self.outputs[*index],
            (Origin::Spread(embed, column), Some(within)) if *embed == within => {
                let spread = &self.embeds[*embed].node.selection;
                let columns = spread.shown();
                let origin = columns.get(*column)?.origin;
                return spread.spot(&origin, None);
            }
            _ => return None,
        };
        match &output.value {
            Value::Spot(spot) if output.cast.is_none() => Some(spot),
            _ => None,
        }
    }

    /// Some embedded object comes from a function, which takes the record as a whole.
    pub(in crate::records) fn takes_record(&self) -> bool {
        let by_function = |embed: &Embed<'_>| matches!(embed.relationship.via, Via::Function { .. });
        self.embeds.iter().any(by_function)
    }

    /// The name by which something that is no column is handed on with a record's columns: that of none of them.
    pub(in crate::records) fn handed_on(&self, index: usize) -> String {
        let mut name = format!("s{index}");
        while self.object.readable(&name).is_some() {
            name.push('_');
        }
        name
    }

    /// The columns of the object's records that the selection is made of, each once: its values, and what ties
    /// embedded records to them.
    pub(in crate::records) fn fields(&self) -> Vec<&'m Field> {
        let values = self.outputs.iter().filter_map(|output| match &output.value {
            Value::Spot(spot) => Some(spot.field),
            Value::Record => None,
        });
        let ties = self
            .embeds
            .iter()
            .flat_map(|embed| match &embed.relationship.via {
                Via::ForeignKey { columns, .. } => columns.as_slice(),
                Via::Junction { own, .. } => own.as_slice(),
                Via::Function { .. } => &[],
            });
        distinct(values.chain(ties.filter_map(|pair| self.object.field(&pair.near))))
    }

    /// An action that is about single records makes no groups of them.
    pub(super) fn refuse_aggregates(&self) -> Result<(), RecordError> {
        if self.aggregates() {
            let details = "Aggregates are implemented for lists only.";
            return Err(RecordError::NotImplemented { details });
        }
        Ok(())
    }
}

/// A column as it is, under its own name.
pub(super) fn whole(field: &Field) -> Output<'_> {
    Output {
        value: Value::Spot(Spot::whole(field)),
        label: Cow::Borrowed(&field.name),
        cast: None,
        aggregate: None,
    }
}
