//! What is said when something does not work: what was attempted, why it failed, what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Write};

use catalog::error::CatalogError;
use catalog::fitness::Unfit;
use catalog::init::InitError;
use catalog::jwks::KeysError;
use catalog::pg::migrator::MigrateError;
use catalog::pg::sqlstate::PgError;
use catalog::selection::SelectionError;
use serde::Serialize;
use tenant_schema::container::ContainerError;
use tenant_schema::lifecycle::LifecycleError;

use crate::exit::ExitStatus;
use crate::output::{Closed, Output};

/// Something a command itself finds wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    status: ExitStatus,
    why: String,
    next: String,
}

impl Problem {
    /// It cannot be done as asked.
    pub(crate) fn refused(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            status: ExitStatus::Refused,
            why: why.into(),
            next: next.into(),
        }
    }

    /// The environment does not allow it.
    pub(crate) fn environment(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            status: ExitStatus::Failed,
            why: why.into(),
            next: next.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl StdError for Problem {}

/// A failure as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// What was attempted and why it failed, in one sentence.
    pub(crate) message: String,
    /// PostgreSQL's code for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sqlstate: Option<String>,
    /// What to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// The exit status.
    pub(crate) status: u8,
}

/// Tells a failure on standard error and gives the exit status it means.
pub(crate) fn report(error: &anyhow::Error, output: Output) -> ExitStatus {
    if error.downcast_ref::<Closed>().is_some() {
        return ExitStatus::Done;
    }
    let (failure, status) = explain(error);
    tell(&failure, output);
    status
}

/// Tells what is wrong with the command line: it cannot be done as asked. Help and version come this way too, and are
/// no failure.
pub(crate) fn report_usage(said: &clap::Error, output: Output) -> ExitStatus {
    let is_failure = said.use_stderr();
    if is_failure && output.is_json() {
        let text = said.render().to_string();
        let message = text.split("\n\n").next().unwrap_or(&text).trim_end();
        let failure = Failure {
            message: message.strip_prefix("error: ").unwrap_or(message).to_owned(),
            sqlstate: None,
            next: Some("add --help to the command to see what it takes".to_owned()),
            status: ExitStatus::Refused.code(),
        };
        tell(&failure, output);
    } else {
        // Nobody is left to tell if this does not work.
        let _unread = said.print();
    }
    if is_failure {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    }
}

fn tell(failure: &Failure, output: Output) {
    let mut stderr = io::stderr().lock();
    // If standard error cannot be written either, the exit status has to say it.
    let _unread = if output.is_json() {
        let json = serde_json::json!({ "error": failure });
        writeln!(stderr, "{json}")
    } else {
        let next = failure
            .next
            .as_ref()
            .map(|next| format!("\n  next: {next}"))
            .unwrap_or_default();
        writeln!(stderr, "error: {}{next}", failure.message)
    };
}

/// A failure of a container's, told like all others.
pub(crate) fn of_container(error: ContainerError) -> anyhow::Error {
    match (error.advice(), error) {
        (Some(next), error) => Problem::refused(error.to_string(), next).into(),
        (None, ContainerError::Lifecycle(error)) => error.into(),
        (None, error) => {
            let source = error
                .source()
                .map(|source| format!(": {source}"))
                .unwrap_or_default();
            let next = "look at the file, its folder and the room on the disk";
            Problem::environment(format!("{error}{source}"), next).into()
        }
    }
}

/// What to do when files do not fit what was made of them.
const CHANGED_FILES: &str = "name the template that the tenants were made of (--template), or give its files back as they were and put \
    what is new into a file of its own; a demo begins anew with another --data DIR";

/// Puts a failure into words.
pub(crate) fn explain(error: &anyhow::Error) -> (Failure, ExitStatus) {
    let mut sentence: Vec<String> = Vec::new();
    let mut sqlstate = None;
    let mut next = None;
    let mut status = ExitStatus::Failed;
    for cause in error.chain() {
        let pg = pg_beneath(cause);
        let text = pg.map_or_else(|| cause.to_string(), PgError::explain);
        if sentence.last() != Some(&text) {
            sentence.push(text);
        }
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            status = problem.status;
            next = Some(problem.next.clone());
        }
        if let Some(refusal) = catalog_beneath(cause).filter(|refusal| is_refusal(refusal)) {
            status = ExitStatus::Refused;
            next = advice(refusal).map(str::to_owned);
        }
        if let Some(advised) = cause.downcast_ref().and_then(selection_advice) {
            status = ExitStatus::Refused;
            next = Some(advised);
        }
        if let Some(LifecycleError::Refused(refusal)) = cause.downcast_ref() {
            status = ExitStatus::Refused;
            next = Some(refusal.advice().to_owned());
        }
        if let Some(advised) = cause.downcast_ref::<KeysError>().and_then(keys_advice) {
            next = Some(advised.to_owned());
        }
        if let Some(MigrateError::History(_)) = cause.downcast_ref() {
            status = ExitStatus::Refused;
            next = Some(CHANGED_FILES.to_owned());
        }
        if let Some(unfit) = cause.downcast_ref::<Unfit>() {
            next = Some(unfit.advice());
        }
        if let Some(pg) = pg {
            sqlstate = pg.sqlstate().map(str::to_owned);
            next = next.or_else(|| pg_advice(pg).map(str::to_owned));
            // It explains its own causes.
            break;
        }
    }
    let failure = Failure {
        message: sentence.join(": "),
        sqlstate,
        next,
        status: status.code(),
    };
    (failure, status)
}

