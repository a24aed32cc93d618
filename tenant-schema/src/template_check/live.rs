//! The second layer: what PostgreSQL made of the files, looked at in a schema that is rolled back.

use catalog::pg::migrator::{HISTORY_TABLE, MigrateError};
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogDb;

use super::statements::{places, split};
use super::{Finding, Kind, Rule, SqlFile, baselines, tokens};
use crate::access_tag;
use crate::lifecycle::clone::anonymise::Marks;
use crate::lifecycle::post_steps::{self, Which};
use crate::lifecycle::{LifecycleError, scratch};
use crate::template::Template;

/// Foreign keys that no index serves: their columns are the first ones of none, in whatever order. A partial index serves
/// only some rows. Those of partitions follow their table's.
pub(crate) const FOREIGN_KEYS: &str = "\
select t.relname::text as made, c.conname::text as part
  from pg_catalog.pg_constraint c join pg_catalog.pg_class t on t.oid = c.conrelid
 where c.contype = 'f' and c.conparentid = 0 and c.connamespace = $1::text::regnamespace
   and not exists (
       select from pg_catalog.pg_index i
        where i.indrelid = c.conrelid and i.indpred is null and i.indisvalid
          and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)
 order by t.relname, c.conname";

/// Tables without a comment, and tables without a primary key. The history of the migrations is no table of the
/// template's, and a partition has its table's comment and key.
pub(crate) const TABLES: &str = "\
select t.relname::text as made, d.description is null as bare,
       not exists (select from pg_catalog.pg_constraint c where c.conrelid = t.oid and c.contype = 'p') as keyless
  from pg_catalog.pg_class t
  left join pg_catalog.pg_description d
    on d.objoid = t.oid and d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0
 where t.relnamespace = $1::text::regnamespace and t.relkind in ('r', 'p') and not t.relispartition and t.relname <> $2
 order by t.relname";

/// What this transaction made in the schema that depends on something in another schema: not of PostgreSQL's own, and not
/// one where extensions are. The names are as PostgreSQL writes them, with the schema in front.
pub(crate) const OUTSIDE: &str = "\
select distinct own.identity as made, other.identity as part
  from pg_catalog.pg_depend d
 cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, 0) own
 cross join lateral pg_catalog.pg_identify_object(d.refclassid, d.refobjid, 0) other
 where d.xmin = pg_catalog.pg_current_xact_id()::xid and d.deptype in ('n', 'a')
   and pg_catalog.strpos(own.identity, $1 || '.') > 0
   and other.schema not in ($1, 'pg_catalog', 'information_schema', 'extensions', 'pg_toast')
 order by own.identity, other.identity";

/// Tables with a column `field_versions`, and its comment. The engine keeps the versions of fields in it only where it is
/// hidden. A name that begins with `_` is not in the API.
pub(crate) const FIELD_VERSIONS: &str = "\
select t.relname::text as made, d.description as said
  from pg_catalog.pg_class t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = 'field_versions' and not a.attisdropped
  left join pg_catalog.pg_description d
    on d.objoid = t.oid and d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = a.attnum
 where t.relnamespace = $1::text::regnamespace and t.relkind in ('r', 'p') and not t.relispartition
   and pg_catalog.left(t.relname, 1) <> '_'
 order by t.relname";

/// Foreign keys with `on delete cascade` between tables whose records are kept when they are removed, where those that
/// belong to others could not tell with what they were removed.
pub(crate) const LEFT_BEHIND: &str = "\
with kept as (
    select t.oid, t.relname, exists (
               select from pg_catalog.pg_attribute d
                where d.attrelid = t.oid and d.attname = 'deletion_id' and d.atttypid = 'uuid'::regtype
                  and not d.attnotnull and not d.attisdropped) as joins
      from pg_catalog.pg_class t
      join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = 'deleted_at'
           and not a.attnotnull and not a.attisdropped
     where t.relnamespace = $1::text::regnamespace and t.relkind in ('r', 'p'))
