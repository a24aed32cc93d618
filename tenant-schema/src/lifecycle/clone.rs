//! A tenant that begins as a copy of another: its own organization, schema, roles and owner, and the other's records.
//!
//! All of it is one transaction, which sees the origin as it was at one moment (REPEATABLE READ) while the origin goes on
//! being served and written. A second transaction, the [`Guard`], is held open beside it: it keeps the origin from being migrated,
//! moved or purged meanwhile, and was there first, so that the snapshot is younger than its locks.
//!
//! People are copied too, since records name them: each membership of the origin gets one in the copy, under an id of its own
//! that takes the old one's place wherever a foreign key refers to `members`. Those of others than the owner grant
//! nothing, unless that is asked for. In an anonymised copy they are nobody: rows of `members` without a membership.

pub(crate) mod anonymise;
pub(crate) mod copy;
pub(crate) mod open;

use std::collections::HashMap;

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::ids::{MembershipId, OrganizationId};
use catalog::memberships::{self, MemberRole, Membership, NewMembership};
use catalog::moves;
use catalog::organizations::{self, NewOrganization, Organization, OrganizationStatus};
use catalog::pg::migrator;
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::standing;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::{CatalogDb, CatalogTx};

pub use self::anonymise::Anonymised;
use self::anonymise::Plan;
use super::post_steps;
use super::purge::{self, budget};
use super::stamp::{self, Found};
use super::{LifecycleError, Owner, Refusal, create_tenant};
use crate::members::{self, Member};
use crate::template::Template;

/// Holds the origin still: it can be read and written, and is neither migrated nor moved nor purged.
#[must_use = "an origin that is let go may be migrated while it is copied"]
pub struct Guard {
    tx: CatalogTx,
    origin: Organization,
    schema: TenantSchema,
}

/// What of the origin is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing but the version of its template: the copy is as a new tenant.
    Schema,
    /// Its records; of its people only the owner may use the copy.
    Records,
    /// Its records, and its people may use the copy as they use the origin.
    RecordsAndMembers,
    /// Its records, in which what the template calls personal is made up; none of its people may use the copy.
    Anonymised,
}

/// The copy to be made.
#[derive(Debug, Clone)]
pub struct NewClone {
    /// The label it will live under.
    pub slug: Slug,
    /// Its name; where there is none the origin's, or the label of an anonymised copy.
    pub name: Option<String>,
    /// Who will own it.
    pub owner: Owner,
    /// What is copied.
    pub content: Content,
}

/// A copy that was just made.
#[derive(Debug, Clone)]
pub struct Cloned {
    /// The organization.
    pub organization: OrganizationId,
    /// Its schema.
    pub schema: SchemaName,
    /// The version of the template it has: the origin's.
    pub template_version: i32,
    /// How many rows were copied.
    pub rows: u64,
    /// What the origin has beside its template, and is therefore not copied: tables by their names, and how many large
    /// objects its roles have made.
    pub left_out: Vec<String>,
    /// What was made up, if that was asked for.
    pub anonymised: Option<Anonymised>,
}

