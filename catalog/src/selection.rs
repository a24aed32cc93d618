//! Which tenants a command of the fleet is about: all, those that are named, or those the catalog knows certain things of.
//!
//! A [`Selection`] is read from what was typed, and asked of the catalog in one statement whose values are parameters.

mod compiled;
pub mod condition;

use std::collections::BTreeSet;
use std::fmt;

use self::compiled::Compiled;
pub use self::condition::{Condition, ConditionError};
use crate::error::CatalogError;
use crate::nearest::nearest;
use crate::organizations::OrganizationKind;
use crate::row::Columns;
use crate::slug::Slug;
use crate::tenant_schemas::{self, TenantSchema, is_here};
use crate::tx::CatalogTx;

/// Some of the fleet. Tenants that were dropped belong to it until they are purged, as they may come back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// Every tenant.
    #[default]
    All,
    /// These, every one of which must be there.
    Only(Vec<Slug>),
    /// Those for which all of these hold.
    Where(Vec<Condition>),
}

/// Why tenants cannot be selected.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// Nobody lives under these slugs.
    #[error("{}", unknown(slugs))]
    Unknown {
        /// The slugs, in their order.
        slugs: Vec<Slug>,
        /// The slug in use that is nearest to the first of them.
        nearest: Option<Slug>,
    },
    /// An organization is no tenant.
    #[error("{slug} is no tenant: an organization of kind {kind} has no schema")]
    NotATenant {
        /// Its slug.
        slug: Slug,
        /// What it is.
        kind: OrganizationKind,
    },
    /// A failure beneath.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl Selection {
    /// Whether it leaves out nobody.
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// The statement's conditions on `o`, the organizations, and `t`, their schemas.
    pub(crate) fn compiled(&self, first_parameter: usize) -> Compiled {
        let mut compiled = Compiled::new(first_parameter);
        match self {
            Self::All => {}
            Self::Only(slugs) => compiled.only(slugs),
            Self::Where(conditions) => conditions.iter().for_each(|condition| compiled.and(condition)),
        }
        compiled
    }

    /// The tenants, by their slugs, byte by byte: the same order everywhere.
    ///
    /// # Errors
    /// [`SelectionError::Unknown`], [`SelectionError::NotATenant`]: where tenants are named, each must be there.
    pub async fn tenants(&self, tx: &mut CatalogTx) -> Result<Vec<TenantSchema>, SelectionError> {
        let compiled = self.compiled(1);
        let sql = compiled.after(TENANTS, TENANTS_ORDER);
        let rows = tx
            .rows(&sql, &compiled.params())
            .await
            .map_err(CatalogError::from)?;
        let tenants: Vec<TenantSchema> = rows
            .iter()
            .map(tenant_schemas::tenant_schema)
            .collect::<Result<_, _>>()?;
        if let Self::Only(slugs) = self {
            let found: BTreeSet<&Slug> = tenants.iter().map(|tenant| &tenant.slug).collect();
            let missing: Vec<&Slug> = slugs.iter().filter(|slug| !found.contains(slug)).collect();
            if let Some(kind) = self.check(tx, &missing).await? {
                let slug = missing[0].clone();
                return Err(SelectionError::NotATenant { slug, kind });
            }
        }
        Ok(tenants)
    }

    /// That each of these organizations is there; the kind of the first.
    ///
    /// # Errors
    /// [`SelectionError::Unknown`].
    pub(crate) async fn check(
        &self,
        tx: &mut CatalogTx,
        named: &[&Slug],
    ) -> Result<Option<OrganizationKind>, SelectionError> {
        if named.is_empty() {
            return Ok(None);
        }
        let mut known: Vec<(Slug, OrganizationKind)> = Vec::new();
        for row in tx.rows(KINDS, &[]).await.map_err(CatalogError::from)? {
            let columns = Columns::new(&row, "organizations");
            known.push((columns.parse("slug")?, columns.parse("kind")?));
        }
        let kind_of = |slug: &Slug| {
            known
                .iter()
                .find(|(other, _)| other == slug)
                .map(|(_, kind)| *kind)
        };
        let slugs: Vec<Slug> = named
            .iter()
            .filter(|slug| kind_of(slug).is_none())
            .map(|slug| (*slug).clone())
            .collect();
        match slugs.first() {
            None => Ok(kind_of(named[0])),
            Some(first) => {
                let near = nearest(first.as_str(), known.iter().map(|(slug, _)| slug.as_str()));
                let nearest = near.and_then(|slug| slug.parse().ok());
                Err(SelectionError::Unknown { slugs, nearest })
            }
        }
    }
}

/// As it is typed, without the quotes of a shell.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("--all"),
            Self::Only(slugs) => {
                let slugs: Vec<&str> = slugs.iter().map(Slug::as_str).collect();
                write!(f, "--only {}", slugs.join(","))
            }
            Self::Where(conditions) => {
                let conditions: Vec<String> = conditions
                    .iter()
                    .map(|condition| format!("--where {condition}"))
                    .collect();
                f.write_str(&conditions.join(" "))
            }
        }
    }
}

fn unknown(slugs: &[Slug]) -> String {
    let names: Vec<&str> = slugs.iter().map(Slug::as_str).collect();
    match names[..] {
        [one] => format!("there is no organization {one}"),
        _ => format!("there are no organizations {}", names.join(", ")),
    }
}

/// The statements of every condition there can be, for the test that prepares all of them.
pub(crate) fn statements() -> Vec<String> {
    let of = |selection: Selection| selection.compiled(1).after(TENANTS, TENANTS_ORDER);
    let named = Selection::Only(Vec::new());
    let each = condition::one_of_each()
        .into_iter()
        .map(|condition| Selection::Where(vec![condition]));
    [Selection::All, named].into_iter().chain(each).map(of).collect()
}

const TENANTS: &str = concat!(
    "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, t.created_at, t.migrated_at, \
      t.last_error, t.pinned_version, t.engine_version \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    where ",
    is_here!("t"),
    " and o.deleted_at is null"
);

const TENANTS_ORDER: &str = " order by o.slug collate \"C\"";

const KINDS: &str = "select o.slug, o.kind from catalog.organizations o where o.deleted_at is null";

pub(crate) const STATEMENTS: &[&str] = &[TENANTS, KINDS];

#[cfg(test)]
mod tests {
    use super::*;

    fn wheres(conditions: &[&str]) -> Selection {
        let read = |text: &&str| text.parse().expect("a condition");
        Selection::Where(conditions.iter().map(read).collect())
    }

    #[test]
    fn it_reads_as_it_was_typed() {
        let slugs = ["acme", "globex"].map(|slug| slug.parse().expect("a slug"));
        assert_eq!(Selection::Only(slugs.to_vec()).to_string(), "--only acme,globex");
        assert_eq!(Selection::All.to_string(), "--all");
        let both = wheres(&["status = active", "version<8"]);
        assert_eq!(both.to_string(), "--where status=active --where version<8");
    }

    #[test]
    fn values_are_parameters_and_never_text() {
        let nasty = "'; drop schema catalog cascade; --";
        let both = wheres(&[&format!("name~{nasty}"), &format!("slug={nasty}")]);
        let compiled = both.compiled(1);
        let sql = compiled.after("select", "");
        assert!(!sql.contains("drop"), "{sql}");
        assert_eq!(compiled.params().len(), 2);
        assert!(
            sql.contains("$1") && sql.contains("$2") && !sql.contains("$3"),
            "{sql}"
        );
    }
}
