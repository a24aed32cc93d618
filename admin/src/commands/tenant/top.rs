//! `tenantry tenant top`: what runs in tenants at this moment.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::Context as _;
use catalog::selection::Selection;
use serde::Serialize;
use tenant_schema::usage::{self, Running};

use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;
use crate::signals::Stop;

/// How long it is shown before it is looked up again.
const AGAIN: Duration = Duration::from_secs(2);

/// Clears the screen and puts the cursor home (ECMA-48, ED and CUP).
const CLEAR: &str = "\x1b[2J\x1b[H";

#[derive(Serialize)]
struct Session {
    tenant: String,
    pid: i32,
    login: String,
    program: String,
    state: Option<String>,
    transaction_seconds: Option<f64>,
    statement_seconds: Option<f64>,
    waits_for: Option<String>,
    blocked_by: Vec<i32>,
    locks: i64,
    statement: Option<String>,
}

/// On a terminal again and again, until Ctrl-C.
pub(super) async fn run(once: bool, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let again = !once && !operator.output.is_json() && io::stdout().is_terminal();
    let mut signals = Stop::listen()?;
    loop {
        let sessions = sessions(operator).await.context("could not see what runs")?;
        let clear = if again { CLEAR } else { "" };
        operator
            .output
            .document(&sessions, |sessions| format!("{clear}{}", text(sessions)))?;
        if !again {
            return Ok(ExitStatus::Done);
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = signals.next() => return Ok(ExitStatus::Done),
        }
    }
}

async fn sessions(operator: &Operator) -> anyhow::Result<Vec<Session>> {
    let mut tx = operator.db.begin().await?;
    let running = usage::running(&mut tx).await?;
    let tenants = Selection::All.tenants(&mut tx).await?;
    tx.rollback().await?;
    let slugs: HashMap<&str, &str> = tenants
        .iter()
        .map(|tenant| (tenant.schema.as_str(), tenant.slug.as_str()))
        .collect();
    let session = |running: Running| Session {
        // A schema that is nobody's is shown by its name.
        tenant: slugs
            .get(running.schema.as_str())
            .map_or_else(|| running.schema.to_string(), |slug| (*slug).to_owned()),
        pid: running.pid,
        login: running.login,
        program: running.program,
        state: running.state,
        transaction_seconds: running.transaction_seconds,
        statement_seconds: running.statement_seconds,
        waits_for: running.waits_for,
        blocked_by: running.blocked_by,
        locks: running.locks,
        statement: running.statement,
    };
    Ok(running.into_iter().map(session).collect())
}

fn text(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "nothing runs in any tenant".to_owned();
    }
    let header = [
        "TENANT",
        "PID",
        "PROGRAM",
        "STATE",
        "TRANSACTION",
        "STATEMENT",
        "LOCKS",
        "WAITS FOR",
        "RUNS",
    ];
    output::table(header, sessions.iter().map(row))
}

fn row(session: &Session) -> [String; 9] {
    let seconds =
        |seconds: Option<f64>| seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
    let pids: Vec<String> = session.blocked_by.iter().map(i32::to_string).collect();
    let waits_for = match (&session.waits_for, pids.is_empty()) {
        (Some(what), true) => what.clone(),
        (what, false) => format!("{} of {}", what.as_deref().unwrap_or("a lock"), pids.join(", ")),
        (None, true) => String::new(),
    };
    let program = if session.program.is_empty() {
        session.login.clone()
    } else {
        session.program.clone()
    };
    [
        session.tenant.clone(),
        session.pid.to_string(),
        program,
        session.state.clone().unwrap_or_default(),
        seconds(session.transaction_seconds),
        seconds(session.statement_seconds),
        session.locks.to_string(),
        waits_for,
        session.statement.clone().unwrap_or_default(),
    ]
}
