//! Records of one object as rows: what of them, which of them, and in what order.

use super::embed::{Clause, Parent, RECORD, Related, Stands, record_as_a_whole, require, restrict};
use super::filter::operand;
use super::search;
use super::select::{Form, Laterals, columns, group_by};
use super::writer::Writer;
use crate::records::ast::{Direction, Nulls, OrderTerm};
use crate::records::error::RecordError;
use crate::records::model::{Field, Object, distinct};
use crate::records::plan::{Node, SortBy};

pub(super) mod cursor;

/// Where rows come from.
#[derive(Clone, Copy)]
pub(super) enum RowsOf<'a, 'm> {
    /// The object itself, called `t`.
    Object,
    /// Records that are related to another.
    Related(&'a Related<'a, 'm>),
    /// The written records of the statement, `_w`, called `t`.
    Written,
    /// What a function returns, called `t`: this writes the call.
    Call(&'a dyn Fn(&mut Writer) -> Result<(), RecordError>),
}

impl RowsOf<'_, '_> {
    fn stands(self) -> Stands {
        match self {
            Self::Written => Stands::Columns,
            Self::Object | Self::Related(_) | Self::Call(_) => Stands::Object,
        }
    }
}

/// `select … from …`.
///
/// Where there may be many rows and something is embedded in them, the page is found first and what is embedded is
/// made for its rows only: PostgreSQL would otherwise make it for every row that it sorts.
pub(super) fn rows(
    sql: &mut Writer,
    node: &Node<'_>,
    source: RowsOf<'_, '_>,
    form: Form,
) -> Result<(), RecordError> {
    let laterals = Laterals::new(sql, &node.selection);
    let is_grouped = form != Form::Raw && node.selection.aggregates();
    let rows = Rows::new(sql, node, source);
    if is_grouped || node.limit.is_none() || laterals.is_empty() {
        rows.all(sql, &laterals, form)?;
        rows.order_by(sql, |sql, _, key| rows.key(sql, key))?;
        return rows.limit(sql);
    }
    sql.push("select ");
    columns(sql, &node.selection, &laterals, rows.alias, form)?;
    sql.push(" from (select ");
    rows.page_columns(sql)?;
    rows.from(sql)?;
    rows.restrict(sql)?;
    rows.order_by(sql, |sql, index, key| match column(key) {
        Some(field) => sql.column(rows.alias, field),
        None => sql.name(&rows.carried(index)),
    })?;
    rows.limit(sql)?;
    sql.push(") as ");
    sql.push(rows.alias);
    laterals.join(sql, rows.parent(Stands::Columns))?;
    rows.order_by(sql, |sql, index, key| rows.carried_key(sql, index, key))
}

/// All rows that a page of records is taken from, to be counted: nothing is shown of them, unless they are made by
/// grouping.
pub(super) fn all(sql: &mut Writer, node: &Node<'_>, source: RowsOf<'_, '_>) -> Result<(), RecordError> {
    let rows = Rows::new(sql, node, source);
    if node.selection.aggregates() {
        let laterals = Laterals::new(sql, &node.selection);
        return rows.all(sql, &laterals, Form::Labels);
    }
    sql.push("select");
    rows.from(sql)?;
    rows.restrict(sql).map(|_| ())
}

/// The key is a column of the records themselves.
fn column<'m>(key: &SortBy<'m>) -> Option<&'m Field> {
    match key {
        SortBy::Own(spot) if spot.path.is_empty() => Some(spot.field),
        _ => None,
    }
}

struct Rows<'a, 'm> {
    node: &'a Node<'m>,
    source: RowsOf<'a, 'm>,
    alias: &'a str,
    /// The embedded objects that the rows are sorted by.
    joins: Vec<(usize, Related<'a, 'm>)>,
}

impl<'a, 'm> Rows<'a, 'm> {
    fn new(sql: &mut Writer, node: &'a Node<'m>, source: RowsOf<'a, 'm>) -> Self {
        let alias = match source {
            RowsOf::Related(related) => related.alias(),
            RowsOf::Object | RowsOf::Written | RowsOf::Call(_) => "t",
        };
        let parent = Parent {
            selection: &node.selection,
            alias,
            stands: source.stands(),
        };
        let mut joins: Vec<(usize, Related<'a, 'm>)> = Vec::new();
        for term in &node.order {
            if let SortBy::Related(index, _) = &term.key
                && !joins.iter().any(|(known, _)| known == index)
            {
                let embed = &node.selection.embeds[*index];
                joins.push((*index, Related::new(sql, embed, parent, 'o')));
            }
        }
        Self {
            node,
            source,
            alias,
            joins,
        }
    }

