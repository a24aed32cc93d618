//! The query that reads a schema fresh from the template, and the model made of its answer.

use serde::Deserialize;

use super::model::{
    Field, ForeignKey, Generated, Object, ObjectKind, SchemaModel, TypeCategory, UniqueKey, Writable,
};
use crate::access_tag;

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
        let relations: Vec<Relation> = serde_json::from_str(json)?;
        let objects = relations
            .into_iter()
            .map(Object::from)
            .map(|object| (object.name.clone(), object));
        Ok(Self {
            objects: objects.collect(),
        })
    }
}

/// A relation as [`INTROSPECT`] writes it.
#[derive(Deserialize)]
struct Relation {
    name: String,
    kind: String,
    comment: Option<String>,
    events: u32,
    fields: Vec<Attribute>,
    primary_key: Vec<String>,
    unique_keys: Vec<UniqueKey>,
    foreign_keys: Vec<ForeignKey>,
}

/// A column as [`INTROSPECT`] writes it.
#[derive(Deserialize)]
struct Attribute {
    name: String,
    type_name: String,
    base_type: String,
    category: char,
    nullable: bool,
    has_default: bool,
    generated: String,
    identity: String,
    updatable: bool,
    comment: Option<String>,
}

impl From<Relation> for Object {
    fn from(relation: Relation) -> Self {
        let (comment, write) = access_tag::take(relation.comment);
        let kind = if relation.kind == "view" {
            ObjectKind::View
        } else {
            ObjectKind::Table
        };
        let fields: Vec<Field> = relation.fields.into_iter().map(Field::from).collect();
        let has = |name: &str, suits: fn(&Field) -> bool| fields.iter().any(|f| f.name == name && suits(f));
        Self {
            soft_delete: kind == ObjectKind::Table
                && has("deleted_at", |field| {
                    field.category == TypeCategory::DateTime && field.nullable
                }),
            versioned: has("version", |field| {
                matches!(field.base_type.as_str(), "smallint" | "integer" | "bigint")
            }),
            name: relation.name,
            kind,
            comment,
            write,
            // Bits of pg_relation_is_updatable: 1 << CMD_UPDATE (2), CMD_INSERT (3), CMD_DELETE (4).
            writable: Writable {
                update: relation.events & 4 != 0,
                insert: relation.events & 8 != 0,
                delete: relation.events & 16 != 0,
            },
            fields,
            primary_key: relation.primary_key,
            unique_keys: relation.unique_keys,
            foreign_keys: relation.foreign_keys,
        }
    }
}

impl From<Attribute> for Field {
    fn from(attribute: Attribute) -> Self {
        let generated = match (attribute.generated.as_str(), attribute.identity.as_str()) {
            ("", "a") => Generated::IdentityAlways,
            ("", "d") => Generated::IdentityByDefault,
            ("", _) => Generated::Never,
            _ => Generated::Computed,
        };
        Self {
            name: attribute.name,
            type_name: attribute.type_name,
            base_type: attribute.base_type,
            category: category(attribute.category),
            nullable: attribute.nullable,
            has_default: attribute.has_default,
            generated,
            updatable: attribute.updatable,
            comment: attribute.comment,
        }
    }
}

fn category(letter: char) -> TypeCategory {
    match letter {
        'A' => TypeCategory::Array,
        'B' => TypeCategory::Boolean,
        'C' => TypeCategory::Composite,
        'D' => TypeCategory::DateTime,
        'E' => TypeCategory::Enum,
        'I' => TypeCategory::Network,
        'N' => TypeCategory::Numeric,
        'R' => TypeCategory::Range,
        'S' => TypeCategory::String,
        'T' => TypeCategory::Timespan,
        _ => TypeCategory::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::model;

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
