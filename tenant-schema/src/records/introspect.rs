//! The query that reads a schema fresh from the template, and the model made of its answer.

mod answer;
mod functions;
mod relate;

use std::collections::{BTreeMap, BTreeSet};

use super::model::{ObjectKind, SchemaModel};
use answer::{Entry, Relation, Sources};

/// One row, one column: the model of the current schema as JSON text, for [`SchemaModel::from_json`].
///
/// `search_path` says which schema is meant, and makes `format_type` write unqualified names. Partitions are left out
/// (their parent stands for them), so are the migration history (`$1`) and relations whose name begins with `_`.
pub const INTROSPECT: &str = r"
select coalesce(json_agg(json_build_object(
         'name', c.relname,
         'kind', case when c.relkind in ('v', 'm') then 'view' else 'table' end,
         'comment', obj_description(c.oid, 'pg_class'),
         'events', pg_relation_is_updatable(c.oid, true),
         'fields', fields.list,
         'primary_key', coalesce(keys.primary_key, '[]'),
         'unique_keys', coalesce(keys.list, '[]'),
         'foreign_keys', coalesce(links.list, '[]')
       ) order by c.relname), '[]')::text as model
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (
    select json_agg(json_build_object(
             'name', a.attname,
             'type_name', format_type(a.atttypid, a.atttypmod),
             'base_type', case when y.typtype = 'd' then format_type(y.typbasetype, y.typtypmod)
                               else format_type(a.atttypid, a.atttypmod) end,
             'category', y.typcategory,
             'nullable', not (a.attnotnull or (y.typtype = 'd' and y.typnotnull)),
             'has_default', (a.atthasdef and a.attgenerated = '') or a.attidentity <> '' or y.typdefault is not null,
             'generated', a.attgenerated,
             'identity', a.attidentity,
             'updatable', pg_column_is_updatable(c.oid, a.attnum, true),
             'comment', col_description(c.oid, a.attnum)
           ) order by a.attnum) as list
      from pg_attribute a
      join pg_type y on y.oid = a.atttypid
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) fields
  cross join lateral (
    select json_agg(json_build_object('name', k.conname, 'columns', names.list) order by k.conname) as list,
           (json_agg(names.list) filter (where k.contype = 'p')) -> 0 as primary_key
      from pg_constraint k
      cross join lateral (
        select json_agg(a.attname order by u.position) as list
          from unnest(k.conkey) with ordinality u (attnum, position)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
      ) names
     where k.conrelid = c.oid and k.contype in ('p', 'u')
  ) keys
  cross join lateral (
    select json_agg(json_build_object(
             'name', k.conname, 'columns', names.near, 'references', f.relname, 'referenced_columns', names.far
           ) order by k.conname) as list
      from pg_constraint k
      join pg_class f on f.oid = k.confrelid and f.relnamespace = c.relnamespace
      cross join lateral (
        select json_agg(a.attname order by u.position) as near, json_agg(b.attname order by u.position) as far
          from rows from (unnest(k.conkey), unnest(k.confkey)) with ordinality u (here, there, position)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.here
          join pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.there
      ) names
     where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
  ) links
 where n.nspname = current_schema()
   and c.relkind in ('r', 'p', 'v', 'm', 'f')
   and not c.relispartition
   and c.relname <> $1
   and c.relname not like '\_%'
   and fields.list is not null";

impl SchemaModel {
    /// Reads the answer of [`INTROSPECT`].
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let entries: Vec<Entry> = serde_json::from_str(json)?;
        let (mut objects, mut sources) = (BTreeMap::new(), Sources::new());
        let (mut routines, mut time_zones) = (Vec::new(), BTreeSet::new());
        let mut add = |kind: ObjectKind, mut relation: Relation| {
            let name = relation.name.clone();
            if kind.is_view() {
                sources.insert(name.clone(), relation.take_sources());
            }
            objects.insert(name, relation.into_object(kind));
        };
        for entry in entries {
            match entry {
                Entry::Table(table) => add(ObjectKind::Table, table),
                Entry::PartitionedTable(table) => add(ObjectKind::PartitionedTable, table),
                Entry::ForeignTable(table) => add(ObjectKind::ForeignTable, table),
                Entry::View(view) => add(ObjectKind::View, view),
                Entry::MaterializedView(view) => add(ObjectKind::MaterializedView, view),
                Entry::Function(routine) => routines.push(routine),
                Entry::TimeZones { names } => time_zones.extend(names),
            }
        }
        relate::relate(&mut objects, &sources);
        let functions = functions::read(routines, &mut objects);
        Ok(Self {
            objects,
            functions,
            time_zones,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::model;
    use crate::records::model::{Generated, Writable};

    #[test]
    fn reads_keys_and_capabilities() {
        let model = model();
        let contacts = &model.objects["contacts"];
        assert!(contacts.soft_delete && contacts.versioned);
        assert_eq!(contacts.key().unwrap().name, "id");
        assert_eq!(contacts.field("search").unwrap().generated, Generated::Computed);
        assert_eq!(contacts.foreign_keys[0].references, "companies");
        let live = &model.objects["live_contacts"];
        assert_eq!(live.kind, ObjectKind::View);
        assert_eq!(
            live.writable,
            Writable {
                insert: false,
                update: false,
                delete: false
            }
        );
        assert!(live.key().is_none());
    }
}
