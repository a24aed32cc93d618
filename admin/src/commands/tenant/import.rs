//! `tenantry tenant import`, also called `restore`: a tenant out of a file.

use std::io::{self, IsTerminal as _};
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use catalog::email::EmailAddress;
use catalog::ids::OrganizationId;
use catalog::tx::CatalogTx;
use serde::Serialize;
use tenant_schema::container::import::{self, ImportShape, Imported, NewTenant};
use tenant_schema::container::reference::References;
use tenant_schema::container::{Head, Reader};
use tokio::fs::File;
use tokio::io::{AsyncRead, BufReader};

use crate::accounts::{self, OwnerAccount, Person, Vouched};
use crate::cli::TenantImportArgs;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;

/// How long somebody else's lock is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is read at once.
const BUFFER: usize = 1024 * 1024;

type Input = Reader<Pin<Box<dyn AsyncRead + Send>>>;

#[derive(Serialize)]
struct ImportedTenant {
    id: String,
    slug: String,
    origin: String,
    schema: String,
    from_version: i32,
    template_version: i32,
    rows: u64,
    content: String,
    without_account: usize,
    pending_post_steps: usize,
    url: String,
    owner: OwnerAccount,
}

/// What is in a container.
#[derive(Serialize)]
struct Contents {
    slug: String,
    name: String,
    made_by: String,
    made_at: chrono::DateTime<chrono::Utc>,
    postgresql: String,
    template_version: i32,
    owner: Option<String>,
    people: usize,
    rows: u64,
    bytes: u64,
    sha256: String,
    content: String,
    left_out: Vec<String>,
    tables: Vec<TableRows>,
}

#[derive(Serialize)]
struct TableRows {
    name: String,
    rows: u64,
}

/// The owner's account, the organization, its schema and the records: all or nothing.
pub(super) async fn run(args: TenantImportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = args.slug.to_string();
    let done = if args.dry_run {
        Box::pin(look(&args, operator)).await
    } else {
        Box::pin(take_in(args, operator)).await
    };
    done.with_context(|| format!("could not import tenant {slug}"))
}

async fn open(args: &TenantImportArgs) -> anyhow::Result<Input> {
    let input: Pin<Box<dyn AsyncRead + Send>> = match &args.file {
        Some(place) => {
            let file = File::open(place).await.map_err(|error| {
                let why = format!("{} cannot be read: {error}", place.display());
                Problem::refused(why, "name a file that `tenantry tenant export` wrote")
            })?;
            Box::pin(BufReader::with_capacity(BUFFER, file))
        }
        None if io::stdin().is_terminal() => {
            let next = "name the container's file, or put `< FILE` behind it";
            return Err(Problem::refused("a container cannot be typed", next).into());
        }
        None => Box::pin(BufReader::with_capacity(BUFFER, tokio::io::stdin())),
    };
    Reader::open(input).await.map_err(failure::of_container)
}

/// Reads all of it, and writes nothing.
async fn look(args: &TenantImportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut reader = open(args).await?;
    let references = References::of(&operator.config.template);
    let checked = async {
        ImportShape::of(&operator.db, &references, &reader).await?;
        while reader.next_table().await?.is_some() {
            while reader.next_rows().await?.is_some() {}
        }
        let head = reader.head().clone();
        Ok((head, reader.finish().await?))
    };
    let (head, sealed) = checked.await.map_err(failure::of_container)?;
    let counts = head.tables.iter().zip(&sealed.closing.tables);
    let document = Contents {
        slug: head.tenant.slug.to_string(),
        made_by: head.made_by.clone(),
        made_at: head.made_at,
        postgresql: head.postgresql.clone(),
        template_version: head.template.version,
        owner: head.owner().map(|owner| owner.email.to_string()),
        people: head.people.len(),
        rows: sealed.closing.rows,
        bytes: sealed.bytes,
        sha256: sealed.sha256.to_string(),
        content: sealed.closing.content.to_string(),
        tables: counts
            .map(|(table, content)| TableRows {
                name: table.name.clone(),
                rows: content.rows,
            })
            .collect(),
        name: head.tenant.name,
        left_out: head.left_out,
    };
    operator.output.document(&document, contents)?;
    Ok(ExitStatus::Done)
}

