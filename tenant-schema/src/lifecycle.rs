//! The life of a tenant schema. Here: [`provision`], its beginning. Beside it: [`clone`](mod@clone), which begins
//! with another's data; [`archive`], when it goes into a file; [`relocate`], when it goes into another database; [`purge`], its end; [`psql_login`], for people who open psql on a tenant, and `scratch`, a schema that only lives to be looked at.
//!
//! Everything a tenant is made of (the organization's row, the schema with its stamp, its roles and grants, every
//! migration of the template, the owner's membership and its mirror, the audit entry) is made in the caller's one
//! transaction. PostgreSQL's DDL is transactional, roles included, so a crash at any statement leaves nothing.

pub mod archive;
pub(crate) mod belongings;
pub mod clone;
pub mod dba_login;
pub mod drill;
pub(crate) mod fleet_table;
pub(crate) mod foreign;
pub(crate) mod idempotency_keys;
pub mod logins;
pub(crate) mod post_steps;
pub mod psql_login;
pub mod purge;
mod refusal;
pub mod relocate;
pub(crate) mod scratch;
pub mod spares;
pub(crate) mod sql_login;
pub(crate) mod stamp;
pub(crate) mod version_mark;

use catalog::access::ObjectWrite;
use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::ids::{MembershipId, OrganizationId, UserId};
use catalog::init::SERVER_LOGIN;
use catalog::memberships::{self, MemberRole, NewMembership};
use catalog::organizations::{self, NewOrganization};
use catalog::pg::migrator::{HISTORY_TABLE, MigrateError, Sending};
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::{Queued, Transaction};
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::tenant_schemas::{self, NewTenantSchema};
use catalog::tx::CatalogTx;
use tokio_postgres::Row;

use crate::access_tag;
use crate::members::{self, Member};
use crate::models;
use crate::template::Template;
use crate::tenant_db::quote_literal;

pub use refusal::Refusal;
pub use stamp::stamp;

/// Why a tenant could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The catalog refused: the slug is taken or reserved, the parent cannot have such a child, …
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A migration of the template did not work.
    #[error("the template could not be applied")]
    Template(#[from] MigrateError),
    /// The schema is missing, or its comment says that it belongs to somebody else.
    #[error("schema {schema} is missing or does not bear the stamp of organization {organization}")]
    Stamp {
        /// The schema the catalog names.
        schema: SchemaName,
        /// The organization it should belong to.
        organization: OrganizationId,
    },
    /// It cannot be done with the tenant as it stands.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// PostgreSQL refused a statement of ours.
    #[error(transparent)]
    Database(#[from] PgError),
}

impl LifecycleError {
    /// What PostgreSQL or the connection to it said, where that is why.
    pub fn pg(&self) -> Option<&PgError> {
        match self {
            Self::Template(error) => error.pg(),
            Self::Database(error) | Self::Catalog(CatalogError::Database(error)) => Some(error),
            Self::Catalog(_) | Self::Stamp { .. } | Self::Refused(_) => None,
        }
    }

    /// The whole story in one line, for an operator: what was attempted, SQLSTATE, the server's message.
    pub fn explain(&self) -> String {
        self.explain_by(PgError::explain)
    }

    /// The same without anything that could be a value of a tenant's row, for what is kept or read by others.
    pub fn explain_discreetly(&self) -> String {
        self.explain_by(PgError::explain_discreetly)
    }

    fn explain_by(&self, explain: impl Fn(&PgError) -> String) -> String {
        match self {
            Self::Template(error) => match error.pg() {
                Some(pg) => format!("{self}: {error}: {}", explain(pg)),
                None => format!("{self}: {error}"),
            },
            Self::Database(error) | Self::Catalog(CatalogError::Database(error)) => explain(error),
            Self::Catalog(_) | Self::Stamp { .. } | Self::Refused(_) => self.to_string(),
        }
    }
}

/// Who will own the tenant: a user, as the catalog knows them.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The user's id.
    pub user: UserId,
    /// How the tenant's rows will call them.
    pub display_name: String,
    /// Their address.
    pub email: String,
}

