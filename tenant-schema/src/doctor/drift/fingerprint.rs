//! The fingerprints of all schemas, by one query over the system catalogs.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

/// What a schema is made of, in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint {
    lines: i64,
    hash: i64,
}

/// The rough fingerprint of each of these schemas that is there: equal ones mean equal schemas.
pub(super) async fn rough(
    tx: &mut Transaction,
    schemas: &[&str],
) -> Result<Vec<(SchemaName, Fingerprint)>, PgError> {
    read(tx, ROUGH, schemas).await
}

/// The exact fingerprint, for few schemas: equal whatever steps the schemas were made in.
pub(super) async fn exact(
    tx: &mut Transaction,
    schemas: &[&str],
) -> Result<Vec<(SchemaName, Fingerprint)>, PgError> {
    read(tx, EXACT, schemas).await
}

async fn read(
    tx: &mut Transaction,
    sql: &str,
    schemas: &[&str],
) -> Result<Vec<(SchemaName, Fingerprint)>, PgError> {
    let rows = tx.rows(sql, &[&schemas]).await?;
    let read = rows.iter().filter_map(|row| {
        let schema = row.get::<_, &str>("schema").parse().ok()?;
        let fingerprint = Fingerprint {
            lines: row.get("lines"),
            hash: row.get("hash"),
        };
        Some((schema, fingerprint))
    });
    Ok(read.collect())
}

/// An expression as the tree it is kept as; but `nextval`, which is function 480 and numbers a sequence of the schema's own,
/// in words.
macro_rules! tree {
    ($tree:literal, $relation:literal) => {
        concat!(
            "case when starts_with(",
            $tree,
            "::text, '{FUNCEXPR :funcid 480 ') then hashtextextended(replace(pg_get_expr(",
            $tree,
            ", ",
            $relation,
            "), r.schema || '.', ''), 0) else hashtextextended(",
            $tree,
            "::text, 0) end"
        )
    };
}

/// An expression in words.
macro_rules! words {
    ($tree:literal, $relation:literal) => {
        concat!(
            "hashtextextended(replace(pg_get_expr(",
            $tree,
            ", ",
            $relation,
            "), r.schema || '.', ''), 0)"
        )
    };
}

