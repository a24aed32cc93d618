//! A tenant made of a container: all of it in the caller's one transaction, or nothing.
//!
//! The schema is built as the template built it at the container's version, filled, read back and held against the hashes of
//! what was sent, and only then brought to the latest version. Nothing of the container becomes a name in SQL: its tables and
//! columns have to be those of the template.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::ids::{MembershipId, OrganizationId};
use catalog::memberships::{self, MemberRole, Membership, NewMembership};
use catalog::organizations::{self, NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, NewTenantSchema};
use catalog::tx::CatalogTx;
use catalog::users::{self, User};
use tokio::io::AsyncRead;

use super::content::{self, Rows, SETTINGS, Sha256};
use super::reference::{self, References};
use super::rows::{Ids, Renaming};
use super::shape::{self, Shape, TableShape};
use super::{ContainerError, Person, Reader};
use crate::lifecycle::clone::open;
use crate::lifecycle::post_steps::{self, Which};
use crate::lifecycle::{self, Owner};
use crate::members::{self, Member};

/// The tenant to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// The label it will live under.
    pub slug: Slug,
    /// Its name; the container's where there is none.
    pub name: Option<String>,
    /// The agency it will belong to; it stands alone where there is none.
    pub parent: Option<OrganizationId>,
    /// Who will own it.
    pub owner: Owner,
    /// Whether its people may use it as before, as far as they have accounts here.
    pub with_members: bool,
}

/// A tenant that was just made.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The organization.
    pub organization: OrganizationId,
    /// Its schema.
    pub schema: SchemaName,
    /// The version of the template that the container had.
    pub from_version: i32,
    /// The one the tenant has.
    pub template_version: i32,
    /// Records that were taken in.
    pub rows: u64,
    /// The content hash of the container.
    pub content: Sha256,
    /// Post-steps of the template that it lacks, as the container's tenant did.
    pub pending_steps: usize,
    /// Members without an account here, who are kept for the records that name them.
    pub without_account: usize,
}

/// What was taken in.
pub(crate) struct Filled {
    pub(crate) rows: u64,
    pub(crate) sha256: Sha256,
    pub(crate) content: Sha256,
}

/// Makes a tenant of its own of a container, within `tx`; the caller commits.
///
/// # Errors
/// Whatever is wrong with the container; what provisioning may be refused for.
pub async fn import<R: AsyncRead + Unpin>(
    tx: &mut CatalogTx,
    references: &References,
    shape: &ImportShape,
    reader: Reader<R>,
    new: &NewTenant,
    actor: &Actor,
    source: &Source,
) -> Result<Imported, ContainerError> {
    let (template, head) = (references.template(), reader.head().clone());
    let (from, latest) = (head.template.version, template.latest());
    let organization = NewOrganization {
        kind: match new.parent {
            Some(_) => OrganizationKind::Client,
            None => OrganizationKind::Standalone,
        },
        parent: new.parent,
        slug: new.slug.clone(),
        name: new.name.clone().unwrap_or_else(|| head.tenant.name.clone()),
        status: OrganizationStatus::Active,
        contact_email: Some(new.owner.email.clone()),
    };
    let organization = organizations::insert(tx, &organization, source).await?.id;
    let schema = SchemaName::from_opaque(source.uuid());
    lifecycle::create_tables(tx, template, from, organization, &schema, source).await?;
    let people = enter_people(tx, organization, &head.people, new, source).await?;
    let filled = Box::pin(fill(tx, &shape.0, &schema, reader, &people.ids)).await?;
    lifecycle::upgrade(tx, template, &schema, from, source).await?;
    let which = Which::Of(&head.post_steps);
    let made = post_steps::make(tx.transaction(), template, &schema, latest, which).await?;
    people.mirror(tx, &schema, new).await?;
    let row = NewTenantSchema {
        organization,
        schema: schema.clone(),
        template_version: latest,
    };
    tenant_schemas::insert(tx, &row, source.now()).await?;
    post_steps::note(tx, template, organization, &made, source).await?;
    let event = AuditEvent::TenantImported {
        origin: head.tenant.id,
        schema: schema.clone(),
        template_version: latest,
        rows: i64::try_from(filled.rows).unwrap_or(i64::MAX),
        content: filled.content.to_string(),
    };
    audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    Ok(Imported {
        organization,
        schema,
        from_version: from,
        template_version: latest,
        rows: filled.rows,
        content: filled.content,
        pending_steps: template.post_steps(latest).count() - made.len(),
        without_account: people.strangers.len(),
    })
}

