//! What is done to one record of the bin: bringing it back, and removing it for good.
//!
//! A record comes back with all that has its `deletion_id`: `_o` is the record as the statement finds it, `_w` that record
//! brought back, and every table whose records may have fallen with it has a part of its own. When another transaction
//! has brought it back meanwhile, or removed it anew, `_w` is empty and nothing else happens. What it belongs to is looked
//! at as it was before the statement and not locked: it may be removed at the same moment, as when a record is added.

use super::{and_holds, answer, returned};
use crate::records::error::RecordError;
use crate::records::model::{Field, Object, distinct};
use crate::records::plan::{Cascade, Purge, Restore};
use crate::records::sql::Query;
use crate::records::sql::writer::Writer;

/// What the record in `_o` fell with.
const ITS_DELETION: &str = "(select o.deletion_id from _o as o)";

/// Brings back a record and what fell with it.
pub fn restore(plan: &Restore<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let owned = distinct(
        plan.owners
            .iter()
            .flat_map(|owner| owner.tie.columns.iter().map(|(near, _)| *near)),
    );
    sql.push("with ");
    if plan.cascade.is_none() {
        sql.push("_w as (update ");
        sql.name(&plan.object.name)?;
        sql.push(" as t set deleted_at = null");
        in_the_bin(&mut sql, plan.key, &plan.id)?;
    } else {
        sql.push("_o as (select ");
        sql.column("t", plan.key)?;
        sql.push(", t.deletion_id from ");
        sql.name(&plan.object.name)?;
        sql.push(" as t");
        in_the_bin(&mut sql, plan.key, &plan.id)?;
        sql.push("), _w as (update ");
        sql.name(&plan.object.name)?;
        sql.push(" as t set deleted_at = null, deletion_id = null from _o as o where ");
        sql.column("t", plan.key)?;
        sql.push(" = ");
        sql.column("o", plan.key)?;
        sql.push(" and t.deleted_at is not null and t.deletion_id is not distinct from o.deletion_id");
    }
    and_holds(&mut sql, plan.answer.held.as_ref(), "t")?;
    sql.push(" returning ");
    returned(&mut sql, &plan.answer, &owned)?;
    sql.push(")");
    let restored = fallen(&mut sql, plan, &owned)?;
    owners(&mut sql, plan, &restored)?;
    there(&mut sql, plan.object, plan.key, &plan.id)?;
    answer(&mut sql, &plan.answer, false)?;
    sql.finish()
}

/// Removes a record of the bin for good.
pub fn purge(plan: &Purge<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("with _w as (delete from ");
    sql.name(&plan.object.name)?;
    sql.push(" as t");
    in_the_bin(&mut sql, plan.key, &plan.id)?;
    and_holds(&mut sql, plan.answer.held.as_ref(), "t")?;
    sql.push(" returning ");
    returned(&mut sql, &plan.answer, &[])?;
    sql.push(")");
    there(&mut sql, plan.object, plan.key, &plan.id)?;
    answer(&mut sql, &plan.answer, false)?;
    sql.finish()
}

/// ` where t."id" = $n and t.deleted_at is not null`
fn in_the_bin(sql: &mut Writer, key: &Field, id: &str) -> Result<(), RecordError> {
    named(sql, key, id)?;
    sql.push(" and t.deleted_at is not null");
    Ok(())
}

fn named(sql: &mut Writer, key: &Field, id: &str) -> Result<(), RecordError> {
    sql.push(" where ");
    sql.column("t", key)?;
    sql.push(" = ");
    sql.bind(&key.name, id.to_owned())
}

/// `_l`: the record, deleted or not.
fn there(sql: &mut Writer, object: &Object, key: &Field, id: &str) -> Result<(), RecordError> {
    sql.push(", _l as (select from ");
    sql.name(&object.name)?;
    sql.push(" as t");
    named(sql, key, id)?;
    sql.push(")");
    Ok(())
}

/// Brings back what fell with the record. Gives the parts that have records of the object itself.
fn fallen(sql: &mut Writer, plan: &Restore<'_>, owned: &[&Field]) -> Result<Vec<&'static str>, RecordError> {
    let mut restored = vec!["_w"];
    let tables = plan.cascade.iter().flat_map(Cascade::tables);
    for (number, table) in tables.enumerate() {
        let is_own = table.object.is_same(plan.object);
        sql.push(", ");
        if is_own {
            restored.push("_c");
            sql.push("_c");
        } else {
            sql.push(&format!("_c{number}"));
        }
        sql.push(" as (update ");
        sql.name(&table.object.name)?;
        sql.push(" as t set deleted_at = null, deletion_id = null where t.deletion_id = ");
        sql.push(ITS_DELETION);
        sql.push(" and t.deleted_at is not null and exists (select from _w)");
        if is_own {
            sql.push(" and ");
            sql.column("t", plan.key)?;
            sql.push(" <> (select ");
            sql.column("o", plan.key)?;
            sql.push(" from _o as o)");
            if !owned.is_empty() {
                sql.push(" returning ");
                sql.list(owned, |sql, field| sql.column("t", field))?;
            }
        }
        sql.push(")");
    }
    Ok(restored)
}

/// `_p`: the numbers of those owners that stay deleted, though a record of the object came back.
fn owners(sql: &mut Writer, plan: &Restore<'_>, restored: &[&str]) -> Result<(), RecordError> {
    if plan.owners.is_empty() {
        return Ok(());
    }
    let numbered: Vec<_> = plan.owners.iter().enumerate().collect();
    sql.push(", _p as (");
    sql.joined(&numbered, " union all ", |sql, (number, owner)| {
        sql.push(&format!("select {number} as n from ("));
        sql.joined(restored, " union all ", |sql, part| {
            sql.push("select ");
            sql.list(&owner.tie.columns, |sql, (near, _)| sql.column("v", near))?;
            sql.push(" from ");
            sql.push(part);
            sql.push(" as v");
            Ok(())
        })?;
        sql.push(") as v join ");
        sql.name(&owner.tie.owner.name)?;
        sql.push(" as p on ");
        sql.joined(&owner.tie.columns, " and ", |sql, (near, far)| {
            sql.column("p", far)?;
            sql.push(" = ");
            sql.column("v", near)
        })?;
        sql.push(" where p.deleted_at is not null");
        if owner.comes_back {
            sql.push(" and p.deletion_id is distinct from ");
            sql.push(ITS_DELETION);
        }
        Ok(())
    })?;
    sql.push(")");
    Ok(())
}
