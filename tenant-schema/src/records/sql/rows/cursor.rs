//! A page that is continued by cursor: found first, as `_page`, from which come its records and its last record's sort
//! values. No object of the API has a name that begins so, and could be taken for it.
//!
//! What comes behind a record is said so that an index finds where to begin. Where all terms sort in one direction and only
//! the first may be NULL, rows are compared (PostgreSQL documentation, 9.24.5). Otherwise each term is compared where those
//! before it are equal, behind a bound on the first. Records whose first term is NULL and which stand behind all others
//! would take that bound away, so they are a part of their own, which is read where the first did not fill the page.

use super::{Rows, RowsOf, column, direction};
use crate::records::ast::OrderTerm;
use crate::records::cursor::MOST_VALUES;
use crate::records::error::RecordError;
use crate::records::plan::{Node, Paging, is_descending, nulls_come_first};
use crate::records::sql::embed::Stands;
use crate::records::sql::select::{Form, Laterals, columns};
use crate::records::sql::writer::Writer;

/// The page before a list of statements: `with _page as (…) `.
pub(in crate::records::sql) fn page(
    sql: &mut Writer,
    node: &Node<'_>,
    paging: &Paging<'_>,
) -> Result<(), RecordError> {
    let rows = Rows::new(sql, node, RowsOf::Object);
    let page = Page { rows, paging };
    if !page.has_nulls_behind() {
        sql.push("with _page as (");
        page.part(sql, Part::Page)?;
        sql.push(") ");
        return Ok(());
    }
    sql.push("with _values as (");
    page.part(sql, Part::Page)?;
    sql.push("), _nulls as (");
    page.part(sql, Part::NullsBehind)?;
    sql.push("), _page as (select ");
    let names = page.rows.page_names();
    sql.list(&names, |sql, name| sql.name(name))?;
    sql.push(" from _values union all select ");
    sql.list(&names, |sql, name| sql.name(name))?;
    sql.push(" from _nulls) ");
    Ok(())
}

/// `select … from _page as t …`: the records of the page.
pub(in crate::records::sql) fn records(sql: &mut Writer, node: &Node<'_>) -> Result<(), RecordError> {
    let laterals = Laterals::new(sql, &node.selection);
    let rows = Rows {
        node,
        source: RowsOf::Object,
        alias: "t",
        joins: Vec::new(),
    };
    sql.push("select ");
    columns(sql, &node.selection, &laterals, rows.alias, Form::Labels)?;
    sql.push(" from _page as t");
    laterals.join(sql, rows.parent(Stands::Columns))?;
    rows.order_by(sql, |sql, index, key| rows.carried_key(sql, index, key))
}

/// The sort values of the record that fills the page, as a JSON array of texts; NULL if none does. One that is too long
/// for a cursor is cut where that is certain.
pub(in crate::records::sql) fn last(sql: &mut Writer, node: &Node<'_>) -> Result<(), RecordError> {
    let before = match node.limit {
        Some(limit) if limit > 0 => limit - 1,
        _ => {
            sql.push("null::text");
            return Ok(());
        }
    };
    let rows = Rows {
        node,
        source: RowsOf::Object,
        alias: "t",
        joins: Vec::new(),
    };
    sql.push("(select json_build_array(");
    for (index, term) in node.order.iter().enumerate() {
        sql.push(if index > 0 { ", left(" } else { "left(" });
        rows.carried_key(sql, index, &term.key)?;
        sql.push(&format!("::text, {})", MOST_VALUES + 1));
    }
    sql.push(")::text from _page as t");
    rows.order_by(sql, |sql, index, key| rows.carried_key(sql, index, key))?;
    sql.push(" offset ");
    sql.bind("limit", before.to_string())?;
    sql.push("::bigint limit 1)");
    Ok(())
}

/// A value is NULL as a whole. `is null` would be true of a row whose fields are all NULL too; this is the same test to the
/// parser, but for that, so that an index serves it alike.
const IS_NULL: &str = " is not distinct from null";

/// The opposite.
const IS_NOT_NULL: &str = " is distinct from null";

/// Which records of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those behind the cursor, but not [`Part::NullsBehind`].
    Page,
    /// Those whose first term is NULL, behind all others.
    NullsBehind,
}

struct Page<'a, 'm> {
    rows: Rows<'a, 'm>,
    paging: &'a Paging<'m>,
}

impl Page<'_, '_> {
    /// Records whose first term is NULL stand behind others in this page.
    fn has_nulls_behind(&self) -> bool {
        let Some(term) = self.rows.node.order.first() else {
            return false;
        };
        let is_split = match &self.paging.after {
            Some(after) => matches!(after.first(), Some(Some(_))),
            // An index has them first in this direction, and so gives its order only without them.
            None => is_descending(term),
        };
        is_split && !nulls_come_first(term) && self.paging.sorted[0].is_nullable
    }

    /// Where NULLs of a term stand makes a difference to this part of the page. Where it makes none it is not said, so that
    /// an index gives the order wherever it has them.
    fn has_nulls(&self, index: usize, part: Part) -> bool {
        let may_be = self.paging.sorted[index].is_nullable;
        if index > 0 || part == Part::NullsBehind {
            return may_be;
        }
        match self.paging.after.as_ref().and_then(|after| after.first()) {
            Some(Some(_)) => false,
            Some(None) => may_be && nulls_come_first(&self.rows.node.order[0]),
            None => may_be && !self.has_nulls_behind(),
        }
    }