/// The tables into which a container fits, which is known before anything is written.
pub struct ImportShape(Shape);

impl ImportShape {
    pub(crate) fn shape(&self) -> &Shape {
        &self.0
    }

    /// Holds the container against the template.
    ///
    /// # Errors
    /// [`ContainerError::Unfit`] for a container of a later version, of other files, or with other tables or columns.
    pub async fn of<R: AsyncRead + Unpin>(
        db: &catalog::tx::CatalogDb,
        references: &References,
        reader: &Reader<R>,
    ) -> Result<Self, ContainerError> {
        let (template, head) = (references.template(), reader.head());
        let version = head.template.version;
        let known = reference::files(template, version).files;
        if let Some(misfit) = head.template.misfit(template.latest(), &known) {
            return Err(ContainerError::Unfit(misfit));
        }
        let reference = references.get(db, version).await?;
        let mut tables = Vec::with_capacity(head.tables.len());
        for table in &head.tables {
            let same = reference.tables.iter().find(|known| known.name == table.name);
            let same =
                same.ok_or_else(|| unfit(&table.name, "is in the container and not in the template"))?;
            tables.push(in_order(same, &table.columns)?);
        }
        let lacking = reference
            .tables
            .iter()
            .find(|known| head.tables.iter().all(|table| table.name != known.name));
        if let Some(lacking) = lacking {
            return Err(unfit(
                &lacking.name,
                "is in the template and not in the container",
            ));
        }
        let carried: HashSet<&str> = head.sequences.iter().map(|one| one.name.as_str()).collect();
        let known: HashSet<&str> = reference.sequences.iter().map(String::as_str).collect();
        if let Some(different) = carried.symmetric_difference(&known).next() {
            return Err(unfit(
                different,
                "is a sequence of only one of container and template",
            ));
        }
        let sequences = reference.sequences.clone();
        Ok(Self(Shape { tables, sequences }))
    }
}

/// The table with its columns in the container's order.
fn in_order(known: &TableShape, columns: &[String]) -> Result<TableShape, ContainerError> {
    let by_name: HashMap<&str, _> = known
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column))
        .collect();
    let full = |column: &str| format!("{}.{column}", known.name);
    let mut ordered = Vec::with_capacity(columns.len());
    for name in columns {
        let column = by_name.get(name.as_str());
        let column =
            column.ok_or_else(|| unfit(&full(name), "is in the container and not in the template"))?;
        ordered.push((*column).clone());
    }
    if let Some(lacking) = known
        .columns
        .iter()
        .find(|column| !columns.contains(&column.name))
    {
        return Err(unfit(
            &full(&lacking.name),
            "is in the template and not in the container",
        ));
    }
    Ok(TableShape {
        columns: ordered,
        ..known.clone()
    })
}

fn unfit(name: &str, why: &str) -> ContainerError {
    let name: String = name.chars().take(130).collect();
    ContainerError::Unfit(format!("{name:?} {why}"))
}

