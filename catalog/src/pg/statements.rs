//! Prepared statements by scope: what one connection remembers of what it was asked.
//!
//! A statement belongs to a scope, since a name in it means another table under another `search_path`.

use std::hash::BuildHasher;
use std::num::NonZeroUsize;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lru::LruCache;

/// The longest statement text that is remembered and prepared, in bytes: a plan takes some hundred times that.
const LONGEST: usize = 8 * 1024;

/// The prepared statements of one connection; the least recently used goes first.
pub(super) struct Statements<T> {
    kept: LruCache<u64, Kept<T>>,
    /// Seeded per connection. A statement is a kilobyte of text and hashed for every request, so a fast hash counts.
    hasher: RandomState,
}

struct Kept<T> {
    scope: Arc<str>,
    sql: Box<str>,
    statement: T,
}

impl<T> Statements<T> {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self {
            kept: LruCache::new(most),
            hasher: RandomState::default(),
        }
    }

    /// Whether a statement is short enough to be kept.
    pub(super) fn keeps(sql: &str) -> bool {
        sql.len() <= LONGEST
    }

    /// The statement prepared for this text in this scope.
    pub(super) fn get(&mut self, scope: &str, sql: &str) -> Option<&T> {
        let key = self.key(scope, sql);
        // Two texts with one hash are told apart: correctness never rests on the hash.
        let found = self.kept.get(&key)?;
        (*found.scope == *scope && *found.sql == *sql).then_some(&found.statement)
    }

    /// Keeps a statement and returns the one that had to make way for it.
    pub(super) fn keep(&mut self, scope: &Arc<str>, sql: &str, statement: T) -> Option<T> {
        let kept = Kept {
            scope: Arc::clone(scope),
            sql: sql.into(),
            statement,
        };
        let (_, displaced) = self.kept.push(self.key(scope, sql), kept)?;
        Some(displaced.statement)
    }

    /// Forgets a statement, and returns it.
    pub(super) fn forget(&mut self, scope: &str, sql: &str) -> Option<T> {
        let key = self.key(scope, sql);
        Some(self.kept.pop(&key)?.statement)
    }

    /// The hash of a text, by this connection's own hasher.
    pub(super) fn hash(&self, sql: &str) -> u64 {
        self.hasher.hash_one(sql)
    }

    fn key(&self, scope: &str, sql: &str) -> u64 {
        self.hasher.hash_one((scope, sql))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_found_in_its_own_scope_only_and_the_oldest_makes_way() {
        let mut statements = Statements::new(NonZeroUsize::new(2).expect("2 is not zero"));
        let (acme, globex): (Arc<str>, Arc<str>) = ("acme".into(), "globex".into());
        assert_eq!(statements.keep(&acme, "select 1", 1), None);
        assert_eq!(statements.get("acme", "select 1"), Some(&1));
        assert_eq!(statements.get("globex", "select 1"), None);
        assert_eq!(statements.keep(&globex, "select 1", 2), None);
        assert_eq!(statements.get("acme", "select 1"), Some(&1));
        assert_eq!(
            statements.keep(&acme, "select 2", 3),
            Some(2),
            "the least recently used"
        );
        assert_eq!(statements.keep(&acme, "select 2", 4), Some(3), "prepared anew");
        assert_eq!(statements.forget("acme", "select 2"), Some(4));
        assert_eq!(statements.get("acme", "select 2"), None);
    }

    #[test]
    fn a_long_text_is_not_kept() {
        assert!(Statements::<u8>::keeps(&"x".repeat(LONGEST)));
        assert!(!Statements::<u8>::keeps(&"x".repeat(LONGEST + 1)));
    }
}
