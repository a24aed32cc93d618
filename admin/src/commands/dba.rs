//! `tenantry dba …`: people's own logins to tenants.

use anyhow::Context as _;
use catalog::dba_grants::{self, DbaGrant, GrantReach};
use catalog::organizations::{Organization, OrganizationStatus};
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tenant_schema::lifecycle::dba_login;

use crate::accounts;
use crate::cli::{DbaCommand, DbaGrantArgs, DbaRevokeArgs};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Granted {
    role: String,
    slug: String,
    reach: GrantReach,
    /// `false` if it was so already.
    changed: bool,
    created: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

#[derive(Serialize)]
struct Revoked {
    role: String,
    slugs: Vec<String>,
    /// Sessions of the role that are open.
    sessions: i64,
}

#[derive(Serialize)]
struct Listed {
    role: String,
    slug: String,
    reach: GrantReach,
    granted_by: String,
    granted_at: DateTime<Utc>,
    broken: bool,
}

/// Runs one command.
pub(super) async fn run(command: DbaCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        DbaCommand::Grant(args) => grant(&args, operator).await,
        DbaCommand::Revoke(args) => revoke(&args, operator).await,
        DbaCommand::List => list(operator).await,
    }
}

async fn grant(args: &DbaGrantArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let DbaGrantArgs { role, slug, .. } = args;
    let given = args
        .password_stdin
        .then(accounts::secret_from_stdin)
        .transpose()?;
    let given = given.map(SecretString::from);
    let document = enter(args, given, operator)
        .await
        .with_context(|| format!("could not grant {slug} to {role}"))?;
    operator.output.document(&document, |granted| {
        let Granted {
            role, slug, reach, ..
        } = granted;
        let what = match reach {
            GrantReach::ReadWrite => "read and write",
            GrantReach::ReadOnly => "read",
        };
        let mut text = if granted.changed {
            format!("{role} may {what} {slug}: select catalog.use_tenant('{slug}')")
        } else {
            format!("{role} may {what} {slug} already, and nothing was changed")
        };
        if granted.created {
            text.push_str("\ncreated the login");
        }
        if let Some(password) = &granted.password {
            text.push_str("\npassword, shown only now: ");
            text.push_str(password);
        }
        text
    })?;
    Ok(ExitStatus::Done)
}

async fn enter(
    args: &DbaGrantArgs,
    given: Option<SecretString>,
    operator: &Operator,
) -> anyhow::Result<Granted> {
    let DbaGrantArgs { role, slug, .. } = args;
    let (actor, source) = (&operator.actor, &operator.source);
    let mut tx = operator.db.begin().await?;
    let tenant = present(&mut tx, slug, operator).await?;
    let mut invented = None;
    match dba_grants::unfit(&mut tx, role).await? {
        Some(dba_grants::Unfit::Missing) if args.create => {
            let is_given = given.is_some();
            let password = dba_login::create(&mut tx, role, given, source)
                .await
                .context("could not make the login")?;
            invented = (!is_given).then_some(password);
        }
        Some(unfit) => return Err(Problem::refused(unfit.to_string(), unfit.advice()).into()),
        None if args.create => {
            let why = format!("there is a role {role} already");
            return Err(Problem::refused(why, "leave out --create, or choose another name").into());
        }
        None => {}
    }
    let reach = if args.read_only {
        GrantReach::ReadOnly
    } else {
        GrantReach::ReadWrite
    };
    let changed = dba_grants::grant(&mut tx, tenant.id, role, reach, actor, source).await?;
    tx.commit().await?;
    Ok(Granted {
        role: role.clone(),
        slug: slug.to_string(),
        reach,
        changed,
        created: args.create,
        password: invented.map(|password| password.expose_secret().to_owned()),
    })
}

/// The tenant, locked, if it was not dropped.
async fn present(tx: &mut CatalogTx, slug: &Slug, operator: &Operator) -> anyhow::Result<Organization> {
    let tenant = operator.lock_home(tx, slug).await?;
    if tenant.status == OrganizationStatus::Cancelled {
        let next = format!("`tenantry tenant undrop {slug}` brings it back");
        return Err(Problem::refused("the tenant was dropped", next).into());
    }
    Ok(tenant)
}

async fn revoke(args: &DbaRevokeArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let role = &args.role;
    let document = take_back(args, operator)
        .await
        .with_context(|| format!("could not take tenants back from {role}"))?;
    operator.output.document(&document, |revoked| {
        let slugs = revoked.slugs.join(", ");
        let mut text = format!("{role} may not open {slugs} any more");
        if revoked.sessions > 0 {
            let open = format!(
                "\n{} of its sessions are open and keep what they have until they end",
                revoked.sessions
            );
            text.push_str(&open);
        }
        text
    })?;
    Ok(ExitStatus::Done)
}

async fn take_back(args: &DbaRevokeArgs, operator: &Operator) -> anyhow::Result<Revoked> {
    let role = &args.role;
    let mut tx = operator.db.begin().await?;
    let grants = dba_grants::list(&mut tx).await?;
    let is_meant =
        |grant: &&DbaGrant| grant.role == *role && args.slug.as_ref().is_none_or(|slug| grant.slug == *slug);
    let meant: Vec<&DbaGrant> = grants.iter().filter(is_meant).collect();
    if meant.is_empty() {
        let why = format!("{role} was not granted it");
        return Err(Problem::refused(why, "`tenantry dba list` shows the grants").into());
    }
    for grant in &meant {
        let tenant = operator.lock_tenant(&mut tx, &grant.slug).await?;
        dba_grants::revoke(&mut tx, tenant.id, role, &operator.actor, &operator.source).await?;
    }
    let sessions = dba_grants::sessions(&mut tx, role).await?;
    tx.commit().await?;
    Ok(Revoked {
        role: role.clone(),
        slugs: meant.iter().map(|grant| grant.slug.to_string()).collect(),
        sessions,
    })
}

async fn list(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let grants = dba_grants::list(&mut tx)
        .await
        .context("could not list the grants")?;
    tx.rollback().await?;
    let documents: Vec<Listed> = grants.into_iter().map(listed).collect();
    operator.output.document(&documents, |documents| {
        if documents.is_empty() {
            return "no role was granted a tenant; `tenantry dba grant --help` shows how".to_owned();
        }
        let header = ["ROLE", "TENANT", "REACH", "STATE", "BY", "SINCE"];
        output::table(header, documents.iter().map(row))
    })?;
    Ok(ExitStatus::Done)
}

fn listed(grant: DbaGrant) -> Listed {
    Listed {
        role: grant.role,
        slug: grant.slug.to_string(),
        reach: grant.reach,
        granted_by: grant.granted_by,
        granted_at: grant.granted_at,
        broken: !grant.is_member,
    }
}

fn row(listed: &Listed) -> [String; 6] {
    [
        listed.role.clone(),
        listed.slug.clone(),
        listed.reach.to_string(),
        if listed.broken { "broken" } else { "granted" }.to_owned(),
        listed.granted_by.clone(),
        output::instant(listed.granted_at),
    ]
}