select own.relname::text as made, c.conname::text as part, other.relname::text as owner
  from pg_catalog.pg_constraint c
  join kept own on own.oid = c.conrelid and not own.joins
  join kept other on other.oid = c.confrelid
 where c.contype = 'f' and c.confdeltype = 'c' and c.conparentid = 0
 order by own.relname, c.conname";

/// What is wrong with the schema that these files make. They must have been found free of errors by
/// [`check`](super::check): what ends a transaction would leave the schema there. `template` was read from `files`.
pub async fn check(
    db: &CatalogDb,
    template: &Template,
    files: &[SqlFile],
) -> Result<Vec<Finding>, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let schema = match scratch::create_by_files(tx.transaction(), template, template.latest()).await {
        Ok(schema) => schema,
        Err(LifecycleError::Template(failed)) => {
            return match &failed {
                MigrateError::Failed {
                    step,
                    source: source @ PgError::Statement(_),
                    ..
                } => Ok(vec![does_not_apply(step, source, files)]),
                _ => Err(failed.into()),
            };
        }
        Err(error) => return Err(error),
    };
    let made = post_steps::make(tx.transaction(), template, &schema, template.latest(), Which::All).await;
    if let Err(LifecycleError::Template(MigrateError::Failed {
        step,
        source: source @ PgError::Statement(_),
        ..
    })) = &made
    {
        return Ok(vec![does_not_apply(step, source, files)]);
    }
    made?;
    let places = Places::of(files);
    let mut findings = look(tx.transaction(), schema.as_str(), &places).await?;
    findings.extend(of_people(tx.transaction(), &schema, &places).await?);
    tx.rollback().await?;
    findings.extend(baselines::check(db, template, files).await?);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

async fn look(tx: &mut Transaction, schema: &str, places: &Places<'_>) -> Result<Vec<Finding>, PgError> {
    let mut findings = Vec::new();
    for row in tx.rows(FOREIGN_KEYS, &[&schema]).await? {
        let (table, key): (String, String) = (row.get("made"), row.get("part"));
        findings.push(places.finding(
            [&key, &table],
            Rule::UnindexedForeignKey,
            format!("no index begins with the columns of {key} on {table}"),
            "create an index on them: without one, each change of the table referred to reads this one whole",
        ));
    }
    for row in tx.rows(TABLES, &[&schema, &HISTORY_TABLE]).await? {
        let table: String = row.get("made");
        if row.get("bare") {
            findings.push(places.finding(
                [&table, ""],
                Rule::UncommentedTable,
                format!("table {table} has no comment"),
                "write `comment on table … is '…'`: the API's description shows it",
            ));
        }
        if row.get("keyless") {
            findings.push(places.finding(
                [&table, ""],
                Rule::NoPrimaryKey,
                format!("table {table} has no primary key"),
                "give it one: without it, a record has no address, and pages no certain order",
            ));
        }
    }
    findings.extend(of_the_bin(tx, schema, places).await?);
    for row in tx.rows(OUTSIDE, &[&schema]).await? {
        let (own, other): (String, String) = (row.get("made"), row.get("part"));
        let own = own.replace(&format!("{schema}."), "");
        let name = own.rsplit(' ').next().unwrap_or(&own);
        let name = name.split(['.', '(']).next().unwrap_or(name).trim_matches('"');
        findings.push(places.finding(
            [name, ""],
            Rule::OutsideDependency,
            format!("{name} depends on {other}, which is in another schema"),
            "keep what a tenant needs in its schema: the other one is not dumped, moved and restored with it",
        ));
    }
    Ok(findings)
}

/// What is said about people, and what is not.
async fn of_people(
    tx: &mut Transaction,
    schema: &SchemaName,
    places: &Places<'_>,
) -> Result<Vec<Finding>, PgError> {
    let marks = Marks::of(tx, schema).await?;
    let unmarked = marks.unmarked.iter().map(|(table, column)| {
        places.finding(
            [table, ""],
            Rule::PersonalUnmarked,
            format!("{column} of {table} sounds like people, and no line @personal says whether it is about them"),
            "end its comment with a line such as `@personal email`, `@personal keep` for what a copy may have, or the table's with `@personal none`",
        )
    });
    let unclear = marks.unclear.iter().map(|column| {
        let table = column.split('.').next().unwrap_or(column);
        places.finding(
            [table, ""],
            Rule::PersonalLine,
            format!("{column} is marked by @personal, and no value of its type can be made up"),
            "let it be null, mark it by `@personal keep`, or use another type",
        )
    });
    Ok(unmarked.chain(unclear).collect())
}

