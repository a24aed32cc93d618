//! A tenant from one database into another: all of it arrives, and one of the two serves it.

pub(crate) mod broken;
mod kept;
mod refused;

use std::time::Duration;

use catalog::ids::OrganizationId;
use catalog::moves::{self, MoveState, Presence, Target};
use catalog::pg::pool::PoolSettings;
use catalog::resolve::{self, Resolution};
use catalog::tenant_schemas::{self, TenantSchemaState};
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::TimeDelta;
use tenant_schema::container::ContainerError;
use tenant_schema::container::reference::References;
use tenant_schema::lifecycle::purge::{self, Due, Purge};
use tenant_schema::lifecycle::relocate::{Copied, Relocated, Relocation};
use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tenant_schema::template::Template;
use tests::{Cluster, Proxy, TestDb, TestTenant};
use tokio_postgres::Client;

use super::clone::{content, fill, join};
use super::leftovers::{leftovers, tenant_roles};
use crate::doctor::assert_healthy;

/// Two databases of one cluster.
pub(crate) struct Two {
    pub(crate) here: TestDb,
    pub(crate) there: TestDb,
}

/// What a move is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) max_pause: Duration,
    pub(crate) leave_out: bool,
    /// What tenants are like here and there, where it is known already.
    pub(crate) references: Option<&'a [References; 2]>,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self {
            max_pause: Duration::from_mins(1),
            leave_out: false,
            references: None,
        }
    }
}

impl Two {
    pub(crate) async fn new() -> Self {
        let cluster = Cluster::own().await;
        Self {
            here: TestDb::on(cluster.clone()).await,
            there: TestDb::on(cluster).await,
        }
    }

    /// The same with tenants of one table, which has an index that a post-step makes.
    pub(crate) async fn small() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let notes = "create table notes (id uuid not null default gen_random_uuid(), amount integer not null default 0,
              constraint notes_pkey primary key (id));
            comment on table notes is 'Notes.'";
        std::fs::write(folder.path().join("V1__notes.sql"), notes).expect("the folder can be written");
        let step = "create index concurrently notes_amount_idx on notes (amount)";
        std::fs::write(folder.path().join("P1__amounts.sql"), step).expect("the folder can be written");
        let template = Template::read(folder.path()).expect("a template");
        let Self { here, there } = Self::new().await;
        Self {
            here: here.with_template(template.clone()),
            there: there.with_template(template),
        }
    }

    /// Moves a tenant by connections of its own, as a program does.
    pub(crate) async fn moves(&self, slug: &str) -> Result<Relocated, ContainerError> {
        relocate(&self.here, &self.there, (None, None), slug, Asked::default()).await
    }

    /// The other way round.
    pub(crate) async fn moves_back(&self, slug: &str) -> Result<Relocated, ContainerError> {
        relocate(&self.there, &self.here, (None, None), slug, Asked::default()).await
    }
}

/// Moves a tenant, by way of proxies where there are some.
pub(crate) async fn relocate(
    from: &TestDb,
    to: &TestDb,
    (left, right): (Option<&Proxy>, Option<&Proxy>),
    slug: &str,
    asked: Asked<'_>,
) -> Result<Relocated, ContainerError> {
    let (here, there) = (pool(from, left), pool(to, right));
    let unknown = [References::of(from.template()), References::of(to.template())];
    let [references, references_there] = asked.references.unwrap_or(&unknown);
    let relocation = Relocation {
        from: &here,
        to: &there,
        to_name: to.name(),
        references,
        references_there,
        max_pause: asked.max_pause,
        grace: TimeDelta::days(30),
        leave_out: asked.leave_out,
        actor: &from.actor(),
        source: from.source(),
    };
    Box::pin(relocation.run(&slug.parse().expect("a slug"))).await
}

fn pool(t: &TestDb, proxy: Option<&Proxy>) -> CatalogDb {
    let config = proxy.map_or_else(|| t.owner_config(), |proxy| t.owner_config_through(proxy));
    let settings = PoolSettings {
        size: 2,
        ..PoolSettings::default()
    };
    CatalogDb::new(config, settings)
}

/// What was copied just now.
fn copied(moved: Result<Relocated, ContainerError>) -> Copied {
    match moved.expect("it has moved") {
        Relocated::Now(copied) => *copied,
        other => panic!("{other:?}"),
    }
}

/// What a server of this database makes of a slug.
pub(crate) async fn resolution(t: &TestDb, slug: &str) -> Resolution {
    let mut tx = t.server_catalog().begin().await.expect("a transaction");
    let found = resolve::by_slug(&mut tx, &slug.parse().expect("a slug")).await;
    tx.rollback().await.expect("only read");
    found.expect("an answer")
}