/// A tenant that was just made.
#[derive(Debug, Clone)]
pub struct Provisioned {
    /// The organization.
    pub organization: OrganizationId,
    /// Its schema.
    pub schema: SchemaName,
    /// The version of the template it has.
    pub template_version: i32,
    /// The owner's membership.
    pub owner: MembershipId,
}

/// Makes an organization that is a tenant, whole, within `tx`; the caller commits.
///
/// Two that want the same slug at once: the second waits for the first and then fails with
/// [`CatalogError::SlugTaken`].
pub async fn provision(
    tx: &mut CatalogTx,
    template: &Template,
    new: &NewOrganization,
    owner: &Owner,
    actor: &Actor,
    source: &Source,
) -> Result<Provisioned, LifecycleError> {
    let version = template.latest();
    let claimed = claim_tenant(tx, template, new, source).await?;
    let (organization, schema) = if let Some(claimed) = claimed {
        claimed
    } else {
        let (organization, schema) = create_tenant(tx, template, version, new, source).await?;
        let whole = post_steps::Which::All;
        post_steps::make_for(tx, template, (organization, &schema), version, whole, source).await?;
        (organization, schema)
    };
    let membership = NewMembership {
        organization,
        user: owner.user,
        role: MemberRole::Admin,
        is_owner: true,
    };
    let membership = memberships::insert(tx, &membership, source).await?;
    members::mirror(
        tx,
        &schema,
        &Member::of(&membership, &owner.display_name, &owner.email),
    )
    .await?;
    let event = AuditEvent::TenantProvisioned {
        slug: new.slug.clone(),
        schema: schema.clone(),
        template_version: version,
    };
    audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;

    Ok(Provisioned {
        organization,
        schema,
        template_version: version,
        owner: membership.id,
    })
}

/// The organization's row, with a spare schema if there is one; no owner yet.
async fn claim_tenant(
    tx: &mut CatalogTx,
    template: &Template,
    new: &NewOrganization,
    source: &Source,
) -> Result<Option<(OrganizationId, SchemaName)>, LifecycleError> {
    let Some(spare) = spares::claim(tx, template).await? else {
        return Ok(None);
    };
    let organization = organizations::insert_as(tx, spare.organization, new, source)
        .await?
        .id;
    let row = NewTenantSchema {
        organization,
        schema: spare.schema.clone(),
        template_version: spare.template_version,
    };
    tenant_schemas::insert(tx, &row, source.now()).await?;
    let made = spares::made_with(&spare, template);
    post_steps::note(tx, template, organization, &made, source).await?;
    Ok(Some((organization, spare.schema)))
}

/// The organization's row and its schema with all that the migrations make of a version; no owner yet.
async fn create_tenant(
    tx: &mut CatalogTx,
    template: &Template,
    version: i32,
    new: &NewOrganization,
    source: &Source,
) -> Result<(OrganizationId, SchemaName), LifecycleError> {
    let organization = organizations::insert(tx, new, source).await?.id;
    let schema = SchemaName::from_opaque(source.uuid());
    create_tables(tx, template, version, organization, &schema, source).await?;
    let row = NewTenantSchema {
        organization,
        schema: schema.clone(),
        template_version: version,
    };
    tenant_schemas::insert(tx, &row, source.now()).await?;
    Ok((organization, schema))
}

/// The schema of an organization with all that the migrations make of a version; `search_path` is on it afterwards.
/// [`post_steps::make`] does the rest.
pub(crate) async fn create_tables(
    tx: &mut CatalogTx,
    template: &Template,
    version: i32,
    organization: OrganizationId,
    schema: &SchemaName,
    source: &Source,
) -> Result<(), LifecycleError> {
    create_schema(tx.transaction(), schema, organization).await?;
    tx.transaction().touch(schema.as_str());
    template.create(tx.transaction(), schema, version).await?;
    idempotency_keys::create(tx.transaction(), schema, version).await?;
    grant(tx.transaction(), schema).await?;
    Ok(models::record(tx, template, version, source).await?)
}

