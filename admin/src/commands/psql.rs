//! `tenantry psql`: psql on one tenant, under a login made for the session.

use std::collections::BTreeMap;
use std::process::ExitStatus as ProcessStatus;

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::pg::config::PgConfig;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas::TenantSchemaState;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenant_schema::lifecycle::logins;
use tenant_schema::lifecycle::psql_login::{self, PsqlLogin, Reach};

use crate::cli::PsqlArgs;
use crate::client_program::ClientProgram;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;
use crate::signals::Bystander;

#[derive(Serialize)]
struct PsqlAccess {
    role: String,
    password: String,
    valid_until: DateTime<Utc>,
    environment: BTreeMap<&'static str, String>,
}

/// Makes the login, runs psql, removes the login. For machines: makes the login and says what it is.
pub(super) async fn run(args: PsqlArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = &args.slug;
    let reach = if args.read_only {
        Reach::ReadOnly
    } else {
        Reach::ReadWrite
    };
    if let Err(error) = logins::sweep(&operator.db, operator.source.now()).await {
        tracing::debug!(error = error.explain(), "earlier logins were not looked for");
    }
    let login = create(slug, reach, operator)
        .await
        .with_context(|| format!("could not make a login to tenant {slug}"))?;
    let connection = operator
        .database
        .with_login(&login.role.to_string(), login.password.expose_secret());
    let environment = environment(&connection, operator);
    if operator.output.is_json() {
        let document = PsqlAccess {
            role: login.role.to_string(),
            password: login.password.expose_secret().to_owned(),
            valid_until: login.valid_until,
            environment,
        };
        operator.output.document(&document, |_| String::new())?;
        return Ok(ExitStatus::Done);
    }
    let ended = run_psql(&args, environment, operator).await;
    if let Err(error) = psql_login::drop(&operator.db, &login.role).await {
        let (role, until) = (&login.role, output::instant(login.valid_until));
        let why = failure::explain(&error.into()).0.message;
        operator.output.progress(format_args!(
            "login {role} could not be removed, and is good until {until}: {why}"
        ));
    }
    Ok(exit_status(ended?))
}

async fn create(slug: &Slug, reach: Reach, operator: &Operator) -> anyhow::Result<PsqlLogin> {
    let Operator {
        db, source, actor, ..
    } = operator;
    let mut tx = db.begin().await?;
    // Locked, so that a purge which is at work ends before, and one that begins later finds the login.
    let (organization, schema) = operator.lock_schema(&mut tx, slug).await?;
    if matches!(schema.state, TenantSchemaState::Moving | TenantSchemaState::Moved) {
        let next = "`tenantry tenant show` tells where it goes; open it there";
        return Err(Problem::refused("the tenant has moved, or is on its way", next).into());
    }
    if schema.state == TenantSchemaState::Dropped {
        let next = "nothing brings it back; `tenantry tenant purge-dropped --yes` removes what is left";
        return Err(Problem::refused("the tenant is being removed", next).into());
    }
    let login = psql_login::create(&mut tx, &schema.schema, reach, source).await?;
    let event = AuditEvent::TenantOpened {
        login: login.role.to_string(),
    };
    audit::record(
        &mut tx,
        actor,
        Some(organization.id),
        &event,
        &Device::NONE,
        source,
    )
    .await?;
    tx.commit().await?;
    Ok(login)
}

/// What points libpq at the tenant. The actor for the audit log goes with the connection (PGOPTIONS): `alter role …
/// set` of a setting PostgreSQL does not know is for superusers only.
fn environment(connection: &PgConfig, operator: &Operator) -> BTreeMap<&'static str, String> {
    let mut environment: BTreeMap<_, _> = connection.libpq_environment().into_iter().collect();
    environment.insert("PGOPTIONS", format!("-c tenantry.actor={}", operator.actor));
    environment.insert("PGAPPNAME", "tenantry psql".to_owned());
    environment
}

async fn run_psql(
    args: &PsqlArgs,
    environment: BTreeMap<&'static str, String>,
    operator: &Operator,
) -> anyhow::Result<ProcessStatus> {
    let mut bystander = Bystander::begin().context("could not listen for signals")?;
    let program = ClientProgram::find("psql", operator);
    let mut command = program.command();
    // Only a default: the operator's psqlrc is read later and may set another.
    let prompt = format!("PROMPT1={}%R%x%# ", args.slug);
    command
        .envs(environment)
        .arg("--set")
        .arg(prompt)
        .args(&args.arguments);
    let mut child = command.spawn().map_err(|error| program.cannot_run(&error))?;
    let ended = tokio::select! {
        ended = child.wait() => ended,
        () = bystander.terminated() => {
            child.start_kill().context("could not end psql")?;
            child.wait().await
        }
    };
    ended.context("could not wait for psql")
}

/// psql's own status; 2 where a signal ended it, as psql says of a lost connection.
fn exit_status(ended: ProcessStatus) -> ExitStatus {
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitStatus::Failed, ExitStatus::Of)
}