/// Removes what a tenant has left.
pub(crate) async fn removes(t: &TestDb, tenant: OrganizationId) {
    let actor = t.actor();
    let how = Purge {
        due: Due::Now,
        max_locks: None,
        cascade: false,
        actor: &actor,
        source: t.source(),
    };
    let purged = Box::pin(purge::purge(t.catalog(), tenant, how)).await;
    purged.expect("a proof");
}

async fn presence(t: &TestDb, tenant: OrganizationId) -> Presence {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    moves::presence(&mut tx, tenant).await.expect("an answer")
}

/// A tenant with records, people, keys and whatever else only the catalog has.
async fn furnished(t: &TestDb) -> (TestTenant, Client) {
    let acme = t.tenant("acme").await;
    join(t, &acme, "bob").await;
    let session = t.as_owner().await;
    fill(&session, &acme).await;
    let more = format!(
        "insert into catalog.api_keys (id, organization_id, name, prefix, key_sha256, scopes, created_by)
           values (gen_random_uuid(), '{0}', 'K', 'tk_x', sha256('secret'), '{{*:*}}', 'operator:test');
         update catalog.users set email_verified_at = now(), first_name = 'Bob' where email = 'bob@acme.test';
         insert into catalog.user_credentials (user_id, password_hash, changed_at)
           select id, '$argon2id$x', now() from catalog.users where email = 'bob@acme.test';
         update catalog.organizations set settings = '{{\"a\": 1}}', metadata = '{{\"b\": 2}}' where id = '{0}';
         update catalog.tenant_schemas set pinned_version = template_version where organization_id = '{0}';
         insert into catalog.tenant_plans (organization_id, in_flight, updated_at) values ('{0}', 7, now());
         insert into {1}._idempotency_keys (day, digest, fingerprint, kept_at, body, count)
           values (1, 'd', 'f', now(), 'b', 1)",
        acme.organization, acme.schema
    );
    session.batch_execute(&more).await.expect("the owner may");
    (acme, session)
}

/// Everything that the catalog has of a tenant, but for times of change.
async fn catalog_rows(t: &TestDb, tenant: OrganizationId) -> String {
    let sql = "\
select string_agg(x.line, E'\\n' order by x.line) from (
  select concat_ws(' ', 'o', o.id, o.kind, o.slug, o.name, o.status, o.plan, o.settings, o.metadata, o.created_at,
                   o.deleted_at) as line
    from catalog.organizations o where o.id = $1
  union all
  select concat_ws(' ', 's', s.state, s.template_version, s.pinned_version, s.engine_version)
    from catalog.tenant_schemas s where s.organization_id = $1
  union all
  select concat_ws(' ', 'm', m.id, m.user_id, m.role, m.is_owner, m.active, m.created_at)
    from catalog.memberships m where m.organization_id = $1
  union all
  select concat_ws(' ', 'u', u.id, u.email, u.email_verified_at, u.display_name, u.first_name, u.status, u.created_at,
                   c.password_hash, c.changed_at)
    from catalog.users u left join catalog.user_credentials c on c.user_id = u.id
  union all
  select concat_ws(' ', 'k', k.id, k.name, k.prefix, k.key_sha256, k.scopes, k.created_by, k.created_at)
    from catalog.api_keys k where k.organization_id = $1
  union all
  select concat_ws(' ', 'p', p.plan, p.in_flight) from catalog.tenant_plans p where p.organization_id = $1) x";
    let row = t.as_superuser().await.query_one(sql, &[&tenant]).await;
    row.expect("an answer").get(0)
}

async fn events(t: &TestDb) -> String {
    let sql = "select string_agg(event_type, ' ' order by event_type) from catalog.catalog_audit_logs
                where event_type like 'organization.%'";
    let row = t.as_superuser().await.query_one(sql, &[]).await;
    row.expect("an answer").get(0)
}

