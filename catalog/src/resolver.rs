//! Resolving with a memory: what the hot path asks, answered without a network flight.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::changes::{Change, ChangeFeed};
use crate::error::CatalogError;
use crate::resolve::{self, Resolution};
use crate::slug::Slug;
use crate::tx::CatalogDb;

/// The most slugs remembered: a fleet's worth, and a bound on what inventors of host names can occupy.
const CAPACITY: u64 = 20_000;

/// However good the feed is, nothing is believed for longer than this.
const OLDEST: Duration = Duration::from_mins(1);

/// Slug to tenant, remembered until the feed says that the organization changed.
#[derive(Debug, Clone)]
pub struct Resolver {
    db: CatalogDb,
    feed: Arc<ChangeFeed>,
    found: Cache<Slug, Resolution>,
}

impl Resolver {
    /// A resolver that forgets as the feed says.
    pub fn new(db: CatalogDb, feed: Arc<ChangeFeed>) -> Self {
        let found = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(OLDEST)
            .support_invalidation_closures()
            .build();
        let forget = found.clone();
        feed.subscribe(move |change| match change {
            // A slug that meant nobody may mean this organization now, so those are forgotten with it.
            Change::Organization(id) => {
                let same =
                    move |_: &Slug, r: &Resolution| r.organization_id().is_none_or(|found| found == id);
                if forget.invalidate_entries_if(same).is_err() {
                    forget.invalidate_all();
                }
            }
            Change::Anything => forget.invalidate_all(),
            Change::Session(_) | Change::Key(_) | Change::User(_) => {}
        });
        Self { db, feed, found }
    }

    /// What the slug means now.
    pub async fn resolve(&self, slug: &Slug) -> Result<Resolution, CatalogError> {
        let then = self.feed.generation();
        if then.is_some()
            && let Some(found) = self.found.get(slug)
        {
            return Ok(found);
        }
        let mut tx = self.db.begin().await?;
        let resolution = resolve::by_slug(&mut tx, slug).await?;
        tx.commit().await?;
        if self.feed.may_cache(then) {
            self.found.insert(slug.clone(), resolution.clone());
            // A change between the question and the insert would have found nothing to forget.
            if !self.feed.may_cache(then) {
                self.found.invalidate(slug);
            }
        }
        Ok(resolution)
    }
}
