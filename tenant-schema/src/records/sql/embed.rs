//! Related records: how they are found, and whether there are any.

use super::filter::{Scope, conditions, requires};
use super::writer::Writer;
use crate::records::error::RecordError;
use crate::records::model::{Pair, Via};
use crate::records::plan::{Embed, Node, Selection};

/// The record that others are related to.
#[derive(Clone, Copy)]
pub(super) struct Parent<'a, 'm> {
    pub(super) selection: &'a Selection<'m>,
    pub(super) alias: &'a str,
    pub(super) stands: Stands,
}

/// What an alias stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// The object itself.
    Object,
    /// A subselect of the object's columns, which has the record as a whole besides ([`record_as_a_whole`]).
    Columns,
}

/// The column in which a subselect hands on the record as a whole: its rows have no type of their own, and functions
/// want the object's.
pub(super) const RECORD: usize = 0;

/// `alias.*::"object" as s0`, where something embedded needs it.
pub(super) fn record_as_a_whole(
    sql: &mut Writer,
    selection: &Selection<'_>,
    alias: &str,
) -> Result<(), RecordError> {
    sql.push(alias);
    sql.push(".*::");
    sql.name(&selection.object.name)?;
    sql.push(" as ");
    sql.name(&selection.handed_on(RECORD))
}

/// Where related records come from, with the aliases of the statement.
pub(super) struct Related<'a, 'm> {
    embed: &'a Embed<'m>,
    parent: Parent<'a, 'm>,
    /// The related records' alias.
    alias: String,
    /// The junction's alias; unused where there is none.
    junction: String,
}

/// The conditions of a clause, as they are written one after the other.
pub(super) struct Clause {
    /// What stands before the next one.
    lead: &'static str,
}

impl Clause {
    pub(super) fn begin(lead: &'static str) -> Self {
        Self { lead }
    }

    /// Goes on to another condition.
    pub(super) fn next(&mut self, sql: &mut Writer) {
        sql.push(self.lead);
        self.lead = " and ";
    }

    fn is_empty(&self) -> bool {
        self.lead != " and "
    }
}

impl<'a, 'm> Related<'a, 'm> {
    pub(super) fn new(sql: &mut Writer, embed: &'a Embed<'m>, parent: Parent<'a, 'm>, letter: char) -> Self {
        let alias = sql.alias(letter);
        let junction = match &embed.relationship.via {
            Via::Junction { .. } => sql.alias('j'),
            _ => String::new(),
        };
        Self {
            embed,
            parent,
            alias,
            junction,
        }
    }

    pub(super) fn alias(&self) -> &str {
        &self.alias
    }

    /// `"target" as alias`, by way of a junction or from a function where there is one.
    pub(super) fn source(&self, sql: &mut Writer) -> Result<(), RecordError> {
        let target = &self.embed.node.selection.object.name;
        match &self.embed.relationship.via {
            Via::ForeignKey { .. } => sql.name(target)?,
            Via::Junction { object, .. } => {
                sql.name(object)?;
                sql.push(" as ");
                sql.push(&self.junction);
                sql.push(" cross join ");
                sql.name(target)?;
            }
            Via::Function { name } => {
                let Parent {
                    selection,
                    alias,
                    stands,
                } = self.parent;
                sql.name(name)?;
                sql.push("(");
                match stands {
                    Stands::Object => {
                        sql.push(alias);
                        sql.push(".*::");
                        sql.name(&selection.object.name)?;
                    }
                    Stands::Columns => sql.column_named(alias, &selection.handed_on(RECORD))?,
                }
                sql.push(")");
            }
        }
        sql.push(" as ");
        sql.push(&self.alias);
        Ok(())
    }

    /// That they are related, and the conditions on them.
    pub(super) fn restrict(&self, sql: &mut Writer, clause: &mut Clause) -> Result<(), RecordError> {
        match &self.embed.relationship.via {
            Via::ForeignKey { columns, .. } => {
                equal(sql, clause, (self.parent.alias, &self.alias), columns)?;
            }
            Via::Junction { own, target, .. } => {
                equal(sql, clause, (self.parent.alias, &self.junction), own)?;
                equal(sql, clause, (&self.junction, &self.alias), target)?;
                if let Some(filter) = &self.embed.junction_filter {
                    clause.next(sql);
                    conditions(sql, Scope::plain(&self.junction), filter)?;
                }
            }
            Via::Function { .. } => {}
        }
        restrict(sql, clause, &self.embed.node, &self.alias)
    }

    /// ` left join … on …`, to sort by what it finds.
    pub(super) fn join(&self, sql: &mut Writer) -> Result<(), RecordError> {
        sql.push(" left join ");
        if matches!(self.embed.relationship.via, Via::Function { .. }) {
            sql.push("lateral ");
        }
        self.source(sql)?;
        let mut clause = Clause::begin(" on ");
        self.restrict(sql, &mut clause)?;
        if clause.is_empty() {
            sql.push(" on true");
        }
        Ok(())
    }
}

fn equal(
    sql: &mut Writer,
    clause: &mut Clause,
    (near, far): (&str, &str),
    pairs: &[Pair],
) -> Result<(), RecordError> {
    for pair in pairs {
        clause.next(sql);
        sql.column_named(far, &pair.far)?;
        sql.push(" = ");
        sql.column_named(near, &pair.near)?;
    }
    Ok(())
}

/// The conditions of a request on records, and that the related records which they need are there.
pub(super) fn restrict(
    sql: &mut Writer,
    clause: &mut Clause,
    node: &Node<'_>,
    alias: &str,
) -> Result<(), RecordError> {
    if !node.filter.is_empty() {
        clause.next(sql);
        conditions(sql, Scope::of(alias, &node.selection), &node.filter)?;
    }
    let parent = Parent {
        selection: &node.selection,
        alias,
        stands: Stands::Object,
    };
    required(sql, clause, parent, |index| !requires(&node.filter, index))
}

/// That the related records are there which records need to be shown.
pub(super) fn require(
    sql: &mut Writer,
    clause: &mut Clause,
    parent: Parent<'_, '_>,
) -> Result<(), RecordError> {
    required(sql, clause, parent, |_| true)
}

/// The same, where nothing else says it of the embedded object at this place.
fn required(
    sql: &mut Writer,
    clause: &mut Clause,
    parent: Parent<'_, '_>,
    is_unsaid: impl Fn(usize) -> bool,
) -> Result<(), RecordError> {
    for (index, embed) in parent.selection.embeds.iter().enumerate() {
        if embed.inner && is_unsaid(index) {
            clause.next(sql);
            exists(sql, parent, embed, true)?;
        }
    }
    Ok(())
}

/// `exists (…)`, or `not exists (…)`: the planner makes a join of it where it can.
pub(super) fn exists(
    sql: &mut Writer,
    parent: Parent<'_, '_>,
    embed: &Embed<'_>,
    is_wanted: bool,
) -> Result<(), RecordError> {
    sql.push(if is_wanted {
        "exists (select from "
    } else {
        "not exists (select from "
    });
    let related = Related::new(sql, embed, parent, 't');
    related.source(sql)?;
    related.restrict(sql, &mut Clause::begin(" where "))?;
    if embed.node.offset > 0 {
        sql.push(" offset ");
        sql.bind("offset", embed.node.offset.to_string())?;
        sql.push("::bigint");
    }
    sql.push(")");
    Ok(())
}
