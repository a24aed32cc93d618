//! What falls with removed records, in the statement that removes them.
//!
//! Each table is updated once, because one statement cannot change a record twice (PostgreSQL documentation, section
//! 7.8.4): one that is reached by several foreign keys finds its records by all of them first, and tables that refer to
//! each other find theirs by a recursive query, which ends however the records hang together. All of them see the
//! records as they were before the statement; one that another transaction removes meanwhile is left to that one.
//!
//! Conditions on what fell stand as `in` at the top of a `where`, where the planner makes a join of them: PostgreSQL can
//! look at a record again that was changed meanwhile only when it need not run the writes again for it.

use uuid::Uuid;

use crate::records::error::RecordError;
use crate::records::model::{Field, Object, distinct};
use crate::records::plan::{Cascade, Fall, Falling, Group, Tie};
use crate::records::sql::writer::Writer;

/// Which parts of the statement have the records of an object that fall.
type Fallen<'a> = Vec<(&'a Object, String)>;

/// The statement looks for records again and again.
pub(super) fn is_recursive(fall: Option<&Fall<'_>>) -> bool {
    fall.is_some_and(|fall| fall.cascade.groups.iter().any(|group| group.is_knot))
}

/// The columns of the removed records, `_w`, that tell what falls with them.
pub(super) fn carried<'m>(object: &'m Object, fall: Option<&Fall<'m>>) -> Vec<&'m Field> {
    let Some(fall) = fall else {
        return Vec::new();
    };
    let own = if fall.cascade.groups.first().is_some_and(|group| group.is_knot) {
        object.key_fields()
    } else {
        Vec::new()
    };
    distinct(own.into_iter().chain(fall.cascade.referenced(object)))
}

/// `, deletion_id = $n`
pub(super) fn set_deletion(sql: &mut Writer, id: Uuid) -> Result<(), RecordError> {
    sql.push(", deletion_id = ");
    sql.bind("deletion_id", id.to_string())?;
    sql.push("::uuid");
    Ok(())
}

/// Writes a part for every table whose records may fall with those of `root` in `_w`.
pub(super) fn fall(sql: &mut Writer, root: &Object, fall: &Fall<'_>) -> Result<(), RecordError> {
    let mut fallen: Fallen<'_> = vec![(root, "_w".to_owned())];
    for (number, group) in fall.cascade.groups.iter().enumerate() {
        let knot = if group.is_knot {
            Some(Knot::write(sql, number, group, root, &fallen)?)
        } else {
            None
        };
        let mut added = Fallen::new();
        for table in &group.tables {
            if knot.is_none() && table.object.is_same(root) {
                continue;
            }
            let name = format!("_c{}", fallen.len() + added.len());
            sql.push(", ");
            sql.push(&name);
            sql.push(" as (update ");
            sql.name(&table.object.name)?;
            sql.push(" as t set deleted_at = now()");
            set_deletion(sql, fall.id)?;
            sql.push(" where t.deleted_at is null and ");
            match &knot {
                Some(knot) => knot.find(sql, table, root)?,
                None => belongs(sql, table, &fallen)?,
            }
            returning(sql, &fall.cascade, table.object)?;
            sql.push(")");
            added.push((table.object, name));
        }
        fallen.extend(added);
    }
    Ok(())
}

fn returning(sql: &mut Writer, cascade: &Cascade<'_>, object: &Object) -> Result<(), RecordError> {
    let fields = cascade.referenced(object);
    if !fields.is_empty() {
        sql.push(" returning ");
        sql.list(&fields, |sql, field| sql.column("t", field))?;
    }
    Ok(())
}

/// The condition that a record `t` belongs to one that fell.
fn belongs(sql: &mut Writer, table: &Falling<'_>, fallen: &Fallen<'_>) -> Result<(), RecordError> {
    if let [only] = table.ties.as_slice() {
        return tied(sql, "t", only, fallen);
    }
    let key = table.object.key_fields();
    columns(sql, "t", &key)?;
    sql.push(" in (");
    sql.joined(&table.ties, " union ", |sql, tie| {
        sql.push("select ");
        sql.list(&key, |sql, field| sql.column("s", field))?;
        live(sql, table.object)?;
        sql.push(" and ");
        tied(sql, "s", tie, fallen)
    })?;
    sql.push(")");
    Ok(())
}

/// ` from "object" as s where s.deleted_at is null`
fn live(sql: &mut Writer, object: &Object) -> Result<(), RecordError> {
    sql.push(" from ");
    sql.name(&object.name)?;
    sql.push(" as s where s.deleted_at is null");
    Ok(())
}

/// `(alias."a", alias."b") in (select … of those that fell)`
fn tied(sql: &mut Writer, alias: &str, tie: &Tie<'_>, fallen: &Fallen<'_>) -> Result<(), RecordError> {
    let (near, far): (Vec<_>, Vec<_>) = tie.columns.iter().copied().unzip();
    columns(sql, alias, &near)?;
    sql.push(" in (");
    let owners = fallen.iter().filter(|(object, _)| object.is_same(tie.owner));
    let names: Vec<&str> = owners.map(|(_, name)| name.as_str()).collect();
    sql.joined(&names, " union ", |sql, name| {
        sql.push("select ");
        sql.list(&far, |sql, field| sql.column("p", field))?;
        sql.push(" from ");
        sql.push(name);
        sql.push(" as p");
        Ok(())
    })?;
    sql.push(")");
    Ok(())
}

/// `(alias."a", alias."b")`
fn columns(sql: &mut Writer, alias: &str, fields: &[&Field]) -> Result<(), RecordError> {
    sql.push("(");
    sql.list(fields, |sql, field| sql.column(alias, field))?;
    sql.push(")");
    Ok(())
}

