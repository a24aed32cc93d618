//! A cache before [`resolve`]: almost every request finds its tenant here, without asking the database.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::changes::{Change, ChangeFeed, Generation};
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::limits::Storage;
use crate::resolve::{self, ActiveTenant, Resolution};
use crate::slug::Slug;
use crate::tx::CatalogDb;

/// The most slugs remembered. Enough for a large fleet; a client that asks for host names at random cannot make the
/// cache any larger.
const CAPACITY: u64 = 20_000;

/// However good the feed is, nothing is believed for longer than this. It is long: of thousands of tenants some would
/// always have just been forgotten, and it is their requests by which the slowest are counted.
const OLDEST: Duration = Duration::from_mins(10);

/// Slug to tenant, remembered until the feed says that the organization changed.
#[derive(Debug, Clone)]
pub struct Resolver {
    db: CatalogDb,
    feed: Arc<ChangeFeed>,
    found: Cache<Slug, Found>,
}

/// What a slug meant when it was asked for.
#[derive(Debug, Clone)]
struct Found {
    then: Generation,
    /// Whose slug it is, even where the resolution does not say.
    organization: Option<OrganizationId>,
    resolution: Resolution,
}

/// Once for as long as it is remembered, not once a request.
fn tell_of_storage(tenant: &ActiveTenant) {
    let (is_full, room) = match tenant.limits().storage() {
        Storage::Within => return,
        Storage::Beyond(room) => (false, room),
        Storage::Full(room) => (true, room),
    };
    let slug = tenant.slug().as_str();
    tracing::warn!(slug, used = room.used, is_full, "a tenant is beyond its storage");
}

impl Resolver {
    /// A resolver that remembers for as long as the feed has heard of no change.
    pub fn new(db: CatalogDb, feed: Arc<ChangeFeed>) -> Self {
        let found = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(OLDEST)
            .build();
        Self { db, feed, found }
    }

    /// What the slug means now.
    pub async fn resolve(&self, slug: &Slug) -> Result<Resolution, CatalogError> {
        if let Some(found) = self.found.get(slug)
            && self.holds(slug, &found)
        {
            return Ok(found.resolution);
        }
        let then = self.feed.generation();
        let mut tx = self.db.begin().await?;
        let (organization, resolution) = resolve::look_up(&mut tx, slug).await?;
        tx.commit().await?;
        if let Resolution::Active(tenant) = &resolution {
            tell_of_storage(tenant);
        }
        if let Some(then) = then {
            let found = Found {
                then,
                organization,
                resolution: resolution.clone(),
            };
            self.found.insert(slug.clone(), found);
        }
        Ok(resolution)
    }

    /// Forgets what the slug meant: somebody has seen that it is no longer so before the feed told.
    pub fn forget(&self, slug: &Slug) {
        self.found.invalidate(slug);
    }

    /// A slug that is somebody's means the same until that organization changes (a move to another slug is such a
    /// change), one that is nobody's until somebody takes it.
    fn holds(&self, slug: &Slug, found: &Found) -> bool {
        let part = match found.organization {
            Some(id) => Change::Organization(id),
            None => Change::Slug(slug.clone()),
        };
        self.feed.holds(found.then, &[part])
    }
}
