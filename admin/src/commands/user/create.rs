//! `tenantry user create`: an account, a membership, or both.

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::memberships::{self, MemberRole, Membership, NewMembership};
use catalog::organizations::Organization;
use catalog::sessions::Device;
use catalog::tenant_schemas;
use catalog::tx::CatalogTx;
use serde::Serialize;
use tenant_schema::members::{self, Member};

use crate::accounts::{self, Done, Person, Vouched};
use crate::cli::UserCreateArgs;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;

#[derive(Serialize)]
struct Document {
    id: String,
    email: String,
    account: Done,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<MembershipDocument>,
}

#[derive(Serialize)]
struct MembershipDocument {
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
    let membership = joined.map(|(organization, membership)| MembershipDocument {
        id: membership.id.to_string(),
        organization: organization.slug.to_string(),
        role: membership.role,
    });
    let document = Document {
        id: vouched.user.id.to_string(),
        email: email.to_string(),
        account: vouched.done,
        password: vouched.invented.clone(),
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
    let mut tx = operator.db.begin().await?;
    let organization = match &args.organization {
        Some(slug) => Some(operator.organization(&mut tx, slug).await?),
        None => None,
    };
    let person = Person {
        email: args.email,
        name: args.name,
        password,
    };
    let vouched = accounts::vouch(&mut tx, &operator.source, &operator.actor, person).await?;
    let joined = match organization {
        Some(organization) => {
            let membership = join(&mut tx, operator, &organization, &vouched, args.role).await?;
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

/// The membership, and its mirror in the tenant's schema where there is one.
pub(in crate::commands) async fn join(
    tx: &mut CatalogTx,
    operator: &Operator,
    organization: &Organization,
    vouched: &Vouched,
    role: MemberRole,
) -> anyhow::Result<Membership> {
    let Operator { source, actor, .. } = operator;
    let new = NewMembership {
        organization: organization.id,
        user: vouched.user.id,
        role,
        is_owner: false,
    };
    let membership = memberships::insert(tx, &new, source).await?;
    if let Some(schema) = tenant_schemas::find(tx, organization.id).await? {
        let member = Member::of(&membership, vouched.display_name(), vouched.user.email.as_str());
        members::mirror(tx, &schema.schema, &member).await?;
    }
    let event = AuditEvent::MembershipCreated {
        id: membership.id,
        user: membership.user,
        role,
        is_owner: false,
    };
    audit::record(tx, actor, Some(organization.id), &event, &Device::NONE, source).await?;
    Ok(membership)
}
