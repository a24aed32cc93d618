//! `tenantry tenant move`: a tenant from this database into another.

use anyhow::Context as _;
use catalog::init;
use catalog::moves::{Move, MoveState};
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenant_schema::container::reference::References;
use tenant_schema::lifecycle::relocate::{Copied, Relocated, Relocation, Stay};

use crate::cli::TenantMoveArgs;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;

/// A tenant that lives in the other database.
#[derive(Serialize)]
struct MovedTenant {
    slug: String,
    /// Host, port and name of the other database.
    to: String,
    /// `false` if it was there before.
    changed: bool,
    #[serde(flatten)]
    copied: Option<CopiedTenant>,
    #[serde(skip)]
    sentence: String,
}

/// What was copied.
#[derive(Serialize)]
struct CopiedTenant {
    schema: String,
    template_version: i32,
    rows: u64,
    content: String,
    people: usize,
    held_back: usize,
    keys: usize,
    dba_grants: Vec<String>,
    left_out: Vec<String>,
    pause_ms: u64,
}

/// Moves it, or finishes what an earlier run has left.
pub(super) async fn run(args: &TenantMoveArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = &args.slug;
    if args.stay {
        return stay(args, operator)
            .await
            .with_context(|| format!("could not give up the move of tenant {slug}"));
    }
    let document = Box::pin(relocate(args, operator))
        .await
        .with_context(|| format!("could not move tenant {slug}"))?;
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

/// A tenant that is served here after all.
#[derive(Serialize)]
struct StayingTenant {
    slug: String,
    /// `false` if it was on its way nowhere.
    changed: bool,
    /// Host, port and name of the database that it was on its way to.
    to: Option<String>,
    /// How far it was.
    was: Option<MoveState>,
}

async fn stay(args: &TenantMoveArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = &args.slug;
    let mut tx = operator.db.begin().await?;
    operator.tenant(&mut tx, slug).await?;
    tx.rollback().await?;
    let stay = Stay {
        from: &operator.db,
        is_sure: args.yes,
        actor: &operator.actor,
        source: &operator.source,
    };
    let ended = stay.run(slug).await?;
    let document = StayingTenant {
        slug: slug.to_string(),
        changed: ended.is_some(),
        was: ended.as_ref().map(|ended| ended.state),
        to: ended.map(|ended| ended.target.name),
    };
    operator.output.document(&document, |staying| match &staying.to {
        Some(to) => format!("{slug} stays: its move to {to} is given up, and it is served here"),
        None => format!("{slug} is on its way nowhere; nothing was changed"),
    })?;
    Ok(ExitStatus::Done)
}

async fn relocate(args: &TenantMoveArgs, operator: &Operator) -> anyhow::Result<MovedTenant> {
    let slug = &args.slug;
    let mut tx = operator.db.begin().await?;
    operator.tenant(&mut tx, slug).await?;
    tx.rollback().await?;
    let target = target(args, operator)?;
    let to_name = target.place();
    let settings = PoolSettings {
        size: 2,
        ..PoolSettings::default()
    };
    let to = CatalogDb::new(target, settings);
    probe(&to)
        .await
        .with_context(|| format!("the other database, {to_name}"))?;
    let template = &operator.config.template;
    let relocation = Relocation {
        from: &operator.db,
        to: &to,
        to_name: &to_name,
        references: &References::of(template),
        references_there: &References::of(template),
        max_pause: args.max_pause.0,
        grace: args.grace.map_or(operator.config.drop_grace, |grace| grace.0),
        leave_out: args.leave_out,
        actor: &operator.actor,
        source: &operator.source,
    };
    let moved = Box::pin(relocation.run(slug)).await;
    let moved = moved.map_err(failure::of_container)?;
    let (changed, copied, sentence) = match moved {
        Relocated::Now(copied) => (
            true,
            Some(told(*copied)),
            format!("{slug} has moved to {to_name}"),
        ),
        Relocated::Noted => (
            true,
            None,
            format!("{slug} had arrived in {to_name}, and that is noted here now"),
        ),
        Relocated::Already(Move { by, at, .. }) => (
            false,
            None,
            format!(
                "{slug} has moved to {to_name} already, on {} by {by}; nothing was changed",
                output::instant(at)
            ),
        ),
    };
    Ok(MovedTenant {
        slug: slug.to_string(),
        to: to_name,
        changed,
        copied,
        sentence,
    })
}

/// The other database, from the command line or the environment.
fn target(args: &TenantMoveArgs, operator: &Operator) -> anyhow::Result<PgConfig> {
    let Some(url) = &args.to else {
        return Ok(operator.config.target_database.clone().ok_or_else(|| {
            let next = "name it with --to postgres://owner@host/database, or in TARGET_DATABASE_URL";
            Problem::refused("no other database is named", next)
        })?);
    };
    let target: PgConfig = url.expose_secret().parse().map_err(|error| {
        let next = "--to takes a URL such as postgres://owner@host:5432/database";
        Problem::refused(format!("--to: {error}"), next)
    })?;
    if target.is_pooled() {
        let next = "name PostgreSQL itself with --to: a move holds transactions open";
        return Err(Problem::refused("--to goes through a pooler", next).into());
    }
    Ok(target)
}

/// Whether it can be reached at all, so that it is clear which of the two databases cannot.
async fn probe(to: &CatalogDb) -> anyhow::Result<()> {
    let mut tx = to.begin().await?;
    init::version(&mut tx).await?;
    Ok(tx.rollback().await?)
}

fn told(copied: Copied) -> CopiedTenant {
    CopiedTenant {
        schema: copied.schema.to_string(),
        template_version: copied.template_version,
        rows: copied.sealed.closing.rows,
        content: copied.sealed.closing.content.to_string(),
        people: copied.people,
        held_back: copied.held_back,
        keys: copied.keys,
        dba_grants: copied.grants,
        left_out: copied.left_out,
        pause_ms: u64::try_from(copied.pause.as_millis()).unwrap_or(u64::MAX),
    }
}

fn text(moved: &MovedTenant) -> String {
    let MovedTenant { slug, sentence, .. } = moved;
    let kept =
        format!("what it left here is kept for its grace; `tenantry tenant show {slug}` tells until when");
    let Some(copied) = &moved.copied else {
        return sentence.clone();
    };
    let mut pairs = vec![
        ("schema", copied.schema.clone()),
        ("version", copied.template_version.to_string()),
        ("rows", copied.rows.to_string()),
        ("content", copied.content.clone()),
        ("people", copied.people.to_string()),
        ("keys", copied.keys.to_string()),
        ("writes paused", format!("{} ms", copied.pause_ms)),
    ];
    if copied.held_back > 0 {
        let people = format!(
            "{} people, whose address nobody has verified there",
            copied.held_back
        );
        pairs.push(("not let in", people));
    }
    if !copied.dba_grants.is_empty() {
        pairs.push(("grants ended", copied.dba_grants.join(", ")));
    }
    if !copied.left_out.is_empty() {
        pairs.push(("left out", copied.left_out.join(", ")));
    }
    format!(
        "{sentence}\n{}\nnext:\n  point the tenant's host name at the servers of that database\n\n{kept}",
        output::pairs(pairs)
    )
}
