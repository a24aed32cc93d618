//! Rights that cross the walls between tenants.

use std::collections::BTreeMap;

use catalog::dba_grants;
use catalog::doctor;
use catalog::init::SERVER_LOGIN;
use catalog::schema_name::SchemaName;

use super::ground::schema_of;
use super::look::Look;
use super::{Finding, Kind, Repair, Severity};
use crate::lifecycle::LifecycleError;

/// Rights of tenants' roles outside their schema, rights of others inside it, and who may assume the roles.
pub(super) async fn foreign(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tenants = look.by_schema();
    let mut wrong: BTreeMap<String, Vec<(String, Option<String>, Severity)>> = BTreeMap::new();
    for row in look.tx.transaction().rows(ELSEWHERE, &[]).await? {
        let (role, what): (&str, &str) = (row.get("role"), row.get("what"));
        let home: Option<SchemaName> = schema_of(role);
        let (schema, severity) = match (&home, row.get::<_, Option<&str>>("schema")) {
            (Some(home), _) => (home.as_str().to_owned(), Severity::Error),
            // Somebody's own login was let in by hand.
            (None, Some(schema)) => (schema.to_owned(), Severity::Warn),
            (None, None) => continue,
        };
        let owns: bool = row.get("owns");
        let verb = if owns { "owns" } else { "has rights on" };
        let sql = (!owns).then(|| format!("revoke all on {what} from {}", row.get::<_, &str>("quoted")));
        let entries = wrong.entry(schema).or_default();
        entries.push((format!("{role} {verb} {what}"), sql, severity));
    }
    let granted = dba_grants::memberships(look.tx).await?;
    let lawful = doctor::dba_grants(look.tx).await?;
    for row in look.tx.transaction().rows(MEMBERS, &[&SERVER_LOGIN]).await? {
        let (role, member): (&str, &str) = (row.get("role"), row.get("member"));
        if lawful.contains(&(role.to_owned(), member.to_owned())) {
            continue;
        }
        // The catalog's row is the proof that it was granted.
        if granted.contains(&(role.to_owned(), member.to_owned())) {
            continue;
        }
        let (schema, severity) = match (schema_of(member), schema_of(role)) {
            (Some(home), _) => (home, Severity::Error),
            (None, Some(home)) => (home, Severity::Warn),
            (None, None) => continue,
        };
        let sql = format!(
            "revoke {} from {}",
            row.get::<_, &str>("quoted_role"),
            row.get::<_, &str>("quoted")
        );
        let entries = wrong.entry(schema.as_str().to_owned()).or_default();
        entries.push((format!("{member} may assume {role}"), Some(sql), severity));
    }
    let findings = wrong.into_iter().filter_map(|(schema, entries)| {
        let tenant = tenants.get(&schema)?;
        let severity = entries.iter().map(|entry| entry.2).max()?;
        let mut says = Vec::new();
        let mut sql = Vec::new();
        for (text, statement, _) in entries {
            says.push(text);
            sql.extend(statement);
        }
        let finding = Finding::of(
            Kind::ForeignRights,
            tenant,
            "rights reach beyond the tenant, or into it from outside",
        );
        Some(finding.detailed(says).graded(severity).with(Repair::by_hand(sql)))
    });
    Ok(findings.collect())
}

/// The server's login: it may assume tenants' roles, and use the catalog and the extensions.
pub(super) async fn server_login(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tx = look.tx.transaction();
    let Some(login) = tx.row(LOGIN, &[&SERVER_LOGIN]).await? else {
        let says = "the server's login does not exist";
        let finding = Finding::new(Kind::ServerLogin, SERVER_LOGIN, says);
        return Ok(vec![finding.next("`tenantry init` makes it")]);
    };
    let (mut says, mut sql) = (Vec::new(), Vec::new());
    for (column, text, mend) in [
        ("superuser", "is a superuser", "nosuperuser"),
        ("bypass", "passes by row-level security", "nobypassrls"),
        (
            "inherit",
            "inherits the rights of the tenants' roles",
            "noinherit",
        ),
        ("createrole", "may make roles", "nocreaterole"),
        ("createdb", "may make databases", "nocreatedb"),
    ] {
        if login.get(column) {
            says.push(format!("it {text}"));
            sql.push(format!("alter role {SERVER_LOGIN} {mend}"));
        }
    }
    for row in tx.rows(SERVER, &[&SERVER_LOGIN]).await? {
        let what: &str = row.get("what");
        if row.get("owns") {
            says.push(format!("it owns {what}"));
        } else {
            says.push(format!("it has rights on {what}"));
            sql.push(format!("revoke all on {what} from {SERVER_LOGIN}"));
        }
    }
    if says.is_empty() {
        return Ok(Vec::new());
    }
    let finding = Finding::new(Kind::ServerLogin, SERVER_LOGIN, "it can do more than it should");
    Ok(vec![finding.detailed(says).with(Repair::by_hand(sql))])
}