/// Brings a schema that [`create_tables`] has made in this transaction from its version to the latest.
pub(crate) async fn upgrade(
    tx: &mut CatalogTx,
    template: &Template,
    schema: &SchemaName,
    version: i32,
    source: &Source,
) -> Result<(), LifecycleError> {
    if version == template.latest() {
        return Ok(());
    }
    let migrations = template.migrations();
    migrations
        .apply(tx.transaction(), schema.as_str(), Sending::FileByFile)
        .await?;
    let mark = version_mark::of(version);
    version_mark::settle(tx.transaction(), schema, Some(&mark), template.latest()).await?;
    grant(tx.transaction(), schema).await?;
    Ok(models::record(tx, template, template.latest(), source).await?)
}

/// Where the database has Citus 12 or newer, the schema is one that Citus distributes, and its tables are made one after
/// the other. Elsewhere it is nothing.
const DISTRIBUTED: &str = "\
    select pg_catalog.set_config('citus.enable_schema_based_sharding', 'on', true), \
      pg_catalog.set_config('citus.multi_shard_modify_mode', 'sequential', true) \
    from pg_catalog.pg_extension e \
    where e.extname = 'citus' and pg_catalog.split_part(e.extversion, '.', 1)::integer >= 12";

/// The schema, stamped with whose it is, and its two roles, which the server's login may assume; `search_path` is
/// on the schema afterwards.
async fn create_schema(
    tx: &mut Transaction,
    schema: &SchemaName,
    organization: OrganizationId,
) -> Result<(), PgError> {
    let (rw, ro, path) = (
        schema.read_write_role(),
        schema.read_only_role(),
        schema.search_path(),
    );
    let stamp = quote_literal(&stamp(organization));
    tracing::debug!(%schema, %organization, "creating the tenant schema");
    tx.batch(&format!(
        "{DISTRIBUTED}; create schema {schema};
         comment on schema {schema} is {stamp};
         create role {rw} nologin noinherit;
         comment on role {rw} is 'tenantry: may read and write {schema}';
         create role {ro} nologin noinherit;
         comment on role {ro} is 'tenantry: may read {schema}';
         grant {rw}, {ro} to {SERVER_LOGIN};
         grant usage on schema {schema} to {rw}, {ro};
         set local search_path = {path}"
    ))
    .await
}

/// Gives both roles what the template says, and takes everything else away: both read every table, `_rw` writes those
/// whose access tag lets anybody write. A later version of the template may have tightened a table. What a DBA made in
/// the schema under another login is that login's to grant.
///
/// Relations whose rights are as they should be are left alone: to write the rights of a whole schema anew takes longer
/// than most migrations.
pub(crate) async fn grant(tx: &mut Transaction, schema: &SchemaName) -> Result<(), PgError> {
    let grants = grants(tx, schema).await?;
    if grants.is_empty() {
        return Ok(());
    }
    tx.batch(&grants).await
}

/// The statements for that; none where all rights are as they should be.
pub(crate) async fn grants(tx: &mut Transaction, schema: &SchemaName) -> Result<String, PgError> {
    let queued = relations_later(schema);
    let rows = tx.rows(queued.sql, &queued.params()).await?;
    Ok(grants_of(&rows, schema))
}

/// Asks for what the statements are made of; [`grants_of`] makes them.
pub(crate) fn relations_later(schema: &SchemaName) -> Queued {
    let own = [HISTORY_TABLE, idempotency_keys::TABLE].map(str::to_owned);
    let roles = [schema.read_write_role(), schema.read_only_role()];
    Queued {
        sql: RELATIONS,
        params: vec![
            Box::new(schema.as_str().to_owned()),
            Box::new(own.to_vec()),
            Box::new(roles.to_vec()),
        ],
    }
}