    fn part(&self, sql: &mut Writer, part: Part) -> Result<(), RecordError> {
        let rows = &self.rows;
        sql.push("select ");
        rows.page_columns(sql)?;
        rows.from(sql)?;
        let mut clause = rows.restrict(sql)?;
        match (&self.paging.after, part) {
            (_, Part::NullsBehind) => {
                clause.next(sql);
                self.key(sql, 0)?;
                sql.push(IS_NULL);
            }
            (Some(after), Part::Page) => {
                clause.next(sql);
                self.behind(sql, after)?;
            }
            (None, Part::Page) if self.has_nulls_behind() => {
                clause.next(sql);
                self.key(sql, 0)?;
                sql.push(IS_NOT_NULL);
            }
            (None, Part::Page) => {}
        }
        self.order_by(sql, part)?;
        rows.limit(sql)?;
        if part == Part::NullsBehind {
            sql.push(" - (select count(*) from _values)");
        }
        Ok(())
    }

    fn order_by(&self, sql: &mut Writer, part: Part) -> Result<(), RecordError> {
        let rows = &self.rows;
        for (index, term) in rows.node.order.iter().enumerate() {
            sql.push(if index == 0 { " order by " } else { ", " });
            match column(&term.key) {
                Some(field) => sql.column(rows.alias, field)?,
                None => sql.name(&rows.carried(index))?,
            }
            let term = OrderTerm {
                key: (),
                direction: term.direction,
                nulls: term.nulls.filter(|_| self.has_nulls(index, part)),
            };
            direction(sql, &term);
        }
        Ok(())
    }

    /// What stands behind the record with these values.
    fn behind(&self, sql: &mut Writer, after: &[Option<String>]) -> Result<(), RecordError> {
        let order = &self.rows.node.order;
        let descends = order.first().is_some_and(is_descending);
        let is_uniform = order.iter().all(|term| is_descending(term) == descends);
        let has_nulls = self.paging.sorted.iter().skip(1).any(|sorted| sorted.is_nullable);
        if is_uniform && !has_nulls && after.iter().all(Option::is_some) {
            return self.compare_rows(sql, after, if descends { " < " } else { " > " });
        }
        let (first, rest) = (after.first().and_then(Option::as_deref), order.len() > 1);
        match first {
            // The bound says it all but for the records that are equal.
            Some(value) if rest => {
                self.key(sql, 0)?;
                sql.push(if descends { " <= " } else { " >= " });
                self.value(sql, 0, value)?;
                sql.push(" and ");
            }
            None if !order.first().is_some_and(nulls_come_first) => {
                self.key(sql, 0)?;
                sql.push(IS_NULL);
                sql.push(" and ");
                return self.behind_from(sql, 1, after);
            }
            _ => {}
        }
        self.behind_from(sql, 0, after)
    }

    /// `(a, b) > ($1, $2)`
    fn compare_rows(
        &self,
        sql: &mut Writer,
        after: &[Option<String>],
        operator: &str,
    ) -> Result<(), RecordError> {
        sql.push("(");
        for index in 0..after.len() {
            sql.push(if index > 0 { ", " } else { "" });
            self.key(sql, index)?;
        }
        sql.push(")");
        sql.push(operator);
        sql.push("(");
        for (index, value) in after.iter().enumerate() {
            sql.push(if index > 0 { ", " } else { "" });
            self.value(sql, index, value.as_deref().unwrap_or_default())?;
        }
        sql.push(")");
        Ok(())
    }

    /// `(a > $1 or a = $1 and (b < $2 or …))`, from the term at `index` on.
    fn behind_from(
        &self,
        sql: &mut Writer,
        index: usize,
        after: &[Option<String>],
    ) -> Result<(), RecordError> {
        let Some((value, rest)) = after.get(index..).and_then(<[_]>::split_first) else {
            sql.push("false");
            return Ok(());
        };
        let value = value.as_deref();
        sql.push("(");
        self.strictly_behind(sql, index, value)?;
        if !rest.is_empty() {
            sql.push(" or ");
            self.key(sql, index)?;
            match value {
                Some(value) => {
                    sql.push(" = ");
                    self.value(sql, index, value)?;
                }
                None => sql.push(IS_NULL),
            }
            sql.push(" and ");
            self.behind_from(sql, index + 1, after)?;
        }
        sql.push(")");
        Ok(())
    }

    /// What stands behind a value of one term, by that alone.
    fn strictly_behind(
        &self,
        sql: &mut Writer,
        index: usize,
        value: Option<&str>,
    ) -> Result<(), RecordError> {
        let term = &self.rows.node.order[index];
        let nulls_first = nulls_come_first(term);
        let Some(value) = value else {
            if nulls_first {
                self.key(sql, index)?;
                sql.push(IS_NOT_NULL);
            } else {
                sql.push("false");
            }
            return Ok(());
        };
        self.key(sql, index)?;
        sql.push(if is_descending(term) { " < " } else { " > " });
        self.value(sql, index, value)?;
        // NULLs behind all values of the first term are a part of their own.
        if index > 0 && !nulls_first && self.paging.sorted[index].is_nullable {
            sql.push(" or ");
            self.key(sql, index)?;
            sql.push(IS_NULL);
        }
        Ok(())
    }

    fn key(&self, sql: &mut Writer, index: usize) -> Result<(), RecordError> {
        self.rows.key(sql, &self.rows.node.order[index].key)
    }

    /// A sort value, read back as its type: `$1::date`.
    fn value(&self, sql: &mut Writer, index: usize, value: &str) -> Result<(), RecordError> {
        sql.bind("cursor", value.to_owned())?;
        sql.push("::");
        sql.push(self.paging.sorted[index].type_name);
        Ok(())
    }
}
