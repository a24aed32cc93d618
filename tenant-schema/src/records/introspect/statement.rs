//! The statement that reads a schema, as text.

/// One row, one column: the model of the current schema as JSON text, for
/// [`SchemaModel::from_json`](crate::records::SchemaModel::from_json): an array of relations and
/// functions, and of the time zones that PostgreSQL knows.
///
/// `search_path` says which schema is meant, and makes `format_type` write unqualified names. Partitions are left out
/// (their parent stands for them), so are the migration history (`$1`) and what belongs to an extension.
///
/// Which column of which relation a view's column is a plain copy of, PostgreSQL's parser has written into the view's
/// rule: the target entries of the outermost query bear it. `braces` takes that text apart at its braces, which a
/// backslash escapes within names, and counts how deep each piece lies; what follows the expression of an entry of the
/// outermost query lies two deep.
///
/// The text search configuration of a search vector is read off the expression that generates it, and so is whether it
/// knows accents. A trigram index counts if it is of a column, or, which is better, of a column without
/// its accents.
///
/// `stamped` tells of a trigger for each row before an update (the bits of `pg_trigger.tgtype`: row 1, before 2, update
/// 16). `removes_from` are the relations behind a view whose rows PostgreSQL removes by itself, without a trigger.
///
/// It is compiled more slowly than it runs: turn `jit` off.
pub const INTROSPECT: &str = r#"
with recursive
namespace as (select n.oid from pg_namespace n where n.nspname = current_schema()),
relations as (
  select c.oid, c.relname, c.relkind, c.reltype
    from pg_class c join namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition and c.relname <> $1
),
routines as (
  select p.oid, p.proname, p.provolatile, p.proretset, p.prorettype, p.pronargs, p.pronargdefaults, p.provariadic,
         not p.proretset or p.prorows = 1 as one_row,
         coalesce(p.proallargtypes, p.proargtypes::oid[]) as types, p.proargnames as names, p.proargmodes::text[] as modes
    from pg_proc p join namespace n on n.oid = p.pronamespace
    join pg_type y on y.oid = p.prorettype
   where p.prokind = 'f' and p.proname not like '\_%'
     and y.typname not in ('trigger', 'event_trigger')
     and not exists (select 1 from pg_depend d
                      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
arguments as (
  select p.oid as routine, a.type, a.name, coalesce(a.mode, 'i') as mode, a.position,
         count(*) filter (where a.mode is null or a.mode in ('i', 'b', 'v'))
           over (partition by p.oid order by a.position) > p.pronargs - p.pronargdefaults as has_default
    from routines p
    cross join lateral rows from (unnest(p.types), unnest(p.names), unnest(p.modes))
      with ordinality a (type, name, mode, position)
),
columns as (
  select a.attrelid as relation, a.attnum, a.attname, a.atttypid as type, a.atttypmod as modifier, a.attnotnull,
         a.atthasdef, a.attgenerated, a.attidentity,
         (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
           where d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = '') as expression
    from (select c.oid from relations c
          union
          select y.typrelid from routines p join pg_type y on y.oid = p.prorettype) r
    join pg_attribute a on a.attrelid = r.oid
   where a.attnum > 0 and not a.attisdropped
),
domains (type, base, modifier, not_null, has_default, expression) as (
  select u.type, u.type, -1, false, false, null::text collate "C"
    from (select c.type from columns c union select a.type from arguments a union select p.prorettype from routines p) u
  union all
  select d.type, y.typbasetype, y.typtypmod, d.not_null or y.typnotnull, d.has_default or y.typdefault is not null,
         coalesce(d.expression, y.typdefault)
    from domains d join pg_type y on y.oid = d.base
   where y.typtype = 'd'
),
facts as (
  select d.type, d.base, d.modifier, d.not_null, d.has_default, d.expression, y.typcategory as category, y.typtype as kind,
         case when y.typcategory = 'A' then format_type(y.typelem, -1) end as element_type,
         (select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l
           where l.enumtypid in (y.oid, y.typelem)) as enum_labels
    from domains d join pg_type y on y.oid = d.base
   where y.typtype <> 'd'
),
braces as (
  select r.ev_class as relation, b.position, b.part[2] as text,
         sum(case b.part[1] when '{' then 1 else -1 end) over (partition by r.ev_class order by b.position) as depth
    from relations c
    join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
    cross join lateral regexp_matches(r.ev_action::text, '([{}])((?:[^{}\\]|\\.)*)', 'g')
      with ordinality b (part, position)
   where c.relkind in ('v', 'm')
),
copies as (
  select b.relation, t.entry[1]::int2 as attnum, t.entry[2]::oid as origin, t.entry[3]::int2 as origin_attnum
    from braces b
    cross join lateral regexp_match(b.text,
      '^ :resno (\d+) .*:resorigtbl (\d+) :resorigcol (\d+) :resjunk false *$') t (entry)
   where b.depth = 2 and t.entry is not null
),
fields as (
  select c.relation, json_agg(json_strip_nulls(json_build_object(
           'name', c.attname,
           'type_name', format_type(c.type, c.modifier),
           'base_type', case when f.base = c.type then format_type(c.type, c.modifier)
                             else format_type(f.base, f.modifier) end,
           'category', f.category,
           'enum_labels', f.enum_labels,
           'element_type', f.element_type,
           'nullable', not (c.attnotnull or f.not_null),
           'has_default', (c.atthasdef and c.attgenerated = '') or c.attidentity <> '' or f.has_default,
           'default', coalesce(c.expression, f.expression),
           'generated', nullif(c.attgenerated, ''),
           'identity', nullif(c.attidentity, ''),
           'updatable', pg_column_is_updatable(c.relation, c.attnum, true),
           'comment', col_description(c.relation, c.attnum),
           'source', case when o.relname is not null
                          then json_build_object('relation', o.relname, 'column', oa.attname) end
         )) order by c.attnum) as list
    from columns c
    join facts f on f.type = c.type
    left join copies s on s.relation = c.relation and s.attnum = c.attnum and s.origin_attnum > 0
    left join relations o on o.oid = s.origin
    left join pg_attribute oa on oa.attrelid = s.origin and oa.attnum = s.origin_attnum
   group by c.relation
),
vectors as (
  select c.relation, json_agg(json_build_object(
           'column', c.attname,
           'configuration', coalesce(
             (regexp_match(g.expression, 'to_tsvector\(''([^'']+)''::regconfig'))[1], 'simple'),
           'unaccented', coalesce(g.expression like '%immutable_unaccent(%', false)
         ) order by c.attnum) as list
    from columns c
    join facts f on f.type = c.type
    left join lateral (
      select pg_get_expr(d.adbin, d.adrelid) as expression from pg_attrdef d
       where d.adrelid = c.relation and d.adnum = c.attnum and c.attgenerated <> ''
    ) g on true
   where f.base = 'tsvector'::regtype
   group by c.relation
),
trigrams as (
  select t.relation, json_agg(json_build_object('column', t.attname, 'unaccented', t.unaccented)
           order by t.attnum) as list
    from (
      select c.relation, c.attname, c.attnum, pg_catalog.bool_or(k.key <> pg_catalog.quote_ident(c.attname)) as unaccented
        from pg_index i
        cross join lateral unnest(i.indclass::oid[]) with ordinality o (class, position)
        join pg_opclass y on y.oid = o.class and y.opcname in ('gin_trgm_ops', 'gist_trgm_ops')
        cross join lateral pg_get_indexdef(i.indexrelid, o.position::int, false) k (key)
        join columns c on c.relation = i.indrelid and k.key in (
               pg_catalog.quote_ident(c.attname), 'immutable_unaccent(' || pg_catalog.quote_ident(c.attname) || ')',
               'immutable_unaccent((' || pg_catalog.quote_ident(c.attname) || ')::text)')
       where i.indisvalid and i.indpred is null
       group by c.relation, c.attname, c.attnum
    ) t
   group by t.relation
)
select coalesce(json_agg(e.entry order by e.kind, e.name, e.signature), '[]')::text as model
  from (
    select 1 as kind, c.relname as name, '' as signature, json_strip_nulls(json_build_object(
             'name', c.relname,
             'kind', case c.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'f' then 'foreign_table'
                                    when 'v' then 'view' else 'materialized_view' end,
             'comment', obj_description(c.oid, 'pg_class'),
             'events', pg_relation_is_updatable(c.oid, true),
             'stamped', nullif(exists (
               select 1 from pg_trigger t
                where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 19 = 19), false),
             'removes_from', case when pg_relation_is_updatable(c.oid, false) & 16 <> 0 then (
               select json_agg(distinct b.relname order by b.relname)
                 from pg_rewrite r
                 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                                 and d.refclassid = 'pg_class'::regclass
                 join relations b on b.oid = d.refobjid and b.oid <> c.oid
                where r.ev_class = c.oid and r.rulename = '_RETURN') end,
             'fields', f.list,
             'primary_key', keys.primary_key,
             'unique_keys', keys.list,
             'foreign_keys', links.list,
             'vectors', v.list,
             'trigrams', g.list
           )) as entry
      from relations c
      join fields f on f.relation = c.oid
      left join vectors v on v.relation = c.oid
      left join trigrams g on g.relation = c.oid
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
                 'name', k.conname, 'columns', names.near, 'references', t.relname, 'referenced_columns', names.far,
                 'cascades', k.confdeltype = 'c'
               ) order by k.conname) as list
          from pg_constraint k
          join relations t on t.oid = k.confrelid
          cross join lateral (
            select json_agg(a.attname order by u.position) as near, json_agg(b.attname order by u.position) as far
              from rows from (unnest(k.conkey), unnest(k.confkey)) with ordinality u (here, there, position)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.here
              join pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.there
          ) names
         where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
      ) links
    union all
    select 2, p.proname, pg_get_function_identity_arguments(p.oid), json_strip_nulls(json_build_object(
             'kind', 'function',
             'name', p.proname,
             'comment', obj_description(p.oid, 'pg_proc'),
             'volatility', p.provolatile,
             'set', p.proretset,
             'one_row', p.one_row,
             'parameters', given.list,
             'returns', json_build_object('type_name', format_type(p.prorettype, -1),
                                          'base_type', format_type(f.base, f.modifier), 'category', f.category,
                                          'enum_labels', f.enum_labels, 'element_type', f.element_type),
             'row_of', r.relname,
             'columns', coalesce(returned.list, own.list)
           ))
      from routines p
      join facts f on f.type = p.prorettype
      join pg_type y on y.oid = f.base
      left join relations r on r.oid = y.typrelid
      left join fields own on own.relation = y.typrelid and r.oid is null
      cross join lateral (
        select json_agg(json_build_object(
                 'name', coalesce(a.name, ''),
                 'type_name', format_type(a.type, -1), 'base_type', format_type(t.base, t.modifier),
                 'category', t.category, 'enum_labels', t.enum_labels, 'element_type', t.element_type,
                 'has_default', a.has_default, 'variadic', a.mode = 'v', 'row_of', o.relname
               ) order by a.position) as list,
               pg_catalog.bool_or(t.kind = 'p') as is_pseudo
          from arguments a
          join facts t on t.type = a.type
          left join relations o on o.reltype = t.base
         where a.routine = p.oid and a.mode in ('i', 'b', 'v')
      ) given
      cross join lateral (
        select json_agg(json_build_object(
                 'name', coalesce(a.name, 'column' || a.position),
                 'type_name', format_type(a.type, -1), 'base_type', format_type(t.base, t.modifier),
                 'category', t.category, 'enum_labels', t.enum_labels, 'element_type', t.element_type
               ) order by a.position) as list
          from arguments a
          join facts t on t.type = a.type
         where a.routine = p.oid and a.mode in ('o', 'b', 't')
      ) returned
     where given.is_pseudo is not true
    union all
    select 3, '', '', json_build_object(
             'kind', 'time_zones',
             'names', (select json_agg(z.name order by z.name) from pg_timezone_names z where z.name not like 'posix/%')
           )
  ) e"#;
