//! `tenantry migrate`: the catalog, then every tenant that is behind.

mod dry_run;
mod plan;
mod post_steps;
mod progress;
pub(super) mod status;

use std::time::Duration;

use anyhow::Context as _;
use catalog::init;
use catalog::pg::pool::PoolSettings;
use catalog::selection::Selection;
use catalog::tenant_schemas::TenantSchema;
use catalog::tx::CatalogDb;
use serde::Serialize;
use tenant_schema::fleet::{self, Ended, Event, Fleet, FleetError, Migrated, Plan, Stopped, Stopper};
use tenant_schema::lifecycle::spares;

use self::post_steps::PostStep;
use self::progress::Progress;
use crate::cli::{MigrateArgs, MigrateSubject};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::signals::Stop;

#[derive(Serialize)]
struct Migration {
    catalog: Catalog,
    template_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    tenants: Vec<Tenant>,
    pinned: Vec<Pinned>,
    post_steps: Vec<PostStep>,
    /// How many spare schemas were replaced.
    spares: usize,
}

#[derive(Serialize)]
struct Catalog {
    version: i32,
    applied: Vec<i32>,
}

#[derive(Serialize)]
struct Tenant {
    slug: String,
    from: i32,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
}

/// A tenant that is kept where it is.
#[derive(Serialize)]
struct Pinned {
    slug: String,
    version: i32,
}