#[tokio::test]
async fn everything_arrives_and_what_is_left_is_removed_with_proof() {
    let two = Two::new().await;
    let (here, there) = (&two.here, &two.there);
    let (acme, session) = furnished(here).await;
    let superuser = here.as_superuser().await;
    let before = content(&superuser, acme.schema.as_str()).await;
    let rows = catalog_rows(here, acme.organization).await;
    let moved = copied(two.moves("acme").await);
    let beyond = there.as_superuser().await;
    assert_eq!(content(&beyond, moved.schema.as_str()).await, before);
    assert_eq!(catalog_rows(there, acme.organization).await, rows);
    assert_eq!((moved.people, moved.keys, moved.held_back), (2, 1, 0));
    let kept = format!("select count(*) from {}._idempotency_keys", moved.schema);
    let kept: i64 = beyond.query_one(&kept, &[]).await.expect("an answer").get(0);
    assert_eq!(kept, 1, "what was answered is not done again");

    // It is served there, as a schema of the template, and not here.
    assert!(matches!(resolution(there, "acme").await, Resolution::Active(_)));
    assert_eq!(resolution(here, "acme").await, Resolution::Moved);
    let write = format!(
        "set role {0}; insert into {1}.tags (name) values ('x')",
        acme.schema.read_write_role(),
        acme.schema
    );
    let refused = here
        .as_server()
        .await
        .batch_execute(&write)
        .await
        .expect_err("shut");
    assert_eq!(
        refused.code().map(tokio_postgres::error::SqlState::code),
        Some("42501")
    );
    assert_healthy(there, "after a move").await;
    assert_healthy(here, "after a move").await;
    assert_eq!(events(there).await, "organization.arrived");
    // They are of one moment of a clock that stands still.
    assert_eq!(
        events(here).await,
        "organization.dropped organization.moved organization.provisioned"
    );

    // Asked for again it is there already; nothing brings back what is left here.
    assert!(matches!(two.moves("acme").await, Ok(Relocated::Already(_))));
    let mut tx = here.catalog().begin().await.expect("a transaction");
    let undone = catalog::departures::undo(&mut tx, acme.organization, &here.actor(), here.source()).await;
    assert!(
        matches!(undone, Ok(catalog::departures::Undone::Moved(_))),
        "{undone:?}"
    );
    drop(tx);
    drop(session);

    removes(here, acme.organization).await;
    let gone = leftovers(here).await;
    assert_eq!((gone.schemas, gone.relations), (0, 0));
    assert_eq!(tenant_roles(here).await, (2, 2), "those of the other database");
    assert_eq!(resolution(here, "acme").await, Resolution::Unknown);
    assert!(matches!(resolution(there, "acme").await, Resolution::Active(_)));
    assert_healthy(here, "after a purge").await;
}

#[tokio::test]
async fn it_comes_back_with_what_was_written_there_and_may_leave_again() {
    let two = Two::new().await;
    let (here, there) = (&two.here, &two.there);
    let (acme, _) = furnished(here).await;
    let rows = catalog_rows(here, acme.organization).await;
    let moved = copied(two.moves("acme").await);
    let write = format!(
        "insert into {}.tags (name) values ('written there')",
        moved.schema
    );
    there
        .as_owner()
        .await
        .batch_execute(&write)
        .await
        .expect("the owner may");
    let then = content(&there.as_superuser().await, moved.schema.as_str()).await;

    // What it left is kept, and not overwritten by surprise.
    let refused = two.moves_back("acme").await.expect_err("it is kept").to_string();
    assert!(refused.contains("keeps what this tenant left there"), "{refused}");
    assert!(matches!(resolution(there, "acme").await, Resolution::Active(_)));
    assert_eq!(
        presence(here, acme.organization).await,
        Presence::LeftBehind(here.source().now() + TimeDelta::days(30))
    );
    removes(here, acme.organization).await;
    assert_eq!(presence(here, acme.organization).await, Presence::MovedAway);

    let back = copied(two.moves_back("acme").await);
    assert_eq!(
        content(&here.as_superuser().await, back.schema.as_str()).await,
        then
    );
    assert_eq!(catalog_rows(here, acme.organization).await, rows);
    assert!(matches!(resolution(here, "acme").await, Resolution::Active(_)));
    assert_eq!(resolution(there, "acme").await, Resolution::Moved);
    assert_healthy(here, "after it came back").await;

    removes(there, acme.organization).await;
    copied(two.moves("acme").await);
    removes(here, acme.organization).await;
    let proofs = "select count(*) from catalog.erasures where organization_id = $1";
    let row = here
        .as_superuser()
        .await
        .query_one(proofs, &[&acme.organization])
        .await;
    assert_eq!(row.expect("an answer").get::<_, i64>(0), 2);
    assert_healthy(there, "after it came a second time").await;
}

#[tokio::test]
async fn people_who_are_known_there_keep_their_accounts() {
    let two = Two::new().await;
    let (here, there) = (&two.here, &two.there);
    let acme = here.tenant("acme").await;
    join(here, &acme, "bob").await;
    join(here, &acme, "eve").await;
    let (ann, bob, eve) = (
        there.user("owner@acme.test").await,
        there.user("bob@acme.test").await,
        there.user("eve@acme.test").await,
    );
    let refused = two
        .moves("acme")
        .await
        .expect_err("anybody may have made that account")
        .to_string();
    assert!(refused.contains("never verified"), "{refused}");
    let verified = format!(
        "update catalog.users set email_verified_at = now() where id in ('{}', '{}')",
        ann.id, bob.id
    );
    there
        .as_owner()
        .await
        .batch_execute(&verified)
        .await
        .expect("the owner may");
    let moved = copied(two.moves("acme").await);
    assert_eq!(moved.held_back, 1);
    let people = format!(
        "select string_agg(concat_ws(' ', u.id, m.active, t.active, t.user_id = u.id), ', ' order by u.email)
           from catalog.memberships m join catalog.users u on u.id = m.user_id join {}.members t on t.id = m.id",
        moved.schema
    );
    let row = there
        .as_superuser()
        .await
        .query_one(&people, &[])
        .await
        .expect("people");
    assert_eq!(
        row.get::<_, &str>(0),
        format!("{} t t t, {} f f t, {} t t t", bob.id, eve.id, ann.id)
    );
    assert_healthy(there, "after a move").await;
}

