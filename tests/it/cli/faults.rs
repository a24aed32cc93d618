//! Every operation under every fault: afterwards all of it is done or none, the doctor finds no error, and the same
//! command run again finishes. The page of all of them is `docs/faults.md`.

mod connection_lost;
mod disk_full;
mod held;
mod server_killed;
mod together;

use std::cell::Cell;
use std::path::Path;

use tests::{Cluster, TestDb};

use super::containers::Scene;
use super::program::Ran;
use crate::fleet::BACK;

/// An operation as somebody types it. `{x}` is a label that nobody has used, `{dir}` a folder.
struct Operation {
    name: &'static str,
    /// What is done before, without a fault.
    first: &'static [&'static str],
    command: &'static str,
    /// How what it is about is before.
    before: &'static str,
    /// What it may be besides, where it is more than one transaction.
    between: &'static [&'static str],
    /// And after it.
    after: &'static str,
}

// The owner has an account: that would be more to do the first time.
const CLONE: &str = "tenant clone ant {x} --owner-email owner@ant.test";
const ARCHIVE: &str = "tenant archive {x} --to {dir}/{x}.tenantry --yes";
const WHOLE: &str = "active, 50 notes";
const DROPPED: &str = "dropped, 50 notes";

/// The first is about all tenants there are, and few are there then.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "migrate",
        first: &[],
        command: "migrate tenants --jobs 1",
        before: "all at version 1",
        between: &["some at version 2"],
        after: "all at version 2",
    },
    Operation {
        name: "provision",
        first: &[],
        command: "tenant create {x} --name X --owner-email owner@ant.test",
        before: "nothing",
        between: &[],
        after: "active, 0 notes",
    },
    Operation {
        name: "clone",
        first: &[],
        command: CLONE,
        before: "nothing",
        between: &[],
        after: WHOLE,
    },
    Operation {
        name: "import",
        first: &[],
        command: "tenant import {dir}/ant.tenantry --as {x} --owner-email owner@ant.test",
        before: "nothing",
        between: &[],
        after: WHOLE,
    },
    Operation {
        name: "archive",
        first: &[CLONE],
        command: ARCHIVE,
        before: WHOLE,
        between: &[],
        after: "archived",
    },
    Operation {
        name: "unarchive",
        first: &[CLONE, ARCHIVE],
        command: "tenant unarchive {x} {dir}/{x}.tenantry",
        before: "archived",
        between: &[],
        after: WHOLE,
    },
    Operation {
        name: "drop",
        first: &[CLONE],
        command: "tenant drop {x} --yes --now",
        before: WHOLE,
        between: &[DROPPED],
        after: "purged",
    },
    Operation {
        name: "spare fill",
        first: &["spare drop --yes"],
        command: "spare fill --target 1",
        before: "0 spares",
        between: &[],
        after: "1 spares",
    },
    Operation {
        name: "export",
        first: &[],
        command: "tenant export ant --output {dir}/{x}.tenantry",
        before: "no file",
        between: &[],
        after: "a file",
    },
];

/// A fleet that operations are tried on.
struct Stage {
    scene: Scene,
    tried: Cell<u32>,
}

/// An operation about to be tried.
struct Trial<'a> {
    stage: &'a Stage,
    operation: &'a Operation,
    /// The label it is about.
    slug: String,
}

impl Stage {
    /// A tenant with fifty notes and a container of it.
    async fn set() -> Self {
        // Roles belong to the cluster, and the doctor looks at all of them.
        Self::on(TestDb::on(Cluster::own().await).await).await
    }

    async fn on(t: TestDb) -> Self {
        let scene = Scene::set(t).await;
        scene.direct.does("migrate").await;
        let export = format!("tenant export ant --output {}", scene.file("ant.tenantry"));
        scene.direct.does(&export).await;
        Self {
            scene,
            tried: Cell::new(0),
        }
    }

    /// Makes ready for an operation, with a label of its own.
    async fn trial<'a>(&'a self, operation: &'a Operation) -> Trial<'a> {
        self.tried.set(self.tried.get() + 1);
        let trial = Trial {
            stage: self,
            operation,
            slug: format!("try-{}", self.tried.get()),
        };
        if operation.name == "migrate" {
            let superuser = self.scene.small.t.as_superuser().await;
            superuser.batch_execute(BACK).await.expect("version 1");
        }
        for command in operation.first {
            self.scene.direct.does(&trial.typed(command)).await;
        }
        assert_eq!(trial.state().await, operation.before, "{}", operation.name);
        trial
    }