fn contents(found: &Contents) -> String {
    let size = output::bytes(i64::try_from(found.bytes).unwrap_or(i64::MAX));
    let mut pairs = vec![
        ("container of", format!("{} ({})", found.slug, found.name)),
        (
            "made",
            format!("{} by {}", output::instant(found.made_at), found.made_by),
        ),
        ("version", found.template_version.to_string()),
        ("owner", found.owner.clone().unwrap_or_default()),
        ("people", found.people.to_string()),
        ("size", size),
        ("sha256", found.sha256.clone()),
        ("content", found.content.clone()),
    ];
    if !found.left_out.is_empty() {
        pairs.push(("left out", found.left_out.join(", ")));
    }
    let tables = found.tables.iter();
    let tables = tables.map(|table| [table.name.clone(), table.rows.to_string()]);
    format!(
        "{}\n{}\n\nit is whole and fits; nothing was written",
        output::pairs(pairs),
        output::table(["TABLE", "ROWS"], tables)
    )
}

async fn take_in(args: TenantImportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let reader = open(&args).await?;
    let head = reader.head().clone();
    let slug = args.slug.to_string();
    let (made, owner) = make(args, reader, operator).await?;
    let document = ImportedTenant {
        id: made.organization.to_string(),
        url: operator.config.server.tenant_origin(&slug),
        slug,
        origin: head.tenant.slug.to_string(),
        schema: made.schema.to_string(),
        from_version: made.from_version,
        template_version: made.template_version,
        rows: made.rows,
        content: made.content.to_string(),
        without_account: made.without_account,
        pending_post_steps: made.pending_steps,
        owner: owner.told(),
    };
    operator.output.document(&document, |made| text(made, &owner))?;
    Ok(ExitStatus::Done)
}

async fn make(
    args: TenantImportArgs,
    reader: Input,
    operator: &Operator,
) -> anyhow::Result<(Imported, Vouched)> {
    let Operator {
        db, source, actor, ..
    } = operator;
    let references = References::of(&operator.config.template);
    let shape = ImportShape::of(db, &references, &reader)
        .await
        .map_err(failure::of_container)?;
    let email = owner_email(&args, reader.head())?;
    let person = Person {
        password: accounts::password_from_stdin(args.owner_password_stdin, &email)?,
        name: args
            .owner_name
            .clone()
            .or_else(|| owner_name(&email, reader.head())),
        email,
    };
    let mut tx = db.begin_patient(LOCK_TIMEOUT).await?;
    let owner = accounts::vouch(&mut tx, person, actor, source).await?;
    let new = NewTenant {
        parent: parent(&args, &mut tx, operator).await?,
        slug: args.slug,
        name: args.name,
        owner: owner.as_owner(),
        with_members: args.with_members,
    };
    let made = import::import(&mut tx, &references, &shape, reader, &new, actor, source).await;
    let made = made.map_err(failure::of_container)?;
    tx.commit().await.map_err(catalog::error::CatalogError::from)?;
    Ok((made, owner))
}

fn owner_email(args: &TenantImportArgs, head: &Head) -> anyhow::Result<EmailAddress> {
    let carried = head.owner().map(|owner| owner.email.clone());
    Ok(args.owner_email.clone().or(carried).ok_or_else(|| {
        Problem::refused(
            "the container names no owner",
            "name one with --owner-email ADDRESS",
        )
    })?)
}

fn owner_name(email: &EmailAddress, head: &Head) -> Option<String> {
    let known = head.people.iter().find(|person| person.email == *email);
    known?.display_name.clone()
}

async fn parent(
    args: &TenantImportArgs,
    tx: &mut CatalogTx,
    operator: &Operator,
) -> anyhow::Result<Option<OrganizationId>> {
    match &args.parent {
        Some(parent) => Ok(Some(operator.organization(tx, parent).await?.id)),
        None => Ok(None),
    }
}

fn text(made: &ImportedTenant, owner: &Vouched) -> String {
    let version = if made.from_version == made.template_version {
        made.template_version.to_string()
    } else {
        format!("{}, was {}", made.template_version, made.from_version)
    };
    let mut pairs = vec![
        ("tenant", made.slug.clone()),
        ("from", made.origin.clone()),
        ("id", made.id.clone()),
        ("schema", made.schema.clone()),
        ("version", version),
        ("rows", made.rows.to_string()),
        ("content", made.content.clone()),
        ("url", made.url.clone()),
    ];
    if made.without_account > 0 {
        let people = format!(
            "{} people, kept for the records that name them",
            made.without_account
        );
        pairs.push(("no account", people));
    }
    if made.pending_post_steps > 0 {
        let pending = made.pending_post_steps;
        let slug = &made.slug;
        let text = format!("{pending} pending: `tenantry migrate tenants --post-steps --only {slug}`");
        pairs.push(("post-steps", text));
    }
    let (pairs, slug, sentence) = (output::pairs(pairs), &made.slug, owner.sentence());
    format!("{pairs}\n{sentence}\n\nnext:\n  tenantry key create {slug} --name 'First key' --scope '*:*'")
}
