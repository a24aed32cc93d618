//! `tenantry sql`: one statement in many tenants, one result.

mod json;
mod printer;
mod text;

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use catalog::pg::pool::PoolSettings;
use catalog::selection::Selection;
use catalog::tenant_schemas::TenantSchema;
use catalog::tx::CatalogDb;
use tenant_schema::fleet_sql::{
    Access, Column, Event, FleetSql, FleetTable, FleetTableError, Logins, Query, Row, Settings, Summary,
    TenantFailure,
};

use self::printer::Printer;
use crate::cli::{SqlArgs, SqlFormat};
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::signals::Stop;

/// `text`: the type of the column `tenant` (PostgreSQL's `pg_type.dat`).
const TEXT: u32 = 25;

/// Prints rows as they come, failures at the end; the exit status is 1 if a tenant failed.
pub(super) async fn run(args: &SqlArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let query = read(args)?;
    let then = args.then.as_deref().map(parse).transpose()?;
    let selection = args.selection.given().ok_or_else(|| {
        Problem::refused(
            "it is not said in which tenants",
            "add --all, --only SLUG,… or --where CONDITION",
        )
    })?;
    let tenants = tenants(&selection, operator)
        .await
        .context("could not find the tenants")?;
    check_write(args, &tenants)?;
    let mut printer = Printer::new(format(args, operator), operator.output);
    if tenants.is_empty() {
        operator
            .output
            .progress(format_args!("no tenant matches {selection}"));
        printer.begin(Vec::new())?;
        printer.end(&[], Summary::default())?;
        return Ok(ExitStatus::Done);
    }
    let db = connections(args, operator);
    let fleet = fleet(args, operator, &db);
    let logins = fleet.logins(tenants.len(), &selection, &query).await;
    let logins = logins.context("could not make logins for the statement")?;
    let work = Box::pin(ask(
        &fleet,
        &logins,
        &tenants,
        &query,
        then.as_ref(),
        &mut printer,
    ));
    let asked = interruptible(work).await;
    if let Err(error) = fleet.remove(logins).await {
        let why = failure::explain(&error.into()).0.message;
        operator.output.progress(format_args!(
            "a login could not be removed, and is worthless in twelve hours: {why}"
        ));
    }
    let (failures, summary) = asked?;
    printer.end(&failures, summary)?;
    Ok(if summary.failed + summary.skipped == 0 {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

fn read(args: &SqlArgs) -> anyhow::Result<Query> {
    let text = match (&args.statement, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) if path.as_os_str() == "-" => {
            std::io::read_to_string(std::io::stdin()).context("could not read standard input")?
        }
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|error| {
            let why = format!("could not read {}: {error}", path.display());
            Problem::refused(why, "name a text file (UTF-8) with one statement")
        })?,
        (None, None) => String::new(),
    };
    parse(&text)
}

fn parse(text: &str) -> anyhow::Result<Query> {
    Query::parse(text).map_err(|error| {
        let next = "give one statement, such as 'select count(*) from contacts'";
        Problem::refused(error.to_string(), next).into()
    })
}

async fn tenants(selection: &Selection, operator: &Operator) -> anyhow::Result<Vec<TenantSchema>> {
    let mut tx = operator.db.begin().await?;
    let tenants = selection.tenants(&mut tx).await?;
    tx.rollback().await?;
    Ok(tenants)
}

/// What writes in several tenants is said twice.
fn check_write(args: &SqlArgs, tenants: &[TenantSchema]) -> anyhow::Result<()> {
    if args.write && !args.dry_run && !args.yes && tenants.len() > 1 {
        let why = format!("this would write in {} tenants", tenants.len());
        return Err(Problem::refused(why, "add --yes, or see with --dry-run what it would do").into());
    }
    Ok(())
}

fn format(args: &SqlArgs, operator: &Operator) -> SqlFormat {
    if operator.output.is_json() {
        SqlFormat::Json
    } else {
        args.format
    }
}

/// One connection per job, and one to spare.
fn connections(args: &SqlArgs, operator: &Operator) -> CatalogDb {
    let settings = PoolSettings {
        size: args.jobs.get() + 1,
        wait: Duration::from_secs(30),
        create: Duration::from_secs(30),
        ..PoolSettings::default()
    };
    CatalogDb::new(operator.database.clone(), settings)
}

fn fleet<'a>(args: &SqlArgs, operator: &'a Operator, db: &'a CatalogDb) -> FleetSql<'a> {
    let access = match (args.write, args.dry_run) {
        (true, true) => Access::Rehearse,
        (true, false) => Access::Write,
        (false, _) => Access::Read,
    };
    FleetSql {
        db,
        config: &operator.database,
        actor: &operator.actor,
        source: &operator.source,
        settings: Settings {
            jobs: args.jobs,
            timeout: args.timeout.0,
            access,
            max_failures: args.max_failures,
        },
    }
}

/// Ctrl-C ends it; what was written in tenants that had their turn is written.
async fn interruptible<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut signals = Stop::listen()?;
    let work = std::pin::pin!(work);
    tokio::select! {
        done = work => done,
        () = signals.next() => Err(Problem::refused(
            "ended by hand; the tenants that were at work are as they were",
            "run it again; with --write, what was done in other tenants is done",
        )
        .into()),
    }
}