/// Columns of the engine's that do not do what they are there for.
async fn of_the_bin(
    tx: &mut Transaction,
    schema: &str,
    places: &Places<'_>,
) -> Result<Vec<Finding>, PgError> {
    let mut findings = Vec::new();
    for row in tx.rows(FIELD_VERSIONS, &[&schema]).await? {
        let (table, said): (String, Option<String>) = (row.get("made"), row.get("said"));
        if !access_tag::take(said.as_deref()).1.is_hidden {
            findings.push(places.finding(
                [&table, ""],
                Rule::FieldVersionsShown,
                format!(
                    "field_versions of {table} is not hidden: `Prefer: merge=disjoint` does not work there"
                ),
                "end the column's comment with the line `@access hidden`: nobody but a trigger may write it",
            ));
        }
    }
    for row in tx.rows(LEFT_BEHIND, &[&schema]).await? {
        let (table, key, owner): (String, String, String) =
            (row.get("made"), row.get("part"), row.get("owner"));
        findings.push(places.finding(
            [&key, &table],
            Rule::LeftBehind,
            format!("{table} has deleted_at and no deletion_id: its records stay when those of {owner} that they belong to are deleted"),
            "add a column `deletion_id uuid`, which may be null: what is deleted together then comes back together",
        ));
    }
    Ok(findings)
}

/// PostgreSQL refused a file.
fn does_not_apply(step: &str, error: &PgError, files: &[SqlFile]) -> Finding {
    let file = files
        .iter()
        .find(|file| step.contains(file.name.trim_end_matches(".sql")));
    let said = error.db();
    let position = said.and_then(|said| said.position).unwrap_or(1);
    let line = file.map_or(1, |file| {
        // Of a post-step only the statement is sent.
        let is_step = file.kind() == Some(Kind::PostStep);
        let first = places(&file.text)
            .first()
            .filter(|_| is_step)
            .map(|place| place.start);
        let before = file.text[..first.unwrap_or(0)].chars().count();
        1 + file
            .text
            .chars()
            .take(before + position - 1)
            .filter(|c| *c == '\n')
            .count()
    });
    Finding::new(
        file.map_or(step, |file| &file.name),
        line,
        Rule::DoesNotApply,
        said.map_or_else(|| error.to_string(), ToString::to_string),
        "mend the statement: this is what PostgreSQL says when a tenant is made",
    )
}

/// Where things are made.
struct Places<'a>(Vec<(String, &'a str, usize)>);

impl<'a> Places<'a> {
    fn of(files: &'a [SqlFile]) -> Self {
        let mut places = Vec::new();
        for file in files {
            let tokens = tokens::read(&file.text).unwrap_or_default();
            for statement in split(&tokens) {
                let made = statement.creates().and_then(|made| statement.name(made.name_at));
                if let Some((name, _)) = made {
                    places.push((name.to_owned(), file.name.as_str(), statement.line()));
                }
                let named = statement.0.windows(2).filter(|pair| pair[0].is("constraint"));
                places.extend(
                    named.filter_map(|pair| {
                        Some((pair[1].name()?.to_owned(), file.name.as_str(), pair[1].line))
                    }),
                );
            }
        }
        Self(places)
    }

    /// A finding at the place where the first of these names is made that is made anywhere.
    fn finding(&self, names: [&str; 2], rule: Rule, reason: String, instead: &'static str) -> Finding {
        let find = |name: &&str| self.0.iter().find(|(known, ..)| known == name);
        let (file, line) = names
            .iter()
            .find_map(find)
            .or(self.0.first())
            .map_or(("", 1), |(_, file, line)| (*file, *line));
        Finding::new(file, line, rule, reason, instead)
    }
}