/// A hash of each thing in a schema, all of them taken together whatever their order.
///
/// The rough one must be quick, so nothing is put into words that can be compared as it stands: to describe the indexes of a
/// tenant takes PostgreSQL longer than all the rest. Expressions are compared as the trees they are kept as. Those tell
/// where in the text of its statement an expression stood, and number what they speak of, so that schemas which were made in
/// other steps differ in them. The exact one puts expressions into words. Both put into words what is numbered
/// differently in every schema: its own types, sequences, and functions with arguments.
///
/// The rough one reads the catalogs of all tenants, on several processors if it may; the exact one looks up what belongs to
/// a few relations.
macro_rules! fingerprints {
    ($relations:literal, $tree:ident, $when:literal) => {
        concat!(
            "with relation as ", $relations, " (
  select n.nspname as schema, n.oid as namespace, c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
         c.relforcerowsecurity, c.reloptions, c.relam
    from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid
   where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I')
)
select l.schema::text as schema, count(*) as lines, bit_xor(l.hash) as hash
  from (
    select r.schema, hash_record_extended((1, r.relname, r.relkind, r.relpersistence, r.relrowsecurity,
             r.relforcerowsecurity, r.reloptions, case when r.relkind in ('v', 'm')
               then replace(pg_get_viewdef(r.oid), r.schema || '.', '') end), 0) as hash
      from relation r
     where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select r.schema, hash_record_extended((2, r.relname, a.attname, a.attnum, a.atttypmod, a.attnotnull, a.attidentity,
             a.attgenerated, a.attcollation, case when a.atttypid < 16384 then a.atttypid end,
             case when a.atttypid >= 16384 then replace(format_type(a.atttypid, null), r.schema || '.', '') end), 0)
      from relation r
      join pg_catalog.pg_attribute a on a.attrelid = r.oid
     where r.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
    union all
    select r.schema, hash_record_extended((3, r.relname, e.adnum, ", $tree!("e.adbin", "e.adrelid"), "), 0)
      from relation r
      join pg_catalog.pg_attrdef e on e.adrelid = r.oid
    union all
    select r.schema, hash_record_extended((4, r.relname, d.objsubid, d.description), 0)
      from relation r
      join pg_catalog.pg_description d on d.objoid = r.oid
     where d.classoid = 'pg_catalog.pg_class'::regclass and r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select r.schema, hash_record_extended((5, r.relname, k.conname, k.contype, k.condeferrable, k.condeferred,
             k.convalidated, k.conkey, f.relname, f.relnamespace = r.namespace, k.confkey, k.confupdtype, k.confdeltype,
             k.confmatchtype, k.conexclop, ", $tree!("k.conbin", "k.conrelid"), "), 0)
      from relation r
      join pg_catalog.pg_constraint k on k.conrelid = r.oid
      left join pg_catalog.pg_class f on f.oid = k.confrelid
     where k.contype <> 'n'
    union all
    select r.schema, hash_record_extended((6, r.relname, o.relname, r.reloptions, r.relam, i.indisunique, i.indnkeyatts,
             i.indkey::int2[], i.indclass::oid[], i.indoption::int2[], i.indcollation::oid[],
             ", $tree!("i.indexprs", "i.indrelid"), ", ", $tree!("i.indpred", "i.indrelid"), "), 0)
      from relation r
      join pg_catalog.pg_index i on i.indexrelid = r.oid
      join pg_catalog.pg_class o on o.oid = i.indrelid
     where r.relkind in ('i', 'I')
    union all
    select r.schema, hash_record_extended((7, r.relname, t.tgname, t.tgtype, t.tgenabled, t.tgattr::int2[], t.tgargs,
             t.tgdeferrable, t.tginitdeferred, t.tgoldtable, t.tgnewtable, p.proname, p.pronamespace = r.namespace,
             case when t.tgqual is not null then ", $when, " end), 0)
      from relation r
      join pg_catalog.pg_trigger t on t.tgrelid = r.oid
      join pg_catalog.pg_proc p on p.oid = t.tgfoid
     where not t.tgisinternal
    union all
    select n.nspname, hash_record_extended((8, p.proname, p.prosrc, p.prolang, p.prokind, p.provolatile, p.proparallel,
             p.prosecdef, p.proleakproof, p.proisstrict, p.procost, p.prorows, p.proconfig, d.description,
             replace(p.proacl::text, n.nspname, '$'),
             case when p.pronargs = 0 and p.proallargtypes is null and p.prosqlbody is null and p.prorettype < 16384
                    then p.prorettype::text
                  when p.prokind <> 'a' then replace(pg_get_functiondef(p.oid), n.nspname || '.', '')
                  else replace(pg_get_function_identity_arguments(p.oid), n.nspname || '.', '') end), 0)
      from pg_catalog.pg_namespace n
      join pg_catalog.pg_proc p on p.pronamespace = n.oid
      left join pg_catalog.pg_description d on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::regclass
     where n.nspname = any($1::text[])
    union all
    select r.schema, hash_record_extended((9, r.relname, q.seqtypid, q.seqstart, q.seqincrement, q.seqmax, q.seqmin,
             q.seqcache, q.seqcycle), 0)
      from relation r
      join pg_catalog.pg_sequence q on q.seqrelid = r.oid
    union all
    select r.schema, hash_record_extended((10, r.relname, o.polname, o.polcmd, o.polpermissive, cardinality(o.polroles),
             replace(pg_get_expr(o.polqual, o.polrelid), r.schema || '.', ''),
             replace(pg_get_expr(o.polwithcheck, o.polrelid), r.schema || '.', '')), 0)
      from relation r
      join pg_catalog.pg_policy o on o.polrelid = r.oid
    union all
    select r.schema, hash_record_extended((11, r.relname, w.rulename, replace(pg_get_ruledef(w.oid), r.schema || '.', '')), 0)
      from relation r
      join pg_catalog.pg_rewrite w on w.ev_class = r.oid
     where w.rulename <> '_RETURN'
    union all
    select n.nspname, hash_record_extended((12, t.typname, t.typtype, t.typnotnull, t.typdefault,
             case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
             (select array_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid)), 0)
      from pg_catalog.pg_namespace n
      join pg_catalog.pg_type t on t.typnamespace = n.oid
     where n.nspname = any($1::text[]) and t.typtype in ('e', 'd', 'r')
  ) l
 group by l.schema"
        )
    };
}

pub(crate) const ROUGH: &str = fingerprints!("not materialized", tree, "hashtextextended(t.tgqual::text, 0)");
pub(crate) const EXACT: &str = fingerprints!(
    "materialized",
    words,
    "hashtextextended(replace(pg_get_triggerdef(t.oid), r.schema || '.', ''), 0)"
);