/// The database's error in this link of the chain. Transparent variants of our errors do not show it as a source, so
/// they are looked into.
fn pg_beneath<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a PgError> {
    if let Some(CatalogError::Database(pg)) = catalog_beneath(cause) {
        return Some(pg);
    }
    match (
        cause.downcast_ref::<LifecycleError>(),
        cause.downcast_ref::<InitError>(),
        cause.downcast_ref::<Unfit>(),
    ) {
        (Some(LifecycleError::Database(pg)), ..)
        | (_, Some(InitError::Database(pg)), _)
        | (.., Some(Unfit::Database(pg))) => Some(pg),
        _ => cause.downcast_ref(),
    }
}

fn catalog_beneath<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a CatalogError> {
    match (
        cause.downcast_ref::<LifecycleError>(),
        cause.downcast_ref::<KeysError>(),
        cause.downcast_ref::<SelectionError>(),
    ) {
        (Some(LifecycleError::Catalog(error)), ..)
        | (_, Some(KeysError::Catalog(error)), _)
        | (.., Some(SelectionError::Catalog(error))) => Some(error),
        _ => cause.downcast_ref(),
    }
}

/// Whether the catalog's rules refused, as opposed to something being broken.
fn is_refusal(error: &CatalogError) -> bool {
    !matches!(error, CatalogError::Database(_) | CatalogError::Corrupt { .. })
}

fn advice(refusal: &CatalogError) -> Option<&'static str> {
    Some(match refusal {
        CatalogError::SlugTaken => "choose another slug; `tenantry tenant list` shows those in use",
        CatalogError::SlugReserved | CatalogError::SlugRetired => "choose another slug",
        CatalogError::InvalidParent => {
            "a client needs --parent <agency>, an agency --parent <platform>, the others none"
        }
        CatalogError::EmailTaken => "run it again: the account was made by somebody else at this moment",
        CatalogError::InDoubt { .. } => {
            "finish the move first: run `tenantry tenant move` with the same --to again, or with --stay --yes if that database is lost for good"
        }
        CatalogError::Elsewhere { .. } => "do it in that database",
        CatalogError::AlreadyMember => "nothing is left to do",
        _ => return None,
    })
}

fn selection_advice(error: &SelectionError) -> Option<String> {
    match error {
        SelectionError::Unknown {
            nearest: Some(near), ..
        } => Some(format!(
            "perhaps you meant {near}; `tenantry tenant list` shows those there are"
        )),
        SelectionError::Unknown { nearest: None, .. } => {
            Some("`tenantry tenant list` shows those there are".to_owned())
        }
        SelectionError::NotATenant { .. } => Some("`tenantry tenant list` shows the tenants".to_owned()),
        SelectionError::Catalog(_) => None,
    }
}

fn keys_advice(error: &KeysError) -> Option<&'static str> {
    Some(match error {
        KeysError::NoneActive => "run `tenantry init` with the same key ring: it makes the first signing key",
        KeysError::Sealed(_) => "use the key ring that `tenantry init` was run with",
        KeysError::Malformed | KeysError::Catalog(_) => return None,
    })
}

fn pg_advice(error: &PgError) -> Option<&'static str> {
    Some(match error.sqlstate() {
        Some("28P01" | "28000") => "check the login and the password in the connection URL",
        Some("3D000") => "create the database, or correct its name in the connection URL",
        Some("3F000" | "42P01") => "run `tenantry init` on this database first",
        Some("42883" | "42703") => "run `tenantry migrate`: this database is older than the program",
        Some("40001") => "run it again: somebody else changed the same at this moment",
        Some("55P03") => {
            "run it again: somebody else is at work on this (another operator, a migration, a long query)"
        }
        Some("53100") => {
            "make room on the disk of PostgreSQL's data, then run it again; what did not fit was undone"
        }
        Some("53200") => {
            "give PostgreSQL more memory or a higher max_locks_per_transaction, then run it again"
        }
        Some("53300") => "end other connections or raise max_connections, then run it again",
        Some("42501") => "connect as the owner, the login that ran `tenantry init`; it needs CREATEROLE",
        None if matches!(error, PgError::Unavailable(_)) => {
            "check that PostgreSQL runs and that the connection URL is right"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_refusal_by_the_catalog_is_one_sentence_with_status_one() {
        let error = anyhow::Error::from(LifecycleError::Catalog(CatalogError::SlugTaken));
        let (failure, status) = explain(&error.context("could not create tenant acme"));
        assert_eq!(failure.message, "could not create tenant acme: the slug is taken");
        assert_eq!(status, ExitStatus::Refused);
        assert!(failure.next.unwrap().contains("another slug"));
    }

    #[test]
    fn a_problem_says_what_to_do() {
        let error = Err::<(), _>(Problem::environment("no database", "set DATABASE_URL"));
        let (failure, status) = explain(&error.context("could not list").unwrap_err());
        assert_eq!(failure.message, "could not list: no database");
        assert_eq!(failure.next.as_deref(), Some("set DATABASE_URL"));
        assert_eq!(status, ExitStatus::Failed);
    }

    #[test]
    fn a_lost_database_is_explained_once() {
        let pg = PgError::Unavailable("nobody listens".into());
        let (failure, _) = explain(&anyhow::Error::from(CatalogError::Database(pg)));
        assert_eq!(failure.message, "the database is unavailable: nobody listens");
        assert!(failure.next.unwrap().contains("PostgreSQL runs"));
    }
}
