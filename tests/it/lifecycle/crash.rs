//! Crashes while a tenant is made, at every place there is: nothing half-made stays.
//!
//! Three kinds: the client's connection is cut after each of its messages, as when its process is killed; its backend
//! dies at each command that makes something, which reaches inside the messages that carry many; the whole server is
//! killed after each message. Roles belong to the cluster, so each test has one of its own.

use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::User;
use tenant_schema::lifecycle::{self, LifecycleError, Provisioned};
use tests::tenant::{owner, standalone};
use tests::{Cluster, Proxy, TestDb};
use tokio_postgres::types::ToSql;

use super::leftovers::{assert_nothing_is_left, leftovers, tenant_roles};

const SLUG: &str = "acme";

async fn provision(
    t: &TestDb,
    db: &CatalogDb,
    slug: &str,
    who: &User,
) -> Result<Provisioned, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let made = lifecycle::provision(
        &mut tx,
        t.template(),
        &standalone(slug),
        &owner(who),
        &t.actor(),
        t.source(),
    )
    .await?;
    tx.commit().await?;
    Ok(made)
}

/// A pool of one by way of the proxy, its connection made.
pub(crate) async fn through(t: &TestDb, proxy: &Proxy) -> CatalogDb {
    let settings = PoolSettings {
        size: 1,
        ..PoolSettings::default()
    };
    let db = CatalogDb::new(t.owner_config_through(proxy), settings);
    drop(db.begin().await.expect("a connection"));
    db
}

/// How many messages it takes to make a tenant, the COMMIT last; made in a database beside the test's.
async fn messages_of_a_whole_provisioning(t: &TestDb) -> u64 {
    let beside = TestDb::on(t.cluster().clone()).await;
    let proxy = beside.proxy().await;
    let db = through(&beside, &proxy).await;
    let ann = beside.user("ann@example.com").await;
    proxy.reset();
    let made = provision(&beside, &db, SLUG, &ann).await.expect("a tenant");
    let messages = proxy.tally().messages;
    let drop_roles = format!(
        "drop owned by {0}_rw, {0}_ro; drop role {0}_rw, {0}_ro",
        made.schema
    );
    beside
        .as_superuser()
        .await
        .batch_execute(&drop_roles)
        .await
        .expect("the roles can go");
    messages
}

#[tokio::test]
async fn a_client_killed_after_any_message_leaves_nothing() {
    let t = TestDb::on(Cluster::own().await).await;
    let messages = messages_of_a_whole_provisioning(&t).await;
    let ann = t.user("ann@example.com").await;
    let proxy = t.proxy().await;
    for n in 1..messages {
        let db = through(&t, &proxy).await;
        proxy.cut_after(n);
        let outcome = provision(&t, &db, SLUG, &ann).await;
        drop(db);
        proxy.all_ended().await;
        assert!(outcome.is_err(), "cut after message {n} of {messages}");
        assert_nothing_is_left(&t, &format!("cut after message {n} of {messages}")).await;
        assert_eq!(
            tenant_roles(&t).await,
            (0, 0),
            "cut after message {n} of {messages}"
        );
    }
    // The last message is COMMIT: only its answer is lost, and the tenant is whole.
    let db = through(&t, &proxy).await;
    proxy.cut_after(messages);
    let outcome = provision(&t, &db, SLUG, &ann).await;
    drop(db);
    proxy.all_ended().await;
    assert!(outcome.is_err(), "the answer to COMMIT was lost");
    let whole = leftovers(&t).await;
    assert_eq!((whole.organizations, whole.schemas), (1, 1));

    // Whatever was cut before, the next tenant is made without a hitch, and is as whole.
    provision(&t, t.catalog(), "globex", &ann)
        .await
        .expect("another tenant");
    let both = leftovers(&t).await;
    assert_eq!(both.relations, 2 * whole.relations);
    assert_eq!(tenant_roles(&t).await, (4, 4));
    crate::doctor::assert_healthy(&t, "after all cuts").await;
    crate::tell(&format!(
        "a tenant is made by {messages} messages; cut after each"
    ));
}

#[tokio::test]
async fn a_backend_killed_at_any_command_leaves_nothing() {
    let t = TestDb::on(Cluster::own().await).await;
    let ann = t.user("ann@example.com").await;
    let superuser = t.as_superuser().await;
    superuser
        .batch_execute(DIE_AT_COMMAND)
        .await
        .expect("an event trigger");
    let ask = async |sql: &str, params: &[&(dyn ToSql + Sync)]| -> i64 {
        superuser.query_one(sql, params).await.expect("an answer").get(0)
    };
    let mut n: i64 = 0;
    loop {
        n += 1;
        let left: i64 = ask(SET_COMMANDS_LEFT, &[&n]).await;
        assert_eq!(left, n);
        // A pool of its own: no attempt meets the dead connection of the one before.
        if provision(&t, &t.owner_pool_of(1), SLUG, &ann).await.is_ok() {
            break;
        }
        assert_eq!(
            ask(COMMANDS_LEFT, &[]).await,
            0,
            "it died at command {n}, of nothing else"
        );
        assert_nothing_is_left(&t, &format!("died at command {n}")).await;
        assert_eq!(tenant_roles(&t).await, (0, 0), "died at command {n}");
    }
    assert!(n > 100, "only {n} commands were counted");
    assert_eq!(tenant_roles(&t).await, (2, 2));
    crate::tell(&format!(
        "a tenant is made by {} commands that make something; died at each",
        n - 1
    ));
}

const SET_COMMANDS_LEFT: &str = "select setval('public.commands_left', $1)";
const COMMANDS_LEFT: &str = "select last_value from public.commands_left";

/// Counts down over all attempts (a sequence is not rolled back) and ends its own session at zero.
const DIE_AT_COMMAND: &str = "\
create sequence public.commands_left increment -1 minvalue -1000000 maxvalue 1000000 start 0;
create function public.die_at_command() returns event_trigger
  language plpgsql security definer set search_path = pg_catalog
  as $$ begin
    if nextval('public.commands_left') = 0 then
      perform pg_terminate_backend(pg_backend_pid());
    end if;
  end $$;
create event trigger die_at_command on ddl_command_end execute function public.die_at_command()";

#[tokio::test]
async fn a_server_killed_after_any_message_leaves_nothing() {
    let t = TestDb::on(Cluster::own().await).await;
    let messages = messages_of_a_whole_provisioning(&t).await;
    let ann = t.user("ann@example.com").await;
    let proxy = t.proxy().await;
    for n in 1..messages {
        let db = through(&t, &proxy).await;
        let reached = proxy.hold_after(n);
        let killed = async {
            reached.await.expect("the message is sent");
            t.cluster().crash().await.expect("killed");
        };
        let (outcome, ()) = tokio::join!(provision(&t, &db, SLUG, &ann), killed);
        assert!(outcome.is_err(), "killed after message {n} of {messages}");
        drop(db);
        t.cluster().recover().await.expect("it recovers");
        assert_nothing_is_left(&t, &format!("killed after message {n} of {messages}")).await;
        assert_eq!(
            tenant_roles(&t).await,
            (0, 0),
            "killed after message {n} of {messages}"
        );
    }
    let db = through(&t, &proxy).await;
    provision(&t, &db, SLUG, &ann)
        .await
        .expect("the same slug is free, and the server whole");
    assert_eq!(leftovers(&t).await.schemas, 1);
    crate::doctor::assert_healthy(&t, "after all crashes").await;
}
