//! A tenant for a test.

use catalog::ids::OrganizationId;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::resolve::{self, ActiveTenant, Resolution};
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;
use catalog::users::User;
use tenant_schema::lifecycle::{self, Owner};

use crate::database::TestDb;

/// All tables of the template that ships, each an object of the API.
pub const OBJECTS: [&str; 14] = [
    "activities",
    "companies",
    "company_tags",
    "contact_tags",
    "contacts",
    "deal_stage_history",
    "deal_tags",
    "deals",
    "members",
    "note_targets",
    "notes",
    "pipelines",
    "stages",
    "tags",
];

/// A tenant that was just provisioned.
#[derive(Debug, Clone)]
pub struct TestTenant {
    /// Its label.
    pub slug: Slug,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its schema.
    pub schema: SchemaName,
    /// The person who owns it.
    pub owner: User,
    /// What the server's resolver makes of the slug.
    pub active: ActiveTenant,
}

/// An organization that stands by itself and is served.
pub fn standalone(slug: &str) -> NewOrganization {
    NewOrganization {
        kind: OrganizationKind::Standalone,
        parent: None,
        slug: slug.parse().expect("a slug"),
        name: slug.to_owned(),
        status: OrganizationStatus::Active,
        contact_email: None,
    }
}

/// A person as the owner of a tenant to be.
pub fn owner(user: &User) -> Owner {
    Owner {
        user: user.id,
        display_name: user.display_name.clone().unwrap_or_default(),
        email: user.email.to_string(),
    }
}

pub(crate) async fn provision(t: &TestDb, slug: &str) -> TestTenant {
    let person = t.user(&format!("owner@{slug}.test")).await;
    let new = standalone(slug);
    let mut tx = t.catalog().begin_unhurried().await.expect("a transaction");
    let made = lifecycle::provision(
        &mut tx,
        t.template(),
        &new,
        &owner(&person),
        &t.actor(),
        t.source(),
    )
    .await;
    let made = made.expect("a new tenant");
    tx.commit().await.expect("committed");
    TestTenant {
        active: resolved(t, &new.slug).await,
        slug: new.slug,
        organization: made.organization,
        schema: made.schema,
        owner: person,
    }
}

/// The tenant a slug means to the server.
///
/// # Panics
/// When it means none that is served.
pub async fn resolved(t: &TestDb, slug: &Slug) -> ActiveTenant {
    let mut tx = t.server_catalog().begin().await.expect("a transaction");
    let found = resolve::by_slug(&mut tx, slug).await.expect("an answer");
    tx.rollback().await.expect("nothing was changed");
    match found {
        Resolution::Active(tenant) => tenant,
        other => panic!("{slug} is {other:?}, not an active tenant"),
    }
}