impl Guard {
    /// Takes hold of the tenant of this slug, in a transaction of its own.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], [`CatalogError::NotATenant`]; [`LifecycleError::Refused`] where it was dropped, is of a later
    /// version, or has more objects than may be locked at once; [`LifecycleError::Stamp`].
    pub async fn on(db: &CatalogDb, slug: &Slug, template: &Template) -> Result<Self, LifecycleError> {
        let mut tx = db.begin_unhurried().await?;
        let origin = organizations::lock_by_slug(&mut tx, slug)
            .await?
            .ok_or(CatalogError::NotFound { what: "organization" })?;
        let schema = tenant_schemas::find(&mut tx, origin.id)
            .await?
            .ok_or(CatalogError::NotATenant)?;
        moves::check_home(&mut tx, origin.id).await?;
        match origin.status {
            OrganizationStatus::Cancelled => return Err(Refusal::Dropped.into()),
            // Its copy would be served with all that is kept from being served.
            OrganizationStatus::Suspended => return Err(Refusal::Suspended.into()),
            _ => {}
        }
        let name = &schema.schema;
        migrator::lock(tx.transaction(), name.as_str()).await?;
        // Read again: whoever held that lock may have migrated it.
        let schema = tenant_schemas::find(&mut tx, origin.id).await?.unwrap_or(schema);
        let (version, latest) = (schema.template_version, template.latest());
        if version > latest {
            return Err(Refusal::LaterVersion(version, latest).into());
        }
        let name = &schema.schema;
        if stamp::find(tx.transaction(), name, origin.id).await? != Found::Ours {
            return Err(LifecycleError::Stamp {
                schema: name.clone(),
                organization: origin.id,
            });
        }
        // What is made is locked, and as much of the origin is read at most.
        let needed = 2 * budget::of_schema(tx.transaction(), name).await?;
        let room = budget::room(tx.transaction()).await?;
        if needed > room {
            let what = "copying it".to_owned();
            return Err(Refusal::TooManyLocks { what, needed, room }.into());
        }
        Ok(Self { tx, origin, schema })
    }

    /// Commits the copy and lets the origin go.
    ///
    /// The copy's snapshot may be older than somebody's leaving the label that it takes; the guard sees the present, and
    /// from the moment the copy's row was written nobody else could take the label.
    ///
    /// # Errors
    /// [`CatalogError::SlugRetired`].
    pub async fn commit(
        mut self,
        tx: CatalogTx,
        new: &NewClone,
        made: &Cloned,
    ) -> Result<(), LifecycleError> {
        if standing::rests(&mut self.tx, &new.slug, made.organization).await? {
            return Err(CatalogError::SlugRetired.into());
        }
        tx.commit().await.map_err(CatalogError::from)?;
        // The copy is there, whatever becomes of what held the origin.
        if let Err(error) = self.tx.rollback().await {
            tracing::debug!(
                error = error.explain(),
                "a clone's guard was lost after its COMMIT"
            );
        }
        Ok(())
    }
}

/// Makes the copy within `tx`, which [`CatalogDb::begin_snapshot`] began after the guard had taken hold;
/// [`Guard::commit`] ends it.
pub async fn make(
    tx: &mut CatalogTx,
    guard: &Guard,
    template: &Template,
    new: &NewClone,
    actor: &Actor,
    source: &Source,
) -> Result<Cloned, LifecycleError> {
    let Guard { origin, schema, .. } = guard;
    let version = schema.template_version;
    let is_anonymised = new.content == Content::Anonymised;
    let name = if is_anonymised {
        new.slug.as_str()
    } else {
        &origin.name
    };
    let organization = NewOrganization {
        kind: origin.kind,
        parent: origin.parent,
        slug: new.slug.clone(),
        name: new.name.clone().unwrap_or_else(|| name.to_owned()),
        status: OrganizationStatus::Active,
        contact_email: Some(new.owner.email.clone()),
    };
    let (id, clone) = create_tenant(tx, template, version, &organization, source).await?;
    let mut made = Cloned {
        organization: id,
        schema: clone,
        template_version: version,
        rows: 0,
        left_out: Vec::new(),
        anonymised: None,
    };
    // Before the records: what is made up of people has to be unique where an index says so.
    post_steps::make_as_of(tx, template, origin.id, (id, &made.schema), version, source).await?;
    let people = enter_people(tx, origin.id, id, new, source).await?;
    if new.content != Content::Schema {
        let ids = people.ids();
        let inside = tx.transaction();
        let plan = if is_anonymised {
            Some(Plan::of(inside, &made.schema).await?)
        } else {
            None
        };
        let copied = copy::copy(inside, &schema.schema, &made.schema, &ids, plan.as_ref()).await;
        let copied = copied.map_err(|error| match &plan {
            Some(_) => anonymise::refused(error),
            None => error.into(),
        })?;
        (made.rows, made.left_out) = (copied.rows, copied.left_out);
        match purge::large_objects(inside, &schema.schema).await? {
            0 => {}
            1 => made.left_out.push("1 large object".to_owned()),
            more => made.left_out.push(format!("{more} large objects")),
        }
        made.anonymised = plan.map(Plan::into_told);
    }
    people.mirror(tx, &made.schema).await?;
    let event = AuditEvent::TenantCloned {
        origin: origin.id,
        schema: made.schema.clone(),
        template_version: version,
        rows: i64::try_from(made.rows).unwrap_or(i64::MAX),
        anonymised: is_anonymised,
    };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await?;
    Ok(made)
}

