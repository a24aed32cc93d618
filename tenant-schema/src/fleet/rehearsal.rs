//! A rehearsal: the migrations are applied to a tenant statement by statement, what each does is looked at, and all of it
//! is rolled back. It takes the locks that the migration will take, for as long as it lasts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use catalog::migration_runs::Failure;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;

use super::attempt::enter;
use super::{Fleet, Plan, Step, failed};
use crate::lifecycle::LifecycleError;
use crate::template_check::statements;

/// What the migration of a tenant would do.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// The tenant.
    pub slug: Slug,
    /// The version it has.
    pub from: i32,
    /// The version it would have.
    pub to: i32,
    /// The statements that were carried out, in their order.
    pub statements: Vec<Rehearsed>,
    /// Why it would fail.
    pub failure: Option<Failure>,
}

/// What a statement did.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// The template's file, without its ending.
    pub file: String,
    /// The line it begins on, counted from one.
    pub line: usize,
    /// The statement.
    pub statement: String,
    /// How long it took, the time on the network included.
    pub took: Duration,
    /// The locks it took on relations that were there before.
    pub locks: Vec<Lock>,
    /// The tables and materialized views that were there before and were written anew.
    pub rewrites: Vec<String>,
}

/// A lock on a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    /// The relation; with its schema where that is not the tenant's.
    pub relation: String,
    /// PostgreSQL's name of the mode, such as `AccessExclusiveLock` (documentation, section 13.3.1).
    pub mode: String,
}

impl Plan {
    /// The first tenant of each version.
    pub fn one_of_each_version(&self) -> Vec<&Step> {
        let mut seen = BTreeSet::new();
        let is_first = |step: &&Step| seen.insert((step.tenant.template_version, step.to));
        self.steps.iter().filter(is_first).collect()
    }
}

impl Fleet<'_> {
    /// Rehearses a tenant's migration. A statement that fails ends it, and is part of what it tells.
    pub async fn rehearse(&self, step: &Step) -> Result<Rehearsal, LifecycleError> {
        let mut tx = self.db.begin_patient(self.settings.lock_timeout).await?;
        let (organization, schema) = (step.tenant.organization, &step.tenant.schema);
        let mut rehearsal = Rehearsal {
            slug: step.tenant.slug.clone(),
            from: step.tenant.template_version,
            to: step.to,
            statements: Vec::new(),
            failure: None,
        };
        let outcome = async {
            enter(&mut tx, organization, schema).await?.history?;
            self.go_through(tx.transaction(), schema, &mut rehearsal).await
        };
        if let Err(error) = outcome.await {
            rehearsal.failure = Some(failed::in_full(&error));
        }
        tx.rollback().await?;
        Ok(rehearsal)
    }

    async fn go_through(
        &self,
        tx: &mut Transaction,
        schema: &SchemaName,
        rehearsal: &mut Rehearsal,
    ) -> Result<(), LifecycleError> {
        let mut watch = Watch::begin(tx, schema).await?;
        let (from, to) = (rehearsal.from, rehearsal.to);
        for (file, text) in self.template.migrations().between(from, to) {
            for place in statements::places(text) {
                let statement = text[place.clone()].to_owned();
                let began = Instant::now();
                if let Err(error) = tx.batch(&statement).await {
                    rehearsal.failure = Some(Failure {
                        statement: Some(statement),
                        ..failed::in_full(&error.into())
                    });
                    return Ok(());
                }
                let took = began.elapsed();
                let (locks, rewrites) = watch.look(tx, schema).await?;
                rehearsal.statements.push(Rehearsed {
                    file: file.clone(),
                    line: text[..place.start].matches('\n').count() + 1,
                    statement,
                    took,
                    locks,
                    rewrites,
                });
            }
        }
        Ok(())
    }
}

/// What was there and what has been seen since.
struct Watch {
    storage: HashMap<u32, Option<u32>>,
    locks: HashSet<(u32, String)>,
}

impl Watch {
    async fn begin(tx: &mut Transaction, schema: &SchemaName) -> Result<Self, PgError> {
        let mut watch = Self {
            storage: HashMap::new(),
            locks: HashSet::new(),
        };
        for row in tx.rows(STORAGE, &[&schema.as_str()]).await? {
            watch.storage.insert(row.get("oid"), row.get("filenode"));
        }
        watch.look(tx, schema).await?;
        Ok(watch)
    }

    /// What is new since it was looked last.
    async fn look(
        &mut self,
        tx: &mut Transaction,
        schema: &SchemaName,
    ) -> Result<(Vec<Lock>, Vec<String>), PgError> {
        let mut locks = Vec::new();
        for row in tx.rows(LOCKS, &[&schema.as_str()]).await? {
            let (oid, mode): (u32, String) = (row.get("oid"), row.get("mode"));
            let is_new = self.locks.insert((oid, mode.clone()));
            // In the tenant's schema, what was made in this transaction is locked too, but nobody else sees it.
            let was_there = !row.get::<_, bool>("own") || self.storage.contains_key(&oid);
            if is_new && was_there {
                let relation = row.get("relation");
                locks.push(Lock { relation, mode });
            }
        }
        locks.sort();
        let mut rewrites = Vec::new();
        for row in tx.rows(STORAGE, &[&schema.as_str()]).await? {
            let filenode: Option<u32> = row.get("filenode");
            let known = self.storage.get_mut(&row.get::<_, u32>("oid"));
            if let Some(before) = known.filter(|before| **before != filenode) {
                *before = filenode;
                if row.get("table") {
                    rewrites.push(row.get("relation"));
                }
            }
        }
        Ok((locks, rewrites))
    }
}

pub(crate) const STORAGE: &str = "\
select c.oid, pg_catalog.quote_ident(c.relname) as relation, c.relkind in ('r', 'm') as table,
       pg_catalog.pg_relation_filenode(c.oid) as filenode
  from pg_catalog.pg_class c where c.relnamespace = $1::text::regnamespace order by c.relname";

pub(crate) const LOCKS: &str = "\
select c.oid, l.mode, c.relnamespace = $1::text::regnamespace as own,
       case when c.relnamespace <> $1::text::regnamespace then pg_catalog.quote_ident(n.nspname) || '.' else '' end
         || pg_catalog.quote_ident(c.relname) as relation
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.granted
   and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
   and n.nspname not in ('pg_catalog', 'pg_toast', 'catalog')";