    fn object(&self) -> &'m Object {
        self.node.selection.object
    }

    fn all(&self, sql: &mut Writer, laterals: &Laterals, form: Form) -> Result<(), RecordError> {
        let selection = &self.node.selection;
        sql.push("select ");
        columns(sql, selection, laterals, self.alias, form)?;
        self.from(sql)?;
        laterals.join(sql, self.parent(self.source.stands()))?;
        self.restrict(sql)?;
        if form != Form::Raw && selection.aggregates() {
            group_by(sql, selection);
        }
        Ok(())
    }

    fn from(&self, sql: &mut Writer) -> Result<(), RecordError> {
        sql.push(" from ");
        match self.source {
            RowsOf::Related(related) => related.source(sql)?,
            RowsOf::Object => {
                sql.name(&self.object().name)?;
                sql.push(" as t");
            }
            RowsOf::Written => sql.push("_w as t"),
            RowsOf::Call(write) => {
                write(sql)?;
                sql.push(" as t");
            }
        }
        self.joins.iter().try_for_each(|(_, related)| related.join(sql))
    }

    /// The clause, for whoever has more to say in it.
    fn restrict(&self, sql: &mut Writer) -> Result<Clause, RecordError> {
        let mut clause = Clause::begin(" where ");
        match self.source {
            RowsOf::Related(related) => related.restrict(sql, &mut clause)?,
            RowsOf::Object | RowsOf::Call(_) => restrict(sql, &mut clause, self.node, self.alias)?,
            // What they must be like was asked when they were written.
            RowsOf::Written => require(sql, &mut clause, self.parent(Stands::Columns))?,
        }
        Ok(clause)
    }

    /// The columns that have to be known of a page's rows.
    fn page_fields(&self) -> Vec<&'m Field> {
        let sorted = self.node.order.iter().filter_map(|term| column(&term.key));
        distinct(self.node.selection.fields().into_iter().chain(sorted))
    }

    /// The names of what has to be known of a page's rows, as [`Self::page_columns`] gives them.
    fn page_names(&self) -> Vec<String> {
        let fields = self.page_fields().into_iter().map(|field| field.name.clone());
        let selection = &self.node.selection;
        let record = selection.takes_record().then(|| selection.handed_on(RECORD));
        let terms = self.node.order.iter().enumerate();
        let carried = terms.filter(|(_, term)| column(&term.key).is_none());
        fields
            .chain(record)
            .chain(carried.map(|(index, _)| self.carried(index)))
            .collect()
    }

    /// What has to be known of a page's rows: their columns, and what they are sorted by.
    fn page_columns(&self, sql: &mut Writer) -> Result<(), RecordError> {
        let fields = self.page_fields();
        sql.list(&fields, |sql, field| sql.column(self.alias, field))?;
        let mut is_first = fields.is_empty();
        if self.node.selection.takes_record() {
            sql.push(if is_first { "" } else { ", " });
            is_first = false;
            record_as_a_whole(sql, &self.node.selection, self.alias)?;
        }
        for (index, term) in self.node.order.iter().enumerate() {
            if column(&term.key).is_none() {
                sql.push(if is_first { "" } else { ", " });
                is_first = false;
                self.key(sql, &term.key)?;
                sql.push(" as ");
                sql.name(&self.carried(index))?;
            }
        }
        Ok(())
    }

    /// The name by which a page hands on what it is sorted by.
    fn carried(&self, index: usize) -> String {
        self.node.selection.handed_on(index + 1)
    }

    /// What the rows of a page are sorted by, seen from outside of it.
    fn carried_key(&self, sql: &mut Writer, index: usize, key: &SortBy<'_>) -> Result<(), RecordError> {
        match column(key) {
            Some(field) => sql.column(self.alias, field),
            None => sql.column_named(self.alias, &self.carried(index)),
        }
    }

    fn parent(&self, stands: Stands) -> Parent<'a, 'm> {
        Parent {
            selection: &self.node.selection,
            alias: self.alias,
            stands,
        }
    }

    fn key(&self, sql: &mut Writer, key: &SortBy<'_>) -> Result<(), RecordError> {
        match key {
            SortBy::Own(own) => operand(sql, self.alias, own),
            SortBy::Related(index, of) => {
                let join = self.joins.iter().find(|(known, _)| known == index);
                let (_, related) = join.expect("every object that rows are sorted by is joined");
                operand(sql, related.alias(), of)
            }
            SortBy::Shown(number) => {
                sql.push(&number.to_string());
                Ok(())
            }
            SortBy::Relevance(words) => search::relevance(sql, self.alias, words),
        }
    }

    fn order_by(
        &self,
        sql: &mut Writer,
        write: impl Fn(&mut Writer, usize, &SortBy<'m>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for (index, term) in self.node.order.iter().enumerate() {
            sql.push(if index == 0 { " order by " } else { ", " });
            write(sql, index, &term.key)?;
            direction(sql, term);
        }
        Ok(())
    }

    fn limit(&self, sql: &mut Writer) -> Result<(), RecordError> {
        if let Some(limit) = self.node.limit {
            sql.push(" limit ");
            sql.bind("limit", limit.to_string())?;
            sql.push("::bigint");
        }
        if self.node.offset > 0 {
            sql.push(" offset ");
            sql.bind("offset", self.node.offset.to_string())?;
            sql.push("::bigint");
        }
        Ok(())
    }
}

/// Which way a term sorts.
pub(super) fn direction<K>(sql: &mut Writer, term: &OrderTerm<K>) {
    sql.push(match term.direction {
        Direction::Ascending => "",
        Direction::Descending => " desc",
    });
    sql.push(match term.nulls {
        None => "",
        Some(Nulls::First) => " nulls first",
        Some(Nulls::Last) => " nulls last",
    });
}
