//! What a container says of itself, and what it may say: names and numbers from outside are checked before they are used.

use std::collections::HashSet;

use catalog::email::EmailAddress;
use catalog::ids::{MembershipId, OrganizationId, UserId};
use catalog::memberships::MemberRole;
use catalog::organizations::{OrganizationKind, OrganizationStatus};
use catalog::slug::Slug;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ContainerError;
use super::content::{Sha256, TableContent};

/// The longest name of PostgreSQL's, in bytes (documentation, section 4.1.1).
const LONGEST_NAME: usize = 63;

/// The beginning of a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// The program that wrote it.
    pub made_by: String,
    /// When its snapshot was taken.
    pub made_at: DateTime<Utc>,
    /// The version of PostgreSQL it was read from.
    pub postgresql: String,
    /// Whose records they are.
    pub tenant: TenantInfo,
    /// What its tables are made of.
    pub template: TemplateFiles,
    /// The names of the template's post-steps that it had.
    #[serde(default)]
    pub post_steps: Vec<String>,
    /// Its people, since records name them.
    pub people: Vec<Person>,
    /// Its tables, in the order in which they follow.
    pub tables: Vec<Table>,
    /// Where its sequences are.
    pub sequences: Vec<Sequence>,
    /// Tables and columns that somebody made beside the template, which are not in the container.
    pub left_out: Vec<String>,
}

/// The tenant, as the catalog knew it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TenantInfo {
    /// The organization's id.
    pub id: OrganizationId,
    /// The label it lived under.
    pub slug: Slug,
    /// The name people read.
    pub name: String,
    /// Client or standalone.
    pub kind: OrganizationKind,
    /// Whether it was served.
    pub status: OrganizationStatus,
}

/// The template's files, as far as the tenant had them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFiles {
    /// The number of the last one.
    pub version: i32,
    /// Name and checksum of each.
    pub files: Vec<String>,
}

/// A member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// The membership, which records refer to.
    pub membership: MembershipId,
    /// The account.
    pub user: UserId,
    /// The account's address.
    pub email: EmailAddress,
    /// The name to show.
    pub display_name: Option<String>,
    /// What the person might do.
    pub role: MemberRole,
    /// Whether the person answered for the organization.
    pub is_owner: bool,
    /// Whether the membership granted anything.
    pub active: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The columns of its rows, in their order; generated ones are computed again.
    pub columns: Vec<String>,
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The last number.
    pub last_value: i64,
    /// Whether that was given already.
    pub is_called: bool,
}

/// The end of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What was in each table, in the order of the head.
    pub tables: Vec<TableContent>,
    /// The rows of all of them.
    pub rows: u64,
    /// The content hash of the tenant.
    pub content: Sha256,
}

impl Head {
    /// The person who answered for the organization.
    pub fn owner(&self) -> Option<&Person> {
        self.people.iter().find(|person| person.is_owner)
    }

    pub(super) fn read(json: &[u8]) -> Result<Self, ContainerError> {
        let head: Self =
            serde_json::from_slice(json).map_err(|error| malformed(&format!("its head: {error}")))?;
        let mut tables = HashSet::new();
        for table in &head.tables {
            check_name(&table.name)?;
            if !tables.insert(&table.name) {
                return Err(malformed(&format!("it names the table {:?} twice", table.name)));
            }
            let mut columns = HashSet::new();
            for column in &table.columns {
                check_name(column)?;
                if !columns.insert(column) {
                    return Err(malformed(&format!(
                        "it names the column {column:?} of {:?} twice",
                        table.name
                    )));
                }
            }
            if table.columns.is_empty() {
                return Err(malformed(&format!("the table {:?} has no columns", table.name)));
            }
        }
        for sequence in &head.sequences {
            check_name(&sequence.name)?;
        }
        let memberships: HashSet<_> = head.people.iter().map(|person| person.membership).collect();
        let users: HashSet<_> = head.people.iter().map(|person| person.user).collect();
        if memberships.len() < head.people.len() || users.len() < head.people.len() {
            return Err(malformed("it names a person twice"));
        }
        if !head.tenant.kind.is_tenant() {
            return Err(malformed("it is of an organization that is no tenant"));
        }
        Ok(head)
    }
}

fn check_name(name: &str) -> Result<(), ContainerError> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
        let shown: String = name.chars().take(80).collect();
        return Err(malformed(&format!(
            "{shown:?} is no name of a table, column or sequence"
        )));
    }
    Ok(())
}

fn malformed(what: &str) -> ContainerError {
    ContainerError::Malformed(what.to_owned())
}

impl TemplateFiles {
    /// Why a tenant of these files cannot become one of a template with those, if it cannot: later, changed, or another.
    pub(super) fn misfit(&self, latest: i32, known: &[String]) -> Option<String> {
        let version = self.version;
        if version > latest {
            return Some(format!(
                "the container is of template version {version}, and this program's latest is {latest}"
            ));
        }
        if self.files == known {
            return None;
        }
        let pairs = self.files.iter().zip(known);
        let different = pairs.into_iter().find(|(carried, known)| carried != known);
        Some(match different {
            Some((carried, known)) if name(carried) == name(known) => format!(
                "the template's file {} was changed since the container was made",
                name(known)
            ),
            Some((carried, known)) => format!(
                "the container is of another template: it has {} where this one has {}",
                name(carried),
                name(known)
            ),
            None => "the container is of another template: the number of its files is different".to_owned(),
        })
    }
}

fn name(file: &str) -> String {
    let name = file.split(' ').next().unwrap_or(file);
    name.chars().take(80).collect()
}
