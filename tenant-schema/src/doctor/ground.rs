//! What there is in the database, whoever's it is: schemas and roles that look like tenants'.

use std::collections::BTreeMap;

use catalog::init::SERVER_LOGIN;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

/// Schemas and roles, by name.
#[derive(Debug, Default)]
pub(super) struct Ground {
    pub(super) schemas: BTreeMap<SchemaName, Schema>,
    pub(super) roles: BTreeMap<String, Role>,
}

/// A schema.
#[derive(Debug)]
pub(super) struct Schema {
    /// Its comment.
    pub(super) stamp: Option<String>,
    /// It is ours to change.
    pub(super) is_ours: bool,
    /// Its access control list; empty where it is PostgreSQL's default.
    pub(super) acl: String,
}

/// A role.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of a role")]
pub(super) struct Role {
    pub(super) can_log_in: bool,
    pub(super) inherits: bool,
    /// It may make roles or databases.
    pub(super) makes: bool,
    /// Superuser, or may replicate or pass by row-level security: only a superuser can change that.
    pub(super) is_strong: bool,
    /// The server's login may assume it.
    pub(super) is_the_servers: bool,
    /// It has something in another database of this server.
    pub(super) is_used_elsewhere: bool,
}

impl Ground {
    pub(super) async fn read(tx: &mut Transaction) -> Result<Self, PgError> {
        let schemas = tx.rows(SCHEMAS, &[]).await?;
        let schemas = schemas.iter().filter_map(|row| {
            let name: SchemaName = row.get::<_, &str>("name").parse().ok()?;
            let schema = Schema {
                stamp: row.get("stamp"),
                is_ours: row.get("is_ours"),
                acl: row.get("acl"),
            };
            Some((name, schema))
        });
        let schemas = schemas.collect();
        let roles = tx.rows(ROLES, &[&SERVER_LOGIN]).await?;
        let roles = roles.iter().map(|row| {
            let role = Role {
                can_log_in: row.get("can_log_in"),
                inherits: row.get("inherits"),
                makes: row.get("makes"),
                is_strong: row.get("is_strong"),
                is_the_servers: row.get("is_the_servers"),
                is_used_elsewhere: row.get("is_used_elsewhere"),
            };
            (row.get("name"), role)
        });
        Ok(Self {
            schemas,
            roles: roles.collect(),
        })
    }

    /// Whether both roles of a schema are there.
    pub(super) fn has_roles(&self, schema: &SchemaName) -> bool {
        [schema.read_write_role(), schema.read_only_role()]
            .iter()
            .all(|role| self.roles.contains_key(role))
    }
}

/// Whose a role that looks like a tenant's is, by its name.
pub(super) fn schema_of(role: &str) -> Option<SchemaName> {
    role.get(..34)?.parse().ok()
}

pub(crate) const SCHEMAS: &str = "\
select n.nspname::text as name, d.description as stamp, pg_catalog.pg_has_role(n.nspowner, 'usage') as is_ours,
       coalesce(n.nspacl::text, '') as acl
  from pg_catalog.pg_namespace n
  left join pg_catalog.pg_description d
    on d.objoid = n.oid and d.classoid = 'pg_catalog.pg_namespace'::regclass and d.objsubid = 0
 where n.nspname ~ '^t_[0-9a-f]{32}$'";

pub(crate) const ROLES: &str = "\
select r.rolname::text as name, r.rolcanlogin as can_log_in, r.rolinherit as inherits,
       r.rolcreaterole or r.rolcreatedb as makes, r.rolsuper or r.rolreplication or r.rolbypassrls as is_strong,
       m.roleid is not null as is_the_servers, e.refobjid is not null as is_used_elsewhere
  from pg_catalog.pg_roles r
  left join (
    select distinct a.roleid from pg_catalog.pg_auth_members a
      join pg_catalog.pg_roles s on s.oid = a.member where s.rolname = $1
  ) m on m.roleid = r.oid
  left join (
    select distinct s.refobjid from pg_catalog.pg_shdepend s
     where s.refclassid = 'pg_catalog.pg_authid'::regclass
       and s.dbid <> 0
       and s.dbid <> (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
  ) e on e.refobjid = r.oid
 where r.rolname ~ '^t_[0-9a-f]{32}_'";