/// What depends on a role: what it owns and what it was granted (PostgreSQL documentation, section 52.47). Owners are not
/// noted for what they grant themselves. Objects are named as GRANT names them.
macro_rules! held {
    () => {
        "select s.refobjid as role, s.deptype = 'o' as owns, n.nspname as schema,
       case s.classid
         when 'pg_catalog.pg_namespace'::regclass then format('schema %I', n.nspname)
         when 'pg_catalog.pg_class'::regclass then format('%s%I.%I',
           case c.relkind when 'S' then 'sequence ' else '' end, n.nspname, c.relname)
         when 'pg_catalog.pg_proc'::regclass then format('function %s', s.objid::regprocedure)
         when 'pg_catalog.pg_type'::regclass then format('type %s', s.objid::regtype)
         when 'pg_catalog.pg_database'::regclass then format('database %I', b.datname)
         else pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid) end as what
  from pg_catalog.pg_shdepend s
  left join pg_catalog.pg_class c on s.classid = 'pg_catalog.pg_class'::regclass and c.oid = s.objid
  left join pg_catalog.pg_proc p on s.classid = 'pg_catalog.pg_proc'::regclass and p.oid = s.objid
  left join pg_catalog.pg_type t on s.classid = 'pg_catalog.pg_type'::regclass and t.oid = s.objid
  left join pg_catalog.pg_database b on s.classid = 'pg_catalog.pg_database'::regclass and b.oid = s.objid
  left join pg_catalog.pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace,
    case when s.classid = 'pg_catalog.pg_namespace'::regclass then s.objid end)
 where s.refclassid = 'pg_catalog.pg_authid'::regclass and s.deptype in ('a', 'o')
   and s.dbid in (0, (select d.oid from pg_catalog.pg_database d where d.datname = current_database()))"
    };
}

/// Rights of tenants' roles elsewhere, and of others in tenants' schemas.
pub(crate) const ELSEWHERE: &str = concat!(
    "with held as (",
    held!(),
    ")
select distinct r.rolname::text as role, pg_catalog.quote_ident(r.rolname) as quoted, h.owns, h.schema::text as schema, h.what
  from held h join pg_catalog.pg_roles r on r.oid = h.role
 where (r.rolname ~ '^t_[0-9a-f]{32}_(rw|ro)$' and (h.owns or h.schema is distinct from left(r.rolname, 34)))
    or (h.schema ~ '^t_[0-9a-f]{32}$' and not h.owns and r.rolname !~ '^t_[0-9a-f]{32}_(rw|ro)$'
        and r.rolname <> 'tenantry_server')
 order by 1, 5"
);

/// What the server's login holds outside the catalog.
pub(crate) const SERVER: &str = concat!(
    "with held as (",
    held!(),
    ")
select distinct h.owns, h.what
  from held h join pg_catalog.pg_roles r on r.oid = h.role
 where r.rolname = $1 and (h.owns or h.schema is distinct from 'catalog') and h.what not like 'database %'
 order by 2"
);

/// Memberships of tenants' roles in others, and of others in tenants' roles, but the server's, those of logins for psql
/// in their own tenant's, those of logins for a statement in many tenants, and those that come with making or owning them.
pub(crate) const MEMBERS: &str = "\
select r.rolname::text as role, pg_catalog.quote_ident(r.rolname) as quoted_role, m.rolname::text as member,
       pg_catalog.quote_ident(m.rolname) as quoted
  from pg_catalog.pg_auth_members a
  join pg_catalog.pg_roles r on r.oid = a.roleid
  join pg_catalog.pg_roles m on m.oid = a.member
 where m.rolname ~ '^t_[0-9a-f]{32}_(rw|ro)$'
    or (r.rolname ~ '^t_[0-9a-f]{32}_(rw|ro)$' and m.rolname <> $1 and not m.rolsuper
        and m.rolname <> current_user
        and not starts_with(m.rolname::text, left(r.rolname, 34) || '_psql_')
        and m.rolname !~ '^tenantry_sql_[0-9a-f]{8}$'
        and m.rolname !~ '^tenantry_sql_[0-9a-f]{8}$'
        and not exists (select from pg_catalog.pg_namespace n
                         where n.nspname = left(r.rolname, 34) and n.nspowner = m.oid))
 order by 1, 3";

pub(crate) const LOGIN: &str = "\
select r.rolsuper as superuser, r.rolbypassrls as bypass, r.rolinherit as inherit,
       r.rolcreaterole as createrole, r.rolcreatedb as createdb
  from pg_catalog.pg_roles r where r.rolname = $1";
