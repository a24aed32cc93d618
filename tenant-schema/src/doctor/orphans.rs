//! Schemas and tenants that have lost each other.

use std::collections::BTreeMap;

use catalog::doctor;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use uuid::Uuid;

use super::finding::Deed;
use super::look::Look;
use super::{Finding, How, Kind, Repair};
use crate::lifecycle::{LifecycleError, stamp};

/// Tenants of the catalog whose schema is not there.
pub(super) async fn missing_schemas(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let advice = "restore it from a backup, or drop the tenant";
    let missing = look
        .living()
        .filter(|resident| !look.ground.schemas.contains_key(&resident.schema));
    let mut findings: Vec<Finding> = missing
        .map(|resident| {
            Finding::of(
                Kind::MissingSchemas,
                resident,
                format!("schema {} does not exist", resident.schema),
            )
            .next(advice)
        })
        .collect();
    if look.only.is_none() {
        for tenant in doctor::homeless(look.tx).await? {
            let says = "the catalog has no schema for this tenant";
            let mut finding = Finding::new(Kind::MissingSchemas, tenant.organization.to_string(), says);
            finding.tenant = Some(tenant.slug);
            findings.push(finding.next(advice));
        }
    }
    Ok(findings)
}

/// Schemas that look like tenants' and are nobody's.
pub(super) async fn schemas(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let mut findings = Vec::new();
    let mut whose = BTreeMap::new();
    for resident in &look.residents {
        whose.insert(stamp(resident.organization), resident.to_string());
    }
    for schema in orphans(look) {
        let dependents = dependents(look, &schema).await?;
        let found = look.ground.schemas.get(&schema);
        let stamped = found.and_then(|found| whose.get(found.stamp.as_deref()?));
        let finding = Finding::new(
            Kind::OrphanSchemas,
            schema.as_str(),
            "no tenant of the catalog has this schema",
        )
        .within(&schema);
        let sql = vec![format!("drop schema {schema} cascade")];
        findings.push(if let Some(other) = stamped {
            let says =
                format!("it bears the stamp of {other}, to whom the catalog gives another schema or none");
            finding
                .detailed(vec![says])
                .next("find out whose records are in it before it is removed")
                .with(Repair::by_hand(sql))
        } else if found.is_none_or(|found| !found.is_ours) {
            finding
                .detailed(vec!["it was made under another login".to_owned()])
                .with(Repair::by_hand(sql))
        } else if dependents.is_empty() {
            finding.with(Repair::new(How::FixAgreed, sql, Deed::DropSchema(schema)))
        } else {
            let details = dependents.into_iter().map(|what| format!("{what} depends on it"));
            finding
                .detailed(details.collect())
                .next("find out what needs it before it is removed")
                .with(Repair::by_hand(sql))
        });
    }
    Ok(findings)
}

/// The schema in which templates are tried: it is rolled back, unless somebody committed it.
pub(super) fn scratch(look: &Look<'_>) -> Vec<Finding> {
    let schema = scratch_name();
    if !look.is_wanted(&schema) || !look.ground.schemas.contains_key(&schema) {
        return Vec::new();
    }
    let sql = vec![format!("drop schema {schema} cascade")];
    let says = "the schema in which templates are tried was left behind";
    let repair = Repair::new(How::Fix, sql, Deed::DropSchema(schema.clone()));
    vec![
        Finding::new(Kind::Scratch, schema.as_str(), says)
            .within(&schema)
            .with(repair),
    ]
}

fn scratch_name() -> SchemaName {
    SchemaName::from_opaque(Uuid::nil())
}

/// A tombstone is no claim to a schema, unless its purge goes on.
fn orphans(look: &Look<'_>) -> Vec<SchemaName> {
    let claims = look.residents.iter().filter(|resident| resident.claims_schema());
    let claims = claims.map(|resident| &resident.schema).chain(&look.spares);
    let claimed: std::collections::BTreeSet<&SchemaName> = claims.collect();
    let nil = scratch_name();
    let names = look.ground.schemas.keys().filter(|schema| look.is_wanted(schema));
    names
        .filter(|schema| **schema != nil && !claimed.contains(schema))
        .cloned()
        .collect()
}

/// What outside the schema depends on something in it.
async fn dependents(look: &mut Look<'_>, schema: &SchemaName) -> Result<Vec<String>, PgError> {
    let tx = look.tx.transaction();
    let rows = tx.rows(DEPENDENTS, &[&schema.as_str()]).await?;
    Ok(rows.iter().map(|row| row.get("what")).collect())
}

/// Views by way of their rules, foreign keys of other tables, and whatever else PostgreSQL keeps track of.
pub(crate) const DEPENDENTS: &str = "\
with recursive inside (class, object) as (
  select 'pg_catalog.pg_namespace'::regclass::oid, n.oid from pg_catalog.pg_namespace n where n.nspname = $1
  union
  select d.classid, d.objid from inside i
    join pg_catalog.pg_depend d on d.refclassid = i.class and d.refobjid = i.object
)
select distinct format('%s %I.%I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
         n.nspname, c.relname) as what
  from inside i
  left join pg_catalog.pg_rewrite w on i.class = 'pg_catalog.pg_rewrite'::regclass and w.oid = i.object
  left join pg_catalog.pg_constraint k on i.class = 'pg_catalog.pg_constraint'::regclass and k.oid = i.object
  left join pg_catalog.pg_attrdef a on i.class = 'pg_catalog.pg_attrdef'::regclass and a.oid = i.object
  join pg_catalog.pg_class c on c.oid = coalesce(w.ev_class, nullif(k.conrelid, 0), a.adrelid,
         case when i.class = 'pg_catalog.pg_class'::regclass then i.object end)
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname <> $1 and n.nspname not like 'pg\\_toast%'
 order by what limit 20";
