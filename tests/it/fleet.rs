//! The fleet: many tenants of a small template, brought to its next version.

mod at_once;
mod baseline;
mod foreign;
mod locks;
mod post_steps;
mod rehearsal;
mod rights;
mod truth;
mod waves;

use std::num::NonZeroUsize;
use std::sync::Mutex;

use catalog::actor::Actor;
use catalog::migration_runs::report::{self, FailedTenant, RunReport};
use catalog::schema_name::SchemaName;
use futures_util::future::join_all;
use tempfile::TempDir;
use tenant_schema::fleet::{
    Ended, Event, Fleet, FleetError, Migrated, Plan, Settings, Step, StopSignal, Waves,
};
use tenant_schema::lifecycle;
use tenant_schema::template::Template;
use tests::TestDb;
use tests::tenant::{owner, standalone};

/// The first version of the template of these tests.
const NOTES: &str = "\
create table notes (id uuid not null default gen_random_uuid(), amount integer not null default 0,
  constraint notes_pkey primary key (id));
comment on table notes is 'Notes.'";

/// The second.
const LABELS: &str = "\
-- Makes something, and changes something.
create table labels (id uuid not null, constraint labels_pkey primary key (id));
comment on table labels is 'Labels.';
alter table notes add column place integer not null default 0;
create index notes_place_idx on notes (place)";

/// Takes both tenants back to version 1, and forgets the runs.
pub(crate) const BACK: &str = "\
do $$
declare tenant text;
begin
  for tenant in select schema_name from catalog.tenant_schemas loop
    execute format('drop table if exists %I.labels', tenant);
    execute format('alter table %I.notes drop column if exists place', tenant);
    execute format('delete from %I.refinery_schema_history where version > 1', tenant);
    execute format('alter index if exists %I._template_version_2 rename to _template_version_1', tenant);
  end loop;
  update catalog.tenant_schemas set template_version = 1;
  delete from catalog.migration_runs;
end
$$";

/// A database with tenants of a small template.
pub(crate) struct Small {
    pub(crate) t: TestDb,
    pub(crate) folder: TempDir,
    actor: Actor,
}

/// What a run told.
#[derive(Debug, Default)]
struct Told {
    waves: Vec<(i32, usize)>,
    tenants: Vec<Migrated>,
    again: Vec<String>,
}

impl Small {
    /// These tenants at version 1; the folder then has version 2 as well.
    pub(crate) async fn with(slugs: &[&str]) -> Self {
        let t = TestDb::new().await;
        Self::on(t, slugs).await
    }

    /// The same on this database.
    pub(crate) async fn on(t: TestDb, slugs: &[&str]) -> Self {
        let small = Self {
            actor: t.actor(),
            t,
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        small.write("V1__notes.sql", NOTES);
        let first = small.template();
        join_all(slugs.iter().map(|slug| small.provision(slug, &first))).await;
        small.write("V2__labels.sql", LABELS);
        small
    }

    /// Adds a file to the template.
    pub(crate) fn write(&self, name: &str, sql: &str) {
        std::fs::write(self.folder.path().join(name), sql).expect("the folder can be written");
    }

    /// Fills the first tenant with so many notes.
    pub(crate) async fn notes(&self, count: u32) {
        let superuser = self.t.as_superuser().await;
        let schema = "select schema_name from catalog.tenant_schemas order by organization_id limit 1";
        let schema: String = superuser.query_one(schema, &[]).await.expect("a schema").get(0);
        let fill = format!("insert into {schema}.notes (amount) select generate_series(1, {count})");
        superuser.batch_execute(&fill).await.expect("notes");
    }

    pub(crate) fn template(&self) -> Template {
        Template::read(self.folder.path()).expect("a template")
    }

    async fn provision(&self, slug: &str, template: &Template) -> SchemaName {
        let person = self.t.user(&format!("owner@{slug}.test")).await;
        let mut tx = self.t.catalog().begin_unhurried().await.expect("a transaction");
        let new = standalone(slug);
        let made = lifecycle::provision(
            &mut tx,
            template,
            &new,
            &owner(&person),
            &self.actor,
            self.t.source(),
        )
        .await
        .expect("a new tenant");
        tx.commit().await.expect("committed");
        made.schema
    }

    fn fleet<'a>(&'a self, template: &'a Template) -> Fleet<'a> {
        Fleet {
            db: self.t.catalog(),
            template,
            actor: &self.actor,
            source: self.t.source(),
            settings: Settings::default(),
        }
    }

    async fn plan(&self) -> Plan {
        let template = self.template();
        self.fleet(&template).plan().await.expect("an answer")
    }

    /// Runs a statement in a tenant's schema, as its owner.
    async fn within(&self, step: &Step, sql: &str) {
        let sql = format!(
            "begin; set local search_path = {}; {sql}; commit",
            step.tenant.schema
        );
        self.t.as_owner().await.batch_execute(&sql).await.expect("done");
    }

    async fn failures(&self) -> Vec<FailedTenant> {
        let mut tx = self.t.catalog().begin().await.expect("a transaction");
        report::failures(&mut tx).await.expect("an answer")
    }

    async fn last_run(&self) -> RunReport {
        let mut tx = self.t.catalog().begin().await.expect("a transaction");
        report::runs(&mut tx, 1).await.expect("an answer").remove(0)
    }

    /// Slug and version of every tenant, as the catalog has it and as the schema's own history has it.
    pub(crate) async fn versions(&self) -> Vec<(String, i32, i32)> {
        let superuser = self.t.as_superuser().await;
        let rows = superuser
            .query(
                "select o.slug, t.template_version, t.schema_name from catalog.tenant_schemas t \
                 join catalog.organizations o on o.id = t.organization_id order by o.slug",
                &[],
            )
            .await
            .expect("an answer");
        let mut versions = Vec::new();
        for row in rows {
            let schema: &str = row.get(2);
            let history = format!("select max(version) from {schema}.refinery_schema_history");
            let history = superuser.query_one(&history, &[]).await.expect("an answer");
            versions.push((row.get(0), row.get(1), history.get(0)));
        }
        versions
    }
}

/// One tenant at a time, in these waves.
fn one_by_one(waves: &str) -> Settings {
    Settings {
        jobs: NonZeroUsize::MIN,
        waves: waves.parse::<Waves>().expect("waves"),
        ..Settings::default()
    }
}

impl Told {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Wave { number, tenants, .. } => self.waves.push((number, tenants)),
            Event::Tenant(migrated) => self.tenants.push(migrated),
            Event::Again { sqlstate, .. } => self.again.push(sqlstate),
            Event::Pause(_) => {}
        }
    }
}

async fn migrate(fleet: &Fleet<'_>, plan: &Plan) -> (Result<Ended, FleetError>, Told) {
    let told = Mutex::new(Told::default());
    let hear = |event| told.lock().expect("nobody panicked").hear(event);
    // Boxed here, so that no test has to carry the whole of a run in its own future.
    let ended = Box::pin(fleet.migrate(plan, &StopSignal::never(), hear)).await;
    (ended, told.into_inner().expect("nobody panicked"))
}

async fn resume(fleet: &Fleet<'_>) -> (Result<Ended, FleetError>, Told) {
    let told = Mutex::new(Told::default());
    let hear = |event| told.lock().expect("nobody panicked").hear(event);
    let ended = Box::pin(fleet.resume(&StopSignal::never(), hear)).await;
    (ended, told.into_inner().expect("nobody panicked"))
}
