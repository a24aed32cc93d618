//! What the tenants' roles may do in their schemas, held against the template's access tags.

use std::collections::BTreeMap;

use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use tokio_postgres::Row;

use super::look::Look;
use super::{Finding, Kind, Repair};
use crate::lifecycle::{LifecycleError, idempotency_keys, rights, rights_by_template};

/// A relation that is the same in all these schemas: kind, comment and rights.
struct Shape {
    name: String,
    quoted: String,
    kind: String,
    right: [Option<&'static str>; 2],
    acl: String,
    has_columns: bool,
    schemas: Vec<String>,
}

/// How the schema's name is written in an access control list that is compared with others.
const ITSELF: &str = "$";

/// Tenants whose roles may do less or more than they should.
pub(super) async fn grants(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    // Where a role is missing, that is what is told.
    let mut tenants = look.by_schema();
    tenants.retain(|_, tenant| look.ground.has_roles(&tenant.schema));
    let mut wrong: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for tenant in tenants.values() {
        let found = look.ground.schemas.get(&tenant.schema);
        let acl = found.map_or("", |schema| schema.acl.as_str());
        let roles = [tenant.schema.read_write_role(), tenant.schema.read_only_role()];
        for role in roles.iter().filter(|role| rights(acl, role) != Some("U")) {
            let (says, sql) = wrong.entry(tenant.schema.as_str()).or_default();
            let has = told(rights(acl, role));
            says.push(format!("schema: {role} has {has}, should have U"));
            sql.push(format!("revoke all on schema {} from {role}", tenant.schema));
            sql.push(format!("grant usage on schema {} to {role}", tenant.schema));
        }
    }
    let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
    let shapes = shapes(look, &names).await?;
    for shape in shapes.iter().filter(|shape| !shape.is_right()) {
        for schema in &shape.schemas {
            let (says, sql) = wrong.entry(schema.as_str()).or_default();
            says.push(shape.difference());
            sql.extend(shape.statements(schema));
        }
    }
    let findings = wrong.into_iter().filter_map(|(schema, (says, sql))| {
        let tenant = tenants.get(schema)?;
        let count = says.len();
        let what = if count == 1 { "object" } else { "objects" };
        let finding = Finding::of(
            Kind::Grants,
            tenant,
            format!("its roles have other rights than the template gives them on {count} {what}"),
        );
        Some(finding.detailed(says).with(Repair::safe(sql)))
    });
    Ok(findings.collect())
}

/// The statements that give the roles of a schema all they should have, whatever they have now.
pub(super) async fn all(look: &mut Look<'_>, schema: &SchemaName) -> Result<Vec<String>, PgError> {
    let (rw, ro) = (schema.read_write_role(), schema.read_only_role());
    let mut sql = vec![format!("grant usage on schema {schema} to {rw}, {ro}")];
    for shape in shapes(look, &[schema.as_str()]).await? {
        sql.extend(shape.statements(schema.as_str()));
    }
    Ok(sql)
}

async fn shapes(look: &mut Look<'_>, schemas: &[&str]) -> Result<Vec<Shape>, PgError> {
    let rows = look
        .tx
        .transaction()
        .rows(RELATIONS, &[&schemas, &ITSELF])
        .await?;
    Ok(rows.iter().map(Shape::new).collect())
}

impl Shape {
    fn new(row: &Row) -> Self {
        let (name, kind): (String, String) = (row.get("name"), row.get("kind"));
        let right = match name.as_str() {
            HISTORY_TABLE => [None, None],
            idempotency_keys::TABLE => [Some("arwd"), None],
            _ => rights_by_template(&kind, row.get("comment")),
        };
        Self {
            name,
            quoted: row.get("quoted"),
            kind,
            right,
            acl: row.get("acl"),
            has_columns: row.get("columns"),
            schemas: row.get("schemas"),
        }
    }

    /// What everybody, the read-write and the read-only role have.
    fn found(&self) -> [Option<&str>; 3] {
        let own = |suffix: &str| rights(&self.acl, &format!("{ITSELF}{suffix}"));
        [rights(&self.acl, ""), own("_rw"), own("_ro")]
    }

    fn is_right(&self) -> bool {
        let [rw, ro] = self.right;
        self.found() == [None, rw, ro] && !self.has_columns
    }

    fn difference(&self) -> String {
        let mut parts = Vec::new();
        let [rw, ro] = self.right;
        let pairs = self.found().into_iter().zip([None, rw, ro]);
        for (who, (has, should)) in ["everybody", "_rw", "_ro"].into_iter().zip(pairs) {
            if has != should {
                parts.push(format!("{who} has {}, should have {}", told(has), told(should)));
            }
        }
        if self.has_columns {
            parts.push("single columns are granted".to_owned());
        }
        format!("{}: {}", self.name, parts.join(", "))
    }

    fn statements(&self, schema: &str) -> Vec<String> {
        let roles = [format!("{schema}_rw"), format!("{schema}_ro")];
        let sequence = if self.kind == "S" { "sequence " } else { "" };
        let object = format!("{sequence}{schema}.{}", self.quoted);
        let [rw, ro] = &roles;
        let everybody = if self.found()[0].is_some() { "public, " } else { "" };
        let mut sql = vec![format!("revoke all on {object} from {everybody}{rw}, {ro}")];
        for (role, right) in roles.iter().zip(self.right) {
            if let Some(letters) = right {
                sql.push(format!("grant {} on {object} to {role}", privileges(letters)));
            }
        }
        sql
    }
}

/// The words for what an access control list abbreviates (PostgreSQL documentation, section 5.8).
fn privileges(letters: &str) -> String {
    let words = letters.chars().filter_map(|letter| match letter {
        'a' => Some("insert"),
        'r' => Some("select"),
        'w' => Some("update"),
        'd' => Some("delete"),
        'U' => Some("usage"),
        _ => None,
    });
    words.collect::<Vec<_>>().join(", ")
}

fn told(letters: Option<&str>) -> &str {
    letters.unwrap_or("nothing")
}

/// All relations of these schemas that we may grant on, those that are alike taken together.
pub(crate) const RELATIONS: &str = "\
select c.relname::text as name, pg_catalog.quote_ident(c.relname) as quoted, c.relkind::text as kind, d.description as comment,
       replace(coalesce(c.relacl::text, ''), n.nspname || '_', $2::text || '_') as acl,
       a.attrelid is not null as columns, array_agg(n.nspname::text order by n.nspname) as schemas
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid
  left join pg_catalog.pg_description d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0
  left join (
    select distinct t.attrelid from pg_catalog.pg_attribute t where t.attnum > 0 and t.attacl is not null
  ) a on a.attrelid = c.oid
 where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
   and pg_catalog.pg_has_role(c.relowner, 'usage')
 group by c.relname, c.relkind, d.description, 5, 6
 order by c.relname";