#[tokio::test]
async fn of_two_operators_at_once_one_moves_it() {
    let two = Two::new().await;
    let (acme, _) = furnished(&two.here).await;
    let (one, other) = tokio::join!(two.moves("acme"), two.moves("acme"));
    let done = [&one, &other]
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Relocated::Now(_))))
        .count();
    assert_eq!(done, 1, "{one:?} {other:?}");
    assert_eq!(resolution(&two.here, "acme").await, Resolution::Moved);
    assert!(matches!(
        resolution(&two.there, "acme").await,
        Resolution::Active(_)
    ));
    assert_eq!(leftovers(&two.there).await.schemas, 1);
    assert!(matches!(two.moves("acme").await, Ok(Relocated::Already(_))));
    let mut tx = two.there.catalog().begin().await.expect("a transaction");
    let schema = tenant_schemas::find(&mut tx, acme.organization)
        .await
        .expect("an answer");
    assert!(schema.is_some());
}

#[tokio::test]
async fn a_pause_that_would_be_too_long_is_given_up_and_all_is_as_before() {
    let two = Two::new().await;
    let (acme, session) = furnished(&two.here).await;
    // Somebody writes, and does not end.
    let writing = format!("begin; insert into {}.tags (name) values ('slow')", acme.schema);
    session.batch_execute(&writing).await.expect("a transaction");
    let asked = Asked {
        max_pause: Duration::from_millis(300),
        ..Asked::default()
    };
    let outcome = relocate(&two.here, &two.there, (None, None), "acme", asked).await;
    match outcome {
        Err(ContainerError::Lifecycle(LifecycleError::Refused(Refusal::Pause(_)))) => {}
        Err(ContainerError::Lifecycle(error)) => {
            assert_eq!(
                error.pg().and_then(|pg| pg.sqlstate()),
                Some("55P03"),
                "{error:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    session.batch_execute("commit").await.expect("it ends");
    let Resolution::Active(tenant) = resolution(&two.here, "acme").await else {
        panic!("it is not served");
    };
    assert_eq!(tenant.paused(two.here.source().now()), None);
    assert_eq!(
        leftovers(&two.there).await,
        super::leftovers::Leftovers::default()
    );
    assert_healthy(&two.here, "after a move that was given up").await;
    copied(two.moves("acme").await);
}

/// Who saw a copy under way must not undo the doubt that it has become meanwhile; and giving up is no way back to life for what
/// was dropped since.
#[tokio::test]
async fn a_move_is_given_up_only_as_it_was_seen() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let target = Target {
        name: "db2".to_owned(),
        identity: "1/2".to_owned(),
    };
    let token = t.source().uuid();
    let state = async |tx: &mut CatalogTx| {
        let schema = tenant_schemas::find(tx, acme.organization)
            .await
            .expect("an answer");
        schema.expect("a schema").state
    };
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let until = t.source().now();
    moves::announce(
        &mut tx,
        acme.organization,
        (token, &target),
        until,
        &t.actor(),
        t.source(),
    )
    .await
    .expect("announced");
    moves::doubt(&mut tx, acme.organization, token)
        .await
        .expect("in doubt");
    let seen = moves::give_up(&mut tx, acme.organization, token, MoveState::Copying).await;
    assert!(!seen.expect("an answer"), "it is not as it was seen");
    assert_eq!(state(&mut tx).await, TenantSchemaState::Moving);
    let known = moves::give_up(&mut tx, acme.organization, token, MoveState::Doubt).await;
    assert!(known.expect("an answer"));
    assert_eq!(state(&mut tx).await, TenantSchemaState::Ready);

    moves::announce(
        &mut tx,
        acme.organization,
        (token, &target),
        until,
        &t.actor(),
        t.source(),
    )
    .await
    .expect("announced");
    let dropped = format!(
        "update catalog.tenant_schemas set state = 'dropped' where organization_id = '{}'",
        acme.organization
    );
    tx.transaction().batch(&dropped).await.expect("dropped");
    let left = moves::give_up(&mut tx, acme.organization, token, MoveState::Copying).await;
    assert!(left.expect("an answer"));
    assert_eq!(state(&mut tx).await, TenantSchemaState::Dropped);
    tx.rollback().await.expect("rolled back");
}