/// The recursive query that finds the records of a group. Each of its rows is a record of one of the tables: it has
/// that record's values in the table's columns, and nothing in the others'.
struct Knot<'a, 'm> {
    group: &'a Group<'m>,
    name: String,
    /// By the number of their table: its key, and what others of the group refer to.
    columns: Vec<(usize, &'m Field)>,
}

impl<'a, 'm> Knot<'a, 'm> {
    fn write(
        sql: &mut Writer,
        number: usize,
        group: &'a Group<'m>,
        root: &Object,
        fallen: &Fallen<'_>,
    ) -> Result<Self, RecordError> {
        let mut columns = Vec::new();
        for (at, table) in group.tables.iter().enumerate() {
            let ties = group.tables.iter().flat_map(|other| &other.ties);
            let ties = ties.filter(|tie| tie.owner.is_same(table.object));
            let far = ties.flat_map(|tie| tie.columns.iter().map(|(_, there)| *there));
            let fields = distinct(table.object.key_fields().into_iter().chain(far));
            columns.extend(fields.into_iter().map(|field| (at, field)));
        }
        let knot = Self {
            group,
            name: format!("_d{number}"),
            columns,
        };
        sql.push(", ");
        sql.push(&knot.name);
        knot.names(sql);
        sql.push(" as ((");
        knot.begin(sql, root, fallen)?;
        sql.push(") union select ");
        let all: Vec<usize> = (0..knot.columns.len()).collect();
        sql.list(&all, |sql, at| {
            sql.push(&format!("x.c{at}"));
            Ok(())
        })?;
        sql.push(" from ");
        sql.push(&knot.name);
        sql.push(" as d cross join lateral (");
        knot.follow(sql)?;
        sql.push(") as x");
        knot.names(sql);
        sql.push(")");
        Ok(knot)
    }

    /// `(c0, c1)`
    fn names(&self, sql: &mut Writer) {
        let names: Vec<String> = (0..self.columns.len()).map(|at| format!("c{at}")).collect();
        sql.push("(");
        sql.push(&names.join(", "));
        sql.push(")");
    }

    /// `select` of a row for a record of one table. What stands for nothing has the type and the collation of its
    /// column, as a recursive query wants it.
    fn row(&self, sql: &mut Writer, of: usize, alias: &str) -> Result<(), RecordError> {
        sql.push("select ");
        sql.list(&self.columns, |sql, (table, field)| {
            if *table == of {
                return sql.column(alias, field);
            }
            sql.push("(select ");
            sql.column("z", field)?;
            sql.push(" from ");
            sql.name(&self.group.tables[*table].object.name)?;
            sql.push(" as z limit 0)");
            Ok(())
        })
    }

    /// The records that fell already, and those that belong to what fell in other groups.
    fn begin(&self, sql: &mut Writer, root: &Object, fallen: &Fallen<'_>) -> Result<(), RecordError> {
        let mut lead = "";
        for (at, table) in self.group.tables.iter().enumerate() {
            if table.object.is_same(root) {
                sql.push(std::mem::replace(&mut lead, " union all "));
                self.row(sql, at, "p")?;
                sql.push(" from _w as p");
                continue;
            }
            for tie in table.ties.iter().filter(|tie| !self.holds(tie.owner)) {
                sql.push(std::mem::replace(&mut lead, " union all "));
                self.row(sql, at, "s")?;
                live(sql, table.object)?;
                sql.push(" and ");
                tied(sql, "s", tie, fallen)?;
            }
        }
        Ok(())
    }

    /// The records that belong to the row `d`: where it has nothing, none do.
    fn follow(&self, sql: &mut Writer) -> Result<(), RecordError> {
        let mut lead = "";
        for (at, table) in self.group.tables.iter().enumerate() {
            for tie in table.ties.iter().filter(|tie| self.holds(tie.owner)) {
                sql.push(std::mem::replace(&mut lead, " union all "));
                self.row(sql, at, "s")?;
                live(sql, table.object)?;
                for (near, far) in &tie.columns {
                    sql.push(" and ");
                    sql.column("s", near)?;
                    sql.push(" = ");
                    sql.push(&self.column(tie.owner, far));
                }
            }
        }
        Ok(())
    }

    /// The condition that `t` is among the records found; `_w` has changed some of the root's already.
    fn find(&self, sql: &mut Writer, table: &Falling<'_>, root: &Object) -> Result<(), RecordError> {
        let key = table.object.key_fields();
        columns(sql, "t", &key)?;
        sql.push(" in (select ");
        sql.list(&key, |sql, field| {
            sql.push(&self.column(table.object, field));
            Ok(())
        })?;
        sql.push(" from ");
        sql.push(&self.name);
        sql.push(" as d)");
        if table.object.is_same(root) {
            sql.push(" and not exists (select from _w as p where ");
            sql.joined(&key, " and ", |sql, field| {
                sql.column("p", field)?;
                sql.push(" = ");
                sql.column("t", field)
            })?;
            sql.push(")");
        }
        Ok(())
    }

    fn holds(&self, object: &Object) -> bool {
        self.group.tables.iter().any(|table| table.object.is_same(object))
    }

    /// `d.c1`
    fn column(&self, object: &Object, field: &Field) -> String {
        let is_it = |(table, known): &(usize, &Field)| {
            self.group.tables[*table].object.is_same(object) && known.name == field.name
        };
        let at = self.columns.iter().position(is_it);
        format!(
            "d.c{}",
            at.expect("the columns are all keys and all that ties refer to")
        )
    }
}