/// The statements that give both roles the rights that they lack.
pub(crate) fn grants_of(rows: &[Row], schema: &SchemaName) -> String {
    let (rw, ro) = (schema.read_write_role(), schema.read_only_role());
    let (mut readable, mut written, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let kind: &str = row.get("kind");
        let right = rights_by_template(kind, row.get("comment"));
        let acl: &str = row.get("acl");
        let has = [&rw, &ro].map(|role| rights(acl, role));
        if has == right && !row.get::<_, bool>("columns") {
            continue;
        }
        let relation = format!("{schema}.{}", row.get::<_, &str>("quoted"));
        if kind == "S" {
            sequences.push(relation);
        } else {
            written.extend((right[0] == Some(WRITTEN)).then(|| relation.clone()));
            readable.push(relation);
        }
    }
    let mut statements = Vec::new();
    if !readable.is_empty() {
        let tables = readable.join(", ");
        statements.push(format!("revoke all on {tables} from {rw}, {ro}"));
        statements.push(format!("grant select on {tables} to {rw}, {ro}"));
    }
    if !written.is_empty() {
        let tables = written.join(", ");
        statements.push(format!("grant insert, update, delete on {tables} to {rw}"));
    }
    if !sequences.is_empty() {
        let sequences = sequences.join(", ");
        statements.push(format!("revoke all on sequence {sequences} from {rw}, {ro}"));
        statements.push(format!("grant usage on sequence {sequences} to {rw}"));
    }
    statements.join(";\n")
}

/// To insert, select, update and delete (PostgreSQL documentation, section 5.8).
const WRITTEN: &str = "arwd";

/// What the read-write and the read-only role may do with a relation of this kind and comment, abbreviated as in access
/// control lists.
pub(crate) fn rights_by_template(kind: &str, comment: Option<&str>) -> [Option<&'static str>; 2] {
    let (_, access) = access_tag::take(comment);
    let is_written = matches!(kind, "r" | "p" | "v") && access.write != ObjectWrite::Nobody;
    match kind {
        // Usage.
        "S" => [Some("U"), None],
        _ if is_written => [Some(WRITTEN), Some("r")],
        _ => [Some("r"), Some("r")],
    }
}

/// What an access control list grants to a role of ours, whose name needs no quotes.
pub(crate) fn rights<'a>(acl: &'a str, role: &str) -> Option<&'a str> {
    let entries = acl.trim_matches(['{', '}']).split(',');
    let mut own = entries.filter_map(|entry| entry.strip_prefix(role)?.strip_prefix('='));
    own.next()?.split('/').next()
}

// The relations of a schema are found by what depends on it: there is no index on `relnamespace` alone, and to look
// through those of all tenants would make each tenant cost more the more there are.
//
// A right on a column is found by whom it was given to, since the tenant's columns are many and such rights are none.
pub(crate) const RELATIONS: &str = "\
select pg_catalog.quote_ident(c.relname) as quoted, c.relkind::text as kind, d.description as comment,
       coalesce(c.relacl::text, '') as acl,
       c.oid = any (array(
         select s.objid from pg_catalog.pg_roles r
           join pg_catalog.pg_shdepend s on s.refclassid = 'pg_catalog.pg_authid'::regclass and s.refobjid = r.oid
          where r.rolname = any($3::text[]) and s.classid = 'pg_catalog.pg_class'::regclass and s.objsubid > 0
            and s.dbid = (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())))
         as columns
  from pg_catalog.pg_depend i
  join pg_catalog.pg_class c on c.oid = i.objid
  left join pg_catalog.pg_description d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
   and c.relname <> all($2::text[])
   and pg_catalog.pg_has_role(c.relowner, 'usage')
 order by c.relname";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_off_an_access_control_list() {
        let acl = "{\"o,w\"=arwdDxt/\"o,w\",t_1_rw=arwd/owner,t_1_ro=r/owner}";
        assert_eq!(rights(acl, "t_1_rw"), Some("arwd"));
        assert_eq!(rights(acl, "t_1_ro"), Some("r"));
        assert_eq!(rights(acl, "t_2_ro"), None);
        assert_eq!(rights("", "t_1_ro"), None);
        assert_eq!(
            rights("{t_1_ro=r*/owner}", "t_1_ro"),
            Some("r*"),
            "may grant it on"
        );
    }
}