/// The memberships of a copy.
struct People {
    /// The origin's membership, and the copy's.
    pairs: Vec<(memberships::Member, Membership)>,
    /// The owner's, where the origin does not know the person.
    newcomer: Option<(Owner, Membership)>,
    /// The origin's memberships, and the ids in the copy of those who are nobody there.
    nobodies: Vec<(MembershipId, MembershipId)>,
}

async fn enter_people(
    tx: &mut CatalogTx,
    origin: OrganizationId,
    organization: OrganizationId,
    new: &NewClone,
    source: &Source,
) -> Result<People, CatalogError> {
    let known = match new.content {
        Content::Schema => Vec::new(),
        _ => memberships::list(tx, origin).await?,
    };
    let mut people = People {
        pairs: Vec::new(),
        newcomer: None,
        nobodies: Vec::new(),
    };
    let owner = NewMembership {
        organization,
        user: new.owner.user,
        role: MemberRole::Admin,
        is_owner: true,
    };
    for member in known {
        let before = &member.membership;
        if new.content == Content::Anonymised {
            people.nobodies.push((before.id, source.id()));
            continue;
        }
        let is_owner = before.user == owner.user;
        let entered = NewMembership {
            user: before.user,
            role: if is_owner { MemberRole::Admin } else { before.role },
            is_owner,
            ..owner
        };
        let mut entered = memberships::insert(tx, &entered, source).await?;
        let stays = before.active && new.content == Content::RecordsAndMembers;
        if !is_owner && !stays {
            entered = memberships::deactivate(tx, entered.id).await?;
        }
        people.pairs.push((member, entered));
    }
    if people.pairs.iter().all(|(_, entered)| !entered.is_owner) {
        let entered = memberships::insert(tx, &owner, source).await?;
        people.newcomer = Some((new.owner.clone(), entered));
    }
    Ok(people)
}

impl People {
    /// The copy's id for each of the origin's.
    fn ids(&self) -> HashMap<MembershipId, MembershipId> {
        let pairs = self.pairs.iter();
        pairs
            .map(|(before, entered)| (before.membership.id, entered.id))
            .chain(self.nobodies.iter().copied())
            .collect()
    }

    /// Writes what is different from the copied mirror.
    async fn mirror(&self, tx: &mut CatalogTx, schema: &SchemaName) -> Result<(), LifecycleError> {
        for (member, entered) in &self.pairs {
            let before = &member.membership;
            let is_same = (before.role, before.is_owner, before.active)
                == (entered.role, entered.is_owner, entered.active);
            if !is_same {
                let email = member.email.as_str();
                let name = member.display_name.as_deref().unwrap_or(email);
                members::mirror(tx, schema, &Member::of(entered, name, email)).await?;
            }
        }
        let nobodies: Vec<MembershipId> = self.nobodies.iter().map(|(_, id)| *id).collect();
        members::leave(tx, schema, &nobodies).await?;
        if let Some((owner, entered)) = &self.newcomer {
            let row = Member::of(entered, &owner.display_name, &owner.email);
            members::mirror(tx, schema, &row).await?;
        }
        Ok(())
    }
}