async fn ask(
    fleet: &FleetSql<'_>,
    logins: &Logins,
    tenants: &[TenantSchema],
    query: &Query,
    then: Option<&Query>,
    printer: &mut Printer,
) -> anyhow::Result<(Vec<TenantFailure>, Summary)> {
    let described = fleet.describe(logins, tenants, query).await.map_err(|error| {
        let why = format!("the statement cannot be run in any tenant: {error}");
        Problem::refused(
            why,
            "mend the statement; `tenantry psql` on one tenant helps to try it",
        )
    })?;
    let mut table = None;
    if then.is_some() {
        let made = fleet.table(logins, &described.columns).await;
        table = Some(made.map_err(|error| refused(&error))?);
    } else {
        let tenant = Column {
            name: "tenant".to_owned(),
            type_oid: TEXT,
        };
        let columns = std::iter::once(tenant).chain(described.columns.iter().cloned());
        printer.begin(columns.collect())?;
    }
    let mut failures = Vec::new();
    let mut trouble = None;
    let report = async |event: Event<'_>| {
        let taken = match event {
            Event::Failed(failure) => {
                failures.push(failure);
                Ok(())
            }
            Event::Rows(slug, rows) => match &mut table {
                Some(table) => table.add(slug, &rows).await.map_err(|error| refused(&error)),
                None => printer.rows(&with_tenant(slug.as_str(), rows)),
            },
        };
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                trouble = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let summary = fleet.run(logins, tenants, query, &described, report).await;
    if let Some(error) = trouble {
        return Err(error);
    }
    if let (Some(table), Some(then)) = (table, then) {
        ask_all(table, then, printer).await?;
    }
    Ok((failures, summary))
}

/// Asks the table of all results.
async fn ask_all(mut table: FleetTable, then: &Query, printer: &mut Printer) -> anyhow::Result<()> {
    printer.begin(table.ask(then).await.map_err(|error| refused(&error))?)?;
    loop {
        let rows = table.next().await.map_err(|error| refused(&error))?;
        if rows.is_empty() {
            return Ok(());
        }
        printer.rows(&rows)?;
    }
}

/// What is wrong with the statement of `--then`.
fn refused(error: &FleetTableError) -> anyhow::Error {
    let why = match error {
        FleetTableError::Database(beneath) => beneath.explain(),
        other => other.to_string(),
    };
    let next = "it is asked of a table fleet: a column tenant, then those of the first statement";
    let why = format!("could not run the statement of --then: {why}");
    Problem::refused(why, next).into()
}

fn with_tenant(slug: &str, rows: Vec<Row>) -> Vec<Row> {
    let with = |row: Row| std::iter::once(Some(slug.to_owned())).chain(row).collect();
    rows.into_iter().map(with).collect()
}