/// Fills a new schema, which nobody else can see yet and `search_path` is on, and proves that it holds what was sent.
pub(crate) async fn fill<R: AsyncRead + Unpin>(
    tx: &mut CatalogTx,
    shape: &Shape,
    schema: &SchemaName,
    mut reader: Reader<R>,
    ids: &Ids,
) -> Result<Filled, ContainerError> {
    let opened = open::open(tx.transaction(), schema).await?;
    tx.transaction().batch(SETTINGS).await?;
    let mut sent = Vec::with_capacity(shape.tables.len());
    while let Some(number) = reader.next_table().await? {
        let table = &shape.tables[number];
        let mut renaming = Renaming::of(table, ids);
        let mut rows = Rows::default();
        let sql = shape::copy_in(schema, table)?;
        let mut copying = tx.transaction().copy_in(&sql).await?;
        while let Some(piece) = reader.next_rows().await? {
            let piece = match &mut renaming {
                Some(renaming) => renaming.apply(&piece),
                None => piece,
            };
            rows.take(&piece);
            copying.send(Bytes::from(piece)).await?;
        }
        copying.finish().await?;
        sent.push(rows.finish().unwrap_or_default());
    }
    for sequence in &reader.head().sequences.clone() {
        let name = shape::qualified(schema, &sequence.name)?;
        let value = (&sequence.last_value, &sequence.is_called);
        tx.transaction()
            .rows(SET_SEQUENCE, &[&name, value.0, value.1])
            .await?;
    }
    let sealed = reader.finish().await?;
    tx.transaction().batch("set local row_security = on").await?;
    open::close(tx.transaction(), opened).await?;
    let found = content::of_schema(tx, schema, shape).await?;
    if let Some((table, _)) = shape
        .tables
        .iter()
        .zip(found.iter().zip(&sent))
        .find(|(_, (found, sent))| found != sent)
    {
        let name = &table.name;
        return Err(ContainerError::Altered(format!(
            "the rows of {name:?} were read back otherwise than they were sent"
        )));
    }
    tx.transaction().batch("set local row_security = on").await?;
    Ok(Filled {
        sha256: sealed.sha256,
        rows: sealed.closing.rows,
        content: sealed.closing.content,
    })
}

/// The people of a container, as they are entered here.
struct People {
    ids: Ids,
    /// Who has an account here, and what the membership is.
    entered: Vec<(User, Membership)>,
    /// What takes the place of the memberships of those who have none.
    strangers: Vec<MembershipId>,
}

async fn enter_people(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    carried: &[Person],
    new: &NewTenant,
    source: &Source,
) -> Result<People, ContainerError> {
    let mut people = People {
        ids: Ids::default(),
        entered: Vec::new(),
        strangers: Vec::new(),
    };
    let owner = NewMembership {
        organization,
        user: new.owner.user,
        role: MemberRole::Admin,
        is_owner: true,
    };
    for person in carried {
        let id = if let Some(user) = account(tx, person).await? {
            let is_owner = user.id == owner.user;
            let entered = NewMembership {
                user: user.id,
                role: if is_owner { MemberRole::Admin } else { person.role },
                is_owner,
                ..owner
            };
            let mut entered = memberships::insert(tx, &entered, source).await?;
            // An address that nobody has verified may be a stranger's choice.
            let stays = new.with_members && person.active && user.email_verified_at.is_some();
            if !is_owner && !stays {
                entered = memberships::deactivate(tx, entered.id).await?;
            }
            people.ids.users.insert(person.user.uuid(), user.id.uuid());
            let id = entered.id;
            people.entered.push((user, entered));
            id
        } else {
            let id = source.id();
            people.strangers.push(id);
            id
        };
        people.ids.memberships.insert(person.membership.uuid(), id.uuid());
    }
    if people.entered.iter().all(|(_, entered)| !entered.is_owner) {
        let entered = memberships::insert(tx, &owner, source).await?;
        if let Some(user) = users::find(tx, owner.user).await? {
            people.entered.push((user, entered));
        }
    }
    Ok(people)
}

/// The account of a person here: the very one, or the one with the same address.
async fn account(tx: &mut CatalogTx, person: &Person) -> Result<Option<User>, ContainerError> {
    match users::find(tx, person.user).await? {
        Some(user) => Ok(Some(user)),
        None => Ok(users::find_by_email(tx, &person.email).await?),
    }
}

impl People {
    /// Writes into the tenant's mirror what is different from the container's.
    async fn mirror(
        &self,
        tx: &mut CatalogTx,
        schema: &SchemaName,
        new: &NewTenant,
    ) -> Result<(), ContainerError> {
        members::leave(tx, schema, &self.strangers).await?;
        for (user, membership) in &self.entered {
            let email = user.email.as_str();
            let name = match user.display_name.as_deref() {
                None if user.id == new.owner.user => new.owner.display_name.as_str(),
                name => name.unwrap_or(email),
            };
            members::mirror(tx, schema, &Member::of(membership, name, email)).await?;
        }
        Ok(())
    }
}

pub(crate) const SET_SEQUENCE: &str = "\
select pg_catalog.setval($1::text::regclass, $2, $3) as value";
