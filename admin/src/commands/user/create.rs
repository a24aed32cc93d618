//! `tenantry user create`: an account, a membership, or both.

use anyhow::Context as _;
use catalog::error::CatalogError;
use catalog::memberships::{MemberRole, Membership};
use catalog::organizations::Organization;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::accounts::{self, Done, Person, Vouched};
use crate::cli::UserCreateArgs;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::joining;
use crate::operator::Operator;

#[derive(Serialize)]
struct CreatedUser {
    id: String,
    email: String,
    account: Done,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<CreatedMembership>,
}

#[derive(Serialize)]
struct CreatedMembership {
    id: String,
    organization: String,
    role: MemberRole,
}

/// Account and membership in one transaction.
pub(in crate::commands) async fn run(
    args: UserCreateArgs,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let email = args.email.clone();
    let (vouched, joined) = create(args, operator)
        .await
        .with_context(|| format!("could not create user {email}"))?;
    let membership = joined.map(|(organization, membership)| CreatedMembership {
        id: membership.id.to_string(),
        organization: organization.slug.to_string(),
        role: membership.role,
    });
    let document = CreatedUser {
        id: vouched.user.id.to_string(),
        email: email.to_string(),
        account: vouched.done,
        password: vouched
            .invented
            .as_ref()
            .map(|password| password.expose_secret().to_owned()),
        membership,
    };
    operator
        .output
        .document(&document, |document| match &document.membership {
            Some(membership) => {
                format!(
                    "{}\n{email} is {} of {}",
                    vouched.sentence(),
                    membership.role,
                    membership.organization
                )
            }
            None => vouched.sentence(),
        })?;
    Ok(ExitStatus::Done)
}

async fn create(
    args: UserCreateArgs,
    operator: &Operator,
) -> anyhow::Result<(Vouched, Option<(Organization, Membership)>)> {
    let password = accounts::password_from_stdin(args.password_stdin, &args.email)?;
    let Operator {
        db, source, actor, ..
    } = operator;
    let mut tx = db.begin().await?;
    let organization = match &args.organization {
        Some(slug) => Some(operator.organization(&mut tx, slug).await?),
        None => None,
    };
    let person = Person {
        email: args.email,
        name: args.name,
        password,
    };
    let vouched = accounts::vouch(&mut tx, person, actor, source).await?;
    let joined = match organization {
        Some(organization) => {
            let membership =
                joining::join(&mut tx, &organization, &vouched, args.role, actor, source).await?;
            Some((organization, membership))
        }
        None if vouched.done == Done::Kept => {
            let why = "the account exists already";
            return Err(Problem::refused(why, "name an --organization to add it to one").into());
        }
        None => None,
    };
    tx.commit().await.map_err(CatalogError::from)?;
    Ok((vouched, joined))
}
