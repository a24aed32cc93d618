//! The roles of tenants, and roles that were left behind.

use catalog::init::SERVER_LOGIN;
use catalog::schema_name::SchemaName;

use super::finding::Deed;
use super::ground::schema_of;
use super::look::Look;
use super::{Finding, How, Kind, Repair, grants};
use crate::lifecycle::{LifecycleError, logins};

/// Tenants whose two roles are not as they were made.
pub(super) async fn tenants(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let mut findings = Vec::new();
    for tenant in look.tenants() {
        let (mut says, mut sql, mut is_ours) = (Vec::new(), Vec::new(), true);
        let schema = &tenant.schema;
        let roles = [
            (schema.read_write_role(), "read and write"),
            (schema.read_only_role(), "read"),
        ];
        for (name, may) in roles {
            let Some(role) = look.ground.roles.get(&name) else {
                says.push(format!("role {name} is missing"));
                sql.push(format!("create role {name} nologin noinherit"));
                sql.push(format!(
                    "comment on role {name} is 'tenantry: may {may} {schema}'"
                ));
                sql.push(format!("grant {name} to {SERVER_LOGIN}"));
                continue;
            };
            if role.can_log_in || role.inherits {
                says.push(format!("role {name} can log in or inherits"));
                sql.push(format!("alter role {name} nologin noinherit"));
            }
            if role.makes {
                says.push(format!("role {name} may make roles or databases"));
                sql.push(format!("alter role {name} nocreatedb nocreaterole"));
            }
            if role.is_strong {
                is_ours = false;
                says.push(format!("role {name} has rights of a superuser"));
                sql.push(format!("alter role {name} nosuperuser noreplication nobypassrls"));
            }
            if !role.is_the_servers {
                says.push(format!("the server may not assume {name}"));
                sql.push(format!("grant {name} to {SERVER_LOGIN}"));
            }
        }
        if says.is_empty() {
            continue;
        }
        if !look.ground.has_roles(schema) {
            sql.extend(grants::all(look, schema).await?);
        }
        let repair = if is_ours {
            Repair::safe(sql)
        } else {
            Repair::by_hand(sql)
        };
        findings.push(Finding::of(Kind::Roles, &tenant, says.join("; ")).with(repair));
    }
    Ok(findings)
}

/// Roles whose schema is in no database: neither here, nor is anything elsewhere theirs.
pub(super) fn orphans(look: &Look<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, role) in &look.ground.roles {
        let Some(schema) = schema_of(name).filter(|schema| look.is_wanted(schema)) else {
            continue;
        };
        let is_login = name.starts_with(&format!("{schema}_psql_"));
        if role.is_used_elsewhere || is_login || is_claimed(look, &schema) {
            continue;
        }
        let sql = vec![
            format!("grant {name} to current_user"),
            format!("drop owned by {name}"),
            format!("drop role {name}"),
        ];
        let known = [schema.read_write_role(), schema.read_only_role()].contains(name);
        let repair = known.then(|| Repair::new(How::FixAgreed, sql, Deed::Statements));
        findings.push(
            Finding::new(
                Kind::OrphanRoles,
                name,
                "there is no such schema, here or elsewhere",
            )
            .within(&schema)
            .with(repair),
        );
    }
    findings
}

/// Whether the catalog or the database still has the schema of a role.
fn is_claimed(look: &Look<'_>, schema: &SchemaName) -> bool {
    let mut residents = look.residents.iter();
    look.ground.schemas.contains_key(schema)
        || residents.any(|resident| resident.schema == *schema && resident.claims_schema())
}

/// Logins that were made for a session and are good for nothing any more, or have a session that is bad for all.
pub(super) async fn logins(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let mut findings = Vec::new();
    for login in logins::overdue(look.tx, look.now).await? {
        let name = login.to_string();
        let schema = schema_of(&name);
        let is_wanted = schema
            .as_ref()
            .map_or(look.only.is_none(), |schema| look.is_wanted(schema));
        if !is_wanted {
            continue;
        }
        let sql = vec![
            format!("alter role {name} nologin"),
            format!("drop owned by {name}"),
            format!("drop role {name}"),
        ];
        let says = match (login.is_expired, &schema) {
            (false, _) => "a session of it has left a transaction open for longer than it was allowed",
            (true, Some(_)) => "the login was made for somebody's psql, has expired and is still there",
            (true, None) => "the login was made for a run of `tenantry sql`, has expired and is still there",
        };
        let mut finding = Finding::new(Kind::PsqlLogins, &name, says);
        if let Some(schema) = &schema {
            finding = finding.within(schema);
        }
        findings.push(finding.with(Repair::new(How::Fix, sql, Deed::DropLogin(login))));
    }
    Ok(findings)
}
