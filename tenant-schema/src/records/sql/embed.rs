//! Related records: how they are found, and whether there are any.

use super::filter::{Scope, conditions};
use super::writer::Writer;
use crate::records::error::RecordError;
use crate::records::model::{Object, Pair, Via};
use crate::records::plan::{Embed, Node};

/// The record that others are related to.
#[derive(Clone, Copy)]
pub(super) struct Parent<'a> {
    pub(super) object: &'a Object,
    pub(super) alias: &'a str,
}

/// Where related records come from, with the aliases of the statement.
pub(super) struct Related<'a, 'm> {
    embed: &'a Embed<'m>,
    parent: Parent<'a>,
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
    pub(super) fn new(sql: &mut Writer, embed: &'a Embed<'m>, parent: Parent<'a>, letter: char) -> Self {
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
                // The record may come from a subselect, whose rows have no type of their own.
                sql.name(name)?;
                sql.push("(row(");
                sql.list(&self.parent.object.fields, |sql, field| {
                    sql.column(self.parent.alias, field)
                })?;
                sql.push(")::");
                sql.name(&self.parent.object.name)?;
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
        object: node.selection.object,
        alias,
    };
    for embed in node.selection.required() {
        clause.next(sql);
        exists(sql, parent, embed, true)?;
    }
    Ok(())
}

/// `exists (…)`, or `not exists (…)`: the planner makes a join of it where it can.
pub(super) fn exists(
    sql: &mut Writer,
    parent: Parent<'_>,
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
