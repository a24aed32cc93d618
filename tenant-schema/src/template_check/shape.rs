//! What a schema is made of, as lines that can be compared: two schemas of the same name that have the same lines are alike to
//! whoever uses them.

use std::collections::BTreeSet;

use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;

use crate::records::INTROSPECT;

/// The lines of a schema, and what the record engine makes of it. `search_path` is on it.
pub(super) struct Shape {
    pub(super) lines: BTreeSet<String>,
    pub(super) model: String,
}

impl Shape {
    pub(super) async fn of(tx: &mut Transaction, schema: &str) -> Result<Self, PgError> {
        let mut lines = BTreeSet::new();
        let mut tables = Vec::new();
        for row in tx.rows(SHAPE, &[&schema, &HISTORY_TABLE]).await? {
            lines.insert(row.get::<_, String>("line").replace(&format!("{schema}."), ""));
            tables.extend(row.get::<_, Option<String>>("counted"));
        }
        for table in tables {
            let count = format!("select count(*) as rows from {schema}.{table}");
            let rows: i64 = tx.row(&count, &[]).await?.map_or(0, |row| row.get("rows"));
            lines.insert(format!("rows of {table}: {rows}"));
        }
        let model = tx.row(INTROSPECT, &[&HISTORY_TABLE]).await?;
        let model = model.map_or_else(String::new, |row| row.get("model"));
        Ok(Self { lines, model })
    }
}

/// Relations, columns in their order, constraints, indexes, triggers, functions, rules, types, policies, statistics and
/// comments; of a table also what counts its rows.
pub(crate) const SHAPE: &str = "\
with c as (
  select c.oid, c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
         c.relreplident, c.relpartbound
    from pg_catalog.pg_class c
   where c.relnamespace = $1::text::regnamespace and c.relname <> $2 and c.relname <> $2 || '_pkey'
), p as (select p.oid, p.proname, p.prokind from pg_catalog.pg_proc p where p.pronamespace = $1::text::regnamespace)
select concat_ws(' ', case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
                        when 'c' then 'type' when 'f' then 'foreign table'
                        else 'table' end,
                 c.relname, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
                 pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid)) as line,
       case when c.relkind in ('r', 'p') then quote_ident(c.relname) end as counted
  from c where c.relkind not in ('i', 'I', 't')
union all select concat_ws(' ', 'column', c.relname, row_number() over (partition by c.oid order by a.attnum), a.attname,
         format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end, nullif(a.attidentity, ''),
         nullif(a.attgenerated, ''), a.attstorage,
         case when a.attcollation <> 0 then a.attcollation::regcollation end, a.attoptions, pg_get_expr(d.adbin, d.adrelid)), null
  from c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all select concat_ws(' ', 'constraint', c.relname, k.conname, pg_get_constraintdef(k.oid),
         case when not k.convalidated then 'not valid' end), null
  from pg_catalog.pg_constraint k join c on c.oid = k.conrelid
union all select concat_ws(' ', pg_get_indexdef(i.indexrelid), case when i.indisclustered then 'clustered' end), null
  from pg_catalog.pg_index i join c on c.oid = i.indrelid
union all select concat_ws(' ', pg_get_triggerdef(g.oid), g.tgenabled), null
  from pg_catalog.pg_trigger g join c on c.oid = g.tgrelid where not g.tgisinternal
union all select concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled), null
  from pg_catalog.pg_rewrite r join c on c.oid = r.ev_class
union all select case p.prokind when 'a' then concat_ws(' ', 'aggregate', p.proname, pg_get_function_arguments(p.oid))
         else pg_get_functiondef(p.oid) end, null from p
union all select concat_ws(' ', 'sequence', c.relname, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin,
         s.seqmax, s.seqcache, s.seqcycle), null
  from pg_catalog.pg_sequence s join c on c.oid = s.seqrelid
union all select concat_ws(' ', 'type', t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
         t.typdefault, (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                          from pg_catalog.pg_enum e where e.enumtypid = t.oid),
         (select string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ', ' order by k.conname)
            from pg_catalog.pg_constraint k where k.contypid = t.oid)), null
  from pg_catalog.pg_type t where t.typnamespace = $1::text::regnamespace and t.typtype in ('d', 'e', 'r')
union all select concat_ws(' ', 'policy', c.relname, y.polname, y.polcmd, y.polpermissive,
         pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid)), null
  from pg_catalog.pg_policy y join c on c.oid = y.polrelid
union all select pg_get_statisticsobjdef(s.oid), null
  from pg_catalog.pg_statistic_ext s where s.stxnamespace = $1::text::regnamespace
union all select concat_ws(' ', 'comment on', o.type, o.identity, quote_literal(d.description)), null
  from pg_catalog.pg_description d
 cross join lateral pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) o
 where d.objoid in (select c.oid from c) and d.classoid = 'pg_catalog.pg_class'::regclass
    or d.objoid in (select p.oid from p) and d.classoid = 'pg_catalog.pg_proc'::regclass
    or d.classoid = 'pg_catalog.pg_constraint'::regclass
       and d.objoid in (select k.oid from pg_catalog.pg_constraint k join c on c.oid = k.conrelid)
    or d.classoid = 'pg_catalog.pg_trigger'::regclass
       and d.objoid in (select g.oid from pg_catalog.pg_trigger g join c on c.oid = g.tgrelid)";
