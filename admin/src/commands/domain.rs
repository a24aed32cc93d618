//! `tenantry domain …`: whose domain it is.

mod dns;
mod web;

use anyhow::Context as _;
use catalog::domains::{self, Domain, Hostname, Method};
use catalog::slug::Slug;
use chrono::{DateTime, Utc};
use serde::Serialize;

use self::dns::Resolver;
use self::web::Web;
use crate::cli::{DomainArgs, DomainCommand, VerifyArgs};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Shown {
    hostname: String,
    /// The TXT record: its name and its value.
    record_name: String,
    record_value: String,
    /// The file: its address, and what is in it.
    file: String,
    token: String,
    /// The element of the first page.
    element: String,
    method: Option<Method>,
    verified_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
}

impl From<&Domain> for Shown {
    fn from(domain: &Domain) -> Self {
        let (record_name, record_value) = domain.record();
        Self {
            hostname: domain.hostname.to_string(),
            record_name,
            record_value,
            file: domain.file(),
            token: domain.token.clone(),
            element: domain.element(),
            method: domain.method,
            verified_at: domain.verified_at,
            checked_at: domain.checked_at,
        }
    }
}

#[derive(Serialize)]
struct Removed {
    hostname: String,
}

/// Runs one command.
pub(super) async fn run(command: DomainCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        DomainCommand::Add(DomainArgs { slug, hostname }) => add(&slug, &hostname, operator)
            .await
            .with_context(|| format!("could not add {hostname} to {slug}")),
        DomainCommand::Verify(args) => verify(&args, operator)
            .await
            .with_context(|| format!("could not verify {}", args.domain.hostname)),
        DomainCommand::List { slug } => list(&slug, operator)
            .await
            .with_context(|| format!("could not list the domains of {slug}")),
        DomainCommand::Remove(DomainArgs { slug, hostname }) => remove(&slug, &hostname, operator)
            .await
            .with_context(|| format!("could not remove {hostname} from {slug}")),
    }
}

async fn add(slug: &Slug, hostname: &Hostname, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    let added = domains::add(
        &mut tx,
        organization.id,
        hostname,
        &operator.actor,
        &operator.source,
    )
    .await?;
    tx.commit().await?;
    operator.output.document(&Shown::from(&added), |shown| {
        let places = [
            (
                "TXT record",
                format!("{} \"{}\"", shown.record_name, shown.record_value),
            ),
            ("or a file", format!("{} with {}", shown.file, shown.token)),
            ("or in the first page", shown.element.clone()),
            (
                "then",
                format!("tenantry domain verify {slug} {}", shown.hostname),
            ),
        ];
        output::pairs(places)
    })?;
    Ok(ExitStatus::Done)
}

async fn verify(args: &VerifyArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let VerifyArgs {
        domain: DomainArgs { slug, hostname },
        resolver,
        proxy,
    } = args;
    let (actor, source) = (&operator.actor, &operator.source);
    let mut tx = operator.db.begin().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    let domain = domains::find(&mut tx, organization.id, hostname).await?;
    // Nothing is locked while the network is asked.
    tx.rollback().await?;
    let domain = domain.ok_or_else(|| unknown(slug, hostname))?;
    let resolver = Resolver::new(*resolver).await?;
    let web = Web::new(proxy.as_deref())?;
    let looked = look(&domain, &resolver, &web, u16::from_be_bytes(source.bytes())).await;
    if looked.method.is_none() && looked.is_unsure {
        let next = "correct what is named, then verify again: nothing was changed";
        return Err(Problem::environment(looked.told(), next).into());
    }
    let mut tx = operator.db.begin().await?;
    operator.lock_home(&mut tx, slug).await?;
    let now = domains::find(&mut tx, organization.id, hostname).await?;
    let now = now.ok_or_else(|| unknown(slug, hostname))?;
    if now.token != domain.token {
        let why = "it was removed and added anew meanwhile, and has another word";
        return Err(Problem::refused(why, "put the new word there, then verify again").into());
    }
    if !domains::check(&mut tx, organization.id, &domain, looked.method, actor, source).await? {
        let next = "the other one must remove it first: `tenantry domain remove`";
        return Err(Problem::refused("another organization has the domain verified", next).into());
    }
    let after = domains::find(&mut tx, organization.id, hostname).await?;
    tx.commit().await?;
    let after = after.ok_or_else(|| unknown(slug, hostname))?;
    let Some(method) = looked.method else {
        let next = format!("`tenantry domain add {slug} {hostname}` prints where the word may stand");
        return Err(Problem::refused(looked.told(), next).into());
    };
    operator.output.document(&Shown::from(&after), |shown| {
        format!("{} is {slug}'s: shown by {method}", shown.hostname)
    })?;
    Ok(ExitStatus::Done)
}

