//! `tenantry tenant clone`: a tenant that begins as a copy of another, in one transaction.

use anyhow::Context as _;
use serde::Serialize;
use tenant_schema::lifecycle::clone::{self, Cloned, Content, Guard, NewClone};

use crate::accounts::{self, OwnerAccount, Person, Vouched};
use crate::cli::TenantCloneArgs;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ClonedTenant {
    id: String,
    slug: String,
    origin: String,
    schema: String,
    template_version: i32,
    rows: u64,
    /// Tables of the original that no template made.
    left_out: Vec<String>,
    /// What was made up, with --anonymise.
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymised: Option<MadeUp>,
    url: String,
    owner: OwnerAccount,
}

/// Columns as `table.column`.
#[derive(Serialize)]
struct MadeUp {
    columns: Vec<String>,
    /// Copied as they are, though their names sound like people.
    unmarked: Vec<String>,
}

/// The owner's account, the organization, its schema and the records: all or nothing.
pub(super) async fn run(args: TenantCloneArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let (origin, slug) = (args.slug.to_string(), args.new_slug.to_string());
    let (made, owner) = Box::pin(make(args, operator))
        .await
        .with_context(|| format!("could not clone tenant {origin} to {slug}"))?;
    let document = ClonedTenant {
        id: made.organization.to_string(),
        url: operator.config.server.tenant_origin(&slug),
        slug,
        origin,
        schema: made.schema.to_string(),
        template_version: made.template_version,
        rows: made.rows,
        left_out: made.left_out,
        anonymised: made.anonymised.map(|made| MadeUp {
            columns: made.columns,
            unmarked: made.unmarked,
        }),
        owner: owner.told(),
    };
    operator.output.document(&document, |made| text(made, &owner))?;
    Ok(ExitStatus::Done)
}

async fn make(args: TenantCloneArgs, operator: &Operator) -> anyhow::Result<(Cloned, Vouched)> {
    let password = accounts::password_from_stdin(args.owner_password_stdin, &args.owner_email)?;
    let Operator {
        db, source, actor, ..
    } = operator;
    let template = &operator.config.template;
    // Says what is wrong with the slug, where something is.
    let mut tx = db.begin().await?;
    operator.tenant(&mut tx, &args.slug).await?;
    tx.rollback().await?;

    let guard = Guard::on(db, &args.slug, template).await?;
    let mut tx = db.begin_snapshot().await?;
    let person = Person {
        email: args.owner_email,
        name: args.owner_name,
        password,
    };
    let owner = accounts::vouch(&mut tx, person, actor, source).await?;
    let new = NewClone {
        slug: args.new_slug,
        name: args.name,
        owner: owner.as_owner(),
        content: match (
            args.content.schema_only,
            args.content.with_members,
            args.content.anonymise,
        ) {
            (true, ..) => Content::Schema,
            (_, true, _) => Content::RecordsAndMembers,
            (.., true) => Content::Anonymised,
            (false, false, false) => Content::Records,
        },
    };
    let made = clone::make(&mut tx, &guard, template, &new, actor, source).await?;
    guard.commit(tx, &new, &made).await?;
    Ok((made, owner))
}

fn text(made: &ClonedTenant, owner: &Vouched) -> String {
    let mut pairs = vec![
        ("tenant", made.slug.clone()),
        ("copy of", made.origin.clone()),
        ("id", made.id.clone()),
        ("schema", made.schema.clone()),
        ("version", made.template_version.to_string()),
        ("rows", made.rows.to_string()),
        ("url", made.url.clone()),
    ];
    if !made.left_out.is_empty() {
        pairs.push(("left out", made.left_out.join(", ")));
    }
    if let Some(made_up) = &made.anonymised {
        pairs.push(("made up", format!("{} columns", made_up.columns.len())));
        if !made_up.unmarked.is_empty() {
            pairs.push(("not marked", made_up.unmarked.join(", ")));
        }
    }
    let (pairs, slug, sentence) = (output::pairs(pairs), &made.slug, owner.sentence());
    format!("{pairs}\n{sentence}\n\nnext:\n  tenantry key create {slug} --name 'First key' --scope '*:*'")
}