    /// How many messages it takes, without a fault.
    async fn messages(&self, operation: &Operation) -> u64 {
        let trial = self.trial(operation).await;
        let Scene { cut, proxy, .. } = &self.scene;
        proxy.reset();
        cut.does(&trial.command()).await;
        assert_eq!(trial.state().await, operation.after, "{}", operation.name);
        proxy.tally().messages
    }

    /// Nothing of any tenant is half-made.
    async fn assert_no_error(&self, when: &str) {
        let ran = self
            .scene
            .direct
            .run("doctor --skip settings --fail-on error")
            .await;
        assert_eq!(ran.status, Some(0), "{when}\n{ran}");
    }
}

impl Trial<'_> {
    fn typed(&self, command: &str) -> String {
        let home = self.stage.scene.direct.home().display().to_string();
        command.replace("{x}", &self.slug).replace("{dir}", &home)
    }

    fn command(&self) -> String {
        self.typed(self.operation.command)
    }

    /// What it is about, as it is now.
    async fn state(&self) -> String {
        match self.operation.name {
            "migrate" => self.versions().await,
            "spare fill" => {
                let listed = self.stage.scene.direct.json("spare list").await;
                format!("{} spares", listed.as_array().map_or(0, Vec::len))
            }
            "export" => self.file().await,
            _ => self.tenant().await,
        }
    }

    async fn versions(&self) -> String {
        let versions = self.stage.scene.small.versions().await;
        for (slug, catalog, history) in &versions {
            assert_eq!(catalog, history, "{slug}");
        }
        let first = versions[0].1;
        if versions.iter().all(|(_, version, _)| *version == first) {
            format!("all at version {first}")
        } else {
            "some at version 2".to_owned()
        }
    }

    /// A file that is there is whole.
    async fn file(&self) -> String {
        let file = self.typed("{dir}/{x}.tenantry");
        if !Path::new(&file).exists() {
            return "no file".to_owned();
        }
        let look = format!("tenant import {file} --as copy --dry-run");
        self.stage.scene.direct.does(&look).await;
        "a file".to_owned()
    }

    async fn tenant(&self) -> String {
        let superuser = self.stage.scene.small.t.as_superuser().await;
        let rows = superuser.query(TENANT, &[&self.slug]).await.expect("an answer");
        let Some(row) = rows.first() else {
            return "nothing".to_owned();
        };
        let (state, schema): (String, Option<String>) = (row.get(0), row.get(1));
        let Some(schema) = schema else { return state };
        let count = format!("select count(*) from {schema}.notes");
        let notes: i64 = superuser.query_one(&count, &[]).await.expect("notes").get(0);
        format!("{state}, {notes} notes")
    }

    /// After a fault: nothing, all, or one transaction of several; and no tenant is hurt.
    async fn assert_is_whole(&self, when: &str) -> String {
        let Operation {
            before,
            between,
            after,
            ..
        } = self.operation;
        let state = self.state().await;
        let known = state == *before || state == *after || between.contains(&state.as_str());
        assert!(known, "{when}: {state}");
        self.stage.assert_no_error(when).await;
        state
    }

    /// The same command, run again, finishes, or says that all is done.
    async fn assert_finishes(&self, when: &str) {
        let state = self.state().await;
        let again = self.stage.scene.direct.run(&self.command()).await;
        if state != self.operation.after {
            assert_eq!(again.status, Some(0), "{when}, and again\n{again}");
        }
        assert!(matches!(again.status, Some(0 | 1)), "{when}, and again\n{again}");
        assert_eq!(
            self.state().await,
            self.operation.after,
            "{when}, and again\n{again}"
        );
    }
}

/// So many numbers from 1 to the last, the first and the last among them.
fn spread(last: u64, count: u64) -> impl Iterator<Item = u64> {
    let count = count.min(last).max(2);
    (0..count).map(move |n| 1 + n * (last - 1) / (count - 1))
}

/// A failure in a sentence that names what to do.
fn assert_told(ran: &Ran, when: &str) {
    assert!(ran.stderr.contains("error: "), "{when}\n{ran}");
    assert!(ran.stderr.contains("\n  next: "), "{when}\n{ran}");
    assert!(!ran.stderr.contains("panicked"), "{when}\n{ran}");
}

/// What the catalog says of a tenant, and the schema that is there.
const TENANT: &str = "\
select case when exists (select from catalog.erasures e where e.organization_id = o.id) then 'purged'
            when exists (select from catalog.archives a where a.organization_id = o.id) then 'archived'
            when o.status = 'active' then 'active' else 'dropped' end,
       (select n.nspname::text from pg_namespace n where n.nspname = t.schema_name)
  from catalog.organizations o left join catalog.tenant_schemas t on t.organization_id = o.id
 where o.slug = $1";