/// Prints a line per tenant while it works; the exit status is 1 if any tenant could not be migrated.
pub(super) async fn run(args: &MigrateArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let version = check_initialized(operator).await.context("could not migrate")?;
    if args.plan || args.dry_run || args.post_steps {
        check_current(version)?;
    }
    let db = connections(args, operator);
    let fleet = fleet(args, operator, &db);
    if args.plan {
        let plan = planned(args, operator, &fleet).await?;
        return plan::run(args, &plan, &fleet, operator).await;
    }
    if args.dry_run {
        let plan = planned(args, operator, &fleet).await?;
        return dry_run::run(&plan, &fleet, operator).await;
    }
    if version == init::latest() {
        // An older catalog may not know all that conditions are about: then this is found out after it is migrated.
        chosen(args, operator).await?;
    }
    let catalog = catalog(args, operator, version).await?;
    let mut document = Migration {
        catalog,
        template_version: fleet.template.latest(),
        run: None,
        stopped: None,
        tenants: Vec::new(),
        pinned: Vec::new(),
        post_steps: Vec::new(),
        spares: 0,
    };
    let subject = args.subject;
    let is_all = args.selection.or_all().is_all();
    let (mut renewed, mut carried_out) = (Ok(()), Ok(()));
    if subject != Some(MigrateSubject::Catalog) {
        if !args.post_steps {
            migrate_tenants(args, operator, &fleet, &mut document).await?;
            // A version that some tenants could not be brought to may be mended before anybody new gets it.
            let is_whole =
                document.stopped.is_none() && document.tenants.iter().all(|tenant| tenant.error.is_none());
            if is_all && is_whole {
                renewed = renew_spares(&fleet, operator, &mut document).await;
            }
        }
        if !args.no_post_steps && document.stopped.is_none() {
            carried_out = post_steps::run(args, operator, &fleet, &mut document).await;
        }
    }
    operator.output.document(&document, |document| {
        text(document, subject, is_all, args.post_steps)
    })?;
    // The tenants are migrated all the same, and were told.
    renewed.context("could not replace the spare schemas")?;
    carried_out?;
    Ok(if is_well(&document) {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

fn is_well(document: &Migration) -> bool {
    document.stopped.is_none()
        && document.tenants.iter().all(|tenant| tenant.error.is_none())
        && document.post_steps.iter().all(PostStep::is_done)
}

/// The catalog, brought to this program's version unless the tenants alone are asked for, or only what comes behind them.
async fn catalog(args: &MigrateArgs, operator: &Operator, version: i32) -> anyhow::Result<Catalog> {
    if args.subject != Some(MigrateSubject::Tenants) && !args.post_steps {
        return migrate_catalog(operator).await;
    }
    check_current(version)?;
    Ok(Catalog {
        version,
        applied: Vec::new(),
    })
}

/// One connection per job, one that shows that a run is at work, and one to note failures. A post-step has a second one at
/// times, to look how the template makes its index.
fn connections(args: &MigrateArgs, operator: &Operator) -> CatalogDb {
    let settings = PoolSettings {
        size: args.jobs.get().max(2 * args.post_step_jobs.get()) + 2,
        create: Duration::from_secs(30),
        ..PoolSettings::default()
    };
    CatalogDb::new(operator.database.clone(), settings)
}

fn fleet<'a>(args: &MigrateArgs, operator: &'a Operator, db: &'a CatalogDb) -> Fleet<'a> {
    Fleet {
        db,
        template: &operator.config.template,
        actor: &operator.actor,
        source: &operator.source,
        settings: fleet::Settings {
            jobs: args.jobs,
            waves: args.wave.clone().unwrap_or_default(),
            pause: args.pause(),
            max_failures: args.max_failures,
            lock_timeout: args.lock_timeout.0,
            attempts: args.attempts,
            post_step_jobs: args.post_step_jobs,
            post_step_wait: args.post_step_wait.0,
        },
    }
}

async fn check_initialized(operator: &Operator) -> anyhow::Result<i32> {
    let mut tx = operator.db.begin().await?;
    let version = init::version(&mut tx).await?;
    tx.rollback().await?;
    match version {
        Some(version) => Ok(version),
        None => Err(Problem::environment("the database has no catalog", "run `tenantry init` first").into()),
    }
}

/// What only looks, or leaves the catalog alone, needs this program's catalog.
fn check_current(version: i32) -> anyhow::Result<()> {
    let own = init::latest();
    if version >= own {
        return Ok(());
    }
    let why = format!("the catalog is at version {version}, and this program needs version {own}");
    Err(Problem::refused(why, "run `tenantry migrate catalog` first").into())
}

async fn migrate_catalog(operator: &Operator) -> anyhow::Result<Catalog> {
    let done = init::init(&operator.db, None)
        .await
        .context("could not migrate the catalog")?;
    operator
        .output
        .progress(format_args!("catalog: version {}", done.version));
    Ok(Catalog {
        version: done.version,
        applied: done.applied,
    })
}

/// What there is to do, for the tenants that were named or for all.
async fn planned(args: &MigrateArgs, operator: &Operator, fleet: &Fleet<'_>) -> anyhow::Result<Plan> {
    let plan = fleet
        .plan()
        .await
        .context("could not find the tenants that are behind")?;
    let chosen = chosen(args, operator).await?;
    Ok(match chosen {
        None => plan,
        Some((selection, tenants)) => {
            if tenants.is_empty() {
                operator
                    .output
                    .progress(format_args!("no tenant matches {selection}"));
            }
            plan.only(&selection, &tenants)
        }
    })
}

/// The tenants that were chosen, unless these are all.
async fn chosen(
    args: &MigrateArgs,
    operator: &Operator,
) -> anyhow::Result<Option<(Selection, Vec<TenantSchema>)>> {
    let selection = args.selection.or_all();
    if selection.is_all() {
        return Ok(None);
    }
    let mut tx = operator.db.begin().await?;
    let tenants = selection.tenants(&mut tx).await?;
    tx.rollback().await?;
    Ok(Some((selection, tenants)))
}

async fn migrate_tenants(
    args: &MigrateArgs,
    operator: &Operator,
    fleet: &Fleet<'_>,
    document: &mut Migration,
) -> anyhow::Result<()> {
    let plan = if args.resume {
        None
    } else {
        Some(planned(args, operator, fleet).await?)
    };
    let (stopper, signal) = Stopper::new();
    let mut progress = Progress::new(operator.output);
    let report = |event| {
        progress.tell(&event);
        if let Event::Tenant(migrated) = event {
            document.tenants.push(tenant(migrated));
        }
    };
    // Boxed: it is large, and awaited in several places.
    let work = Box::pin(async {
        match &plan {
            Some(plan) => fleet.migrate(plan, &signal, report).await,
            None => fleet.resume(&signal, report).await,
        }
    });
    let ended = interruptible(work, &stopper, operator).await?;
    let Ended { run, stopped } = ended.map_err(explained)?;
    document.run = run.map(|run| run.to_string());
    document.stopped = stopped.map(why);
    let pinned = plan.into_iter().flat_map(|plan| plan.pinned);
    document.pinned = pinned
        .map(|tenant| Pinned {
            slug: tenant.slug.to_string(),
            version: tenant.template_version,
        })
        .collect();
    Ok(())
}

/// The pool follows the fleet: tenants that are made from now on are of the version that all others have.
async fn renew_spares(
    fleet: &Fleet<'_>,
    operator: &Operator,
    document: &mut Migration,
) -> anyhow::Result<()> {
    document.spares = spares::renew(fleet.db, fleet.template, &operator.source).await?;
    Ok(())
}

/// Ctrl-C lets the tenants at work finish; a second one does not.
async fn interruptible<T>(
    mut work: impl Future<Output = Result<T, FleetError>> + Unpin,
    stopper: &Stopper,
    operator: &Operator,
) -> anyhow::Result<Result<T, FleetError>> {
    let mut signals = Stop::listen()?;
    tokio::select! {
        ended = &mut work => return Ok(ended),
        () = signals.next() => {}
    }
    operator
        .output
        .progress("stopping: the tenants at work are finished, no other is begun (again to end at once)");
    stopper.stop();
    tokio::select! {
        ended = &mut work => Ok(ended),
        () = signals.next() => Err(Problem::refused(
            "ended while tenants were at work; these are as they were",
            "run `tenantry migrate --resume`",
        )
        .into()),
    }
}

/// What to do about what kept a run from going on.
fn explained(error: FleetError) -> anyhow::Error {
    let problem = match &error {
        FleetError::Busy { .. } => Problem::refused(
            error.to_string(),
            "wait for it; `tenantry migrate status` shows how far it is",
        ),
        FleetError::NothingToResume => {
            Problem::refused(error.to_string(), "run `tenantry migrate` without --resume")
        }
        FleetError::OtherVersion { .. } => Problem::refused(
            error.to_string(),
            "resume it with the program that began it, or begin a new run without --resume",
        ),
        // What is beneath tells it best.
        FleetError::LockLost(_) | FleetError::Lifecycle(_) => {
            let beneath = match error {
                FleetError::Lifecycle(beneath) => anyhow::Error::from(beneath),
                other => other.into(),
            };
            return beneath.context("could not migrate the tenants");
        }
    };
    anyhow::Error::from(problem).context("could not migrate the tenants")
}

fn why(stopped: Stopped) -> String {
    match stopped {
        Stopped::Failures { wave, failed: 1 } => format!("1 tenant failed in wave {wave}"),
        Stopped::Failures { wave, failed } => format!("{failed} tenants failed in wave {wave}"),
        Stopped::Asked => "by hand".to_owned(),
        Stopped::Untold { tenants } => {
            format!("the catalog could not be told what became of {tenants} tenants")
        }
    }
}

fn tenant(migrated: Migrated) -> Tenant {
    let Migrated {
        slug,
        from,
        attempts,
        outcome,
    } = migrated;
    let mut tenant = Tenant {
        slug: slug.to_string(),
        from,
        attempts,
        to: None,
        error: None,
        sqlstate: None,
        statement: None,
    };
    match outcome {
        Ok(to) => tenant.to = Some(to),
        Err(error) => {
            let told = fleet::failed::discreetly(&error);
            tenant.sqlstate = told.sqlstate;
            tenant.statement = told.statement;
            tenant.error = Some(told.message);
        }
    }
    tenant
}

fn text(
    document: &Migration,
    subject: Option<MigrateSubject>,
    is_all: bool,
    only_post_steps: bool,
) -> String {
    if subject == Some(MigrateSubject::Catalog) {
        return format!("the catalog is at version {}", document.catalog.version);
    }
    if only_post_steps {
        let steps = post_steps::text(&document.post_steps);
        let mut text = steps.unwrap_or_else(|| "no tenant lacks a post-step of the template".to_owned());
        text.push_str(&stopped(document));
        return text;
    }
    let failed: Vec<&Tenant> = document
        .tenants
        .iter()
        .filter(|tenant| tenant.error.is_some())
        .collect();
    let version = document.template_version;
    let reached = |tenant: &&Tenant| tenant.to.is_some_and(|to| to > tenant.from);
    let migrated = document.tenants.iter().filter(reached).count();
    let skipped = document.tenants.len() - failed.len() - migrated;
    let mut text = match (document.tenants.len(), document.pinned.len()) {
        (0, _) if !is_all => format!("none of the chosen tenants can be brought to version {version}"),
        (0, 0) => format!("every tenant is at version {version}"),
        (0, _) => format!("every tenant is at version {version} or pinned"),
        _ => format!(
            "{migrated} migrated to version {version}, {} failed",
            failed.len()
        ),
    };
    if skipped > 0 {
        text.extend([", ", &skipped.to_string(), " had nothing to be done"]);
    }
    match document.spares {
        0 => {}
        1 => text.push_str(", 1 spare schema replaced"),
        spares => text.extend([", ", &spares.to_string(), " spare schemas replaced"]),
    }
    for tenant in document.tenants.iter().filter(reached) {
        if let Some(to) = tenant.to.filter(|to| *to < version) {
            text.extend(["\n  ", &tenant.slug, ": pinned at version ", &to.to_string()]);
        }
    }
    for tenant in &failed {
        let error = tenant.error.as_deref().unwrap_or_default();
        text.extend(["\n  ", &tenant.slug, ": ", error]);
        if let Some(statement) = &tenant.statement {
            text.extend(["\n    ", &shortened(statement)]);
        }
    }
    for Pinned { slug, version } in &document.pinned {
        text.extend(["\n  ", slug, ": pinned at version ", &version.to_string()]);
    }
    if let Some(steps) = post_steps::text(&document.post_steps) {
        text.extend(["\n", &steps]);
    }
    if document.stopped.is_some() {
        text.push_str(&stopped(document));
    } else if !failed.is_empty() {
        text.push_str("\n\nnext: mend what is said above and run `tenantry migrate` again");
    }
    text
}

/// Why it was stopped, if it was, and what goes on with it.
fn stopped(document: &Migration) -> String {
    let Some(why) = &document.stopped else {
        return String::new();
    };
    let goes_on = if why == post_steps::STOPPED {
        "--post-steps"
    } else {
        "--resume"
    };
    format!("\n\nstopped: {why}\nnext: `tenantry migrate {goes_on}` goes on with what is left")
}

/// A statement as one line that is not too long.
fn shortened(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