/// What was found.
struct Looked {
    method: Option<Method>,
    /// Some place could not be looked at.
    is_unsure: bool,
    /// What was found in each place, as far as one was looked at.
    found: Vec<String>,
}

impl Looked {
    fn told(&self) -> String {
        format!("the word was not found: {}", self.found.join("; "))
    }

    /// Takes note of one place. Says whether it has the word.
    fn note(&mut self, method: Method, place: &str, found: Result<bool, String>) -> bool {
        match found {
            Ok(true) => self.method = Some(method),
            Ok(false) => self.found.push(format!("{place} has it not")),
            Err(why) => {
                self.is_unsure = true;
                self.found.push(format!("{place}: {why}"));
            }
        }
        self.method.is_some()
    }
}

/// Looks in one place after the other, until the word is found.
async fn look(domain: &Domain, resolver: &Resolver, web: &Web, query_id: u16) -> Looked {
    let mut looked = Looked {
        method: None,
        is_unsure: false,
        found: Vec::new(),
    };
    let (name, _) = domain.record();
    let records = resolver.texts(&name, query_id).await;
    let shown = records.map(|records| domain.is_shown_by_records(&records));
    if looked.note(Method::Dns, &format!("TXT {name}"), shown) {
        return looked;
    }
    let (file, page) = (domain.file(), domain.page());
    let shown = web.text(&file).await;
    let shown = shown.map(|text| text.is_some_and(|text| domain.is_shown_by_file(&text)));
    if looked.note(Method::File, &file, shown) {
        return looked;
    }
    let shown = web.text(&page).await;
    let shown = shown.map(|text| text.is_some_and(|text| domain.is_shown_by_page(&text)));
    looked.note(Method::Meta, &page, shown);
    looked
}

async fn list(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let organization = operator.organization(&mut tx, slug).await?;
    let all = domains::list(&mut tx, organization.id).await?;
    tx.rollback().await?;
    let shown: Vec<Shown> = all.iter().map(Shown::from).collect();
    operator.output.document(&shown, |shown| {
        if shown.is_empty() {
            return format!("{slug} has no domains: `tenantry domain add {slug} shop.example.com` adds one");
        }
        let rows = shown.iter().map(|domain| {
            [
                domain.hostname.clone(),
                domain.method.map_or("-".to_owned(), |method| method.to_string()),
                output::instant_or(domain.verified_at, "-"),
                output::instant_or(domain.checked_at, "-"),
            ]
        });
        output::table(["DOMAIN", "SHOWN BY", "VERIFIED", "CHECKED"], rows)
    })?;
    Ok(ExitStatus::Done)
}

async fn remove(slug: &Slug, hostname: &Hostname, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    if !domains::remove(
        &mut tx,
        organization.id,
        hostname,
        &operator.actor,
        &operator.source,
    )
    .await?
    {
        return Err(unknown(slug, hostname).into());
    }
    tx.commit().await?;
    let removed = Removed {
        hostname: hostname.to_string(),
    };
    operator
        .output
        .document(&removed, |removed| format!("removed {}", removed.hostname))?;
    Ok(ExitStatus::Done)
}

fn unknown(slug: &Slug, hostname: &Hostname) -> Problem {
    let next = format!(
        "`tenantry domain list {slug}` shows the domains, `tenantry domain add {slug} {hostname}` adds it"
    );
    Problem::refused(format!("{slug} has no domain {hostname}"), next)
}
