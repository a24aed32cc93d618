//! Logins for psql: what they see, what their changes are signed with, and that they end with all their sessions.

use catalog::clock::Source;
use catalog::pg::sqlstate::PgError;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use tenant_schema::lifecycle::logins;
use tenant_schema::lifecycle::psql_login::{self, PsqlLogin, Reach};
use tests::{Cluster, TestDb, TestTenant};
use tokio_postgres::{Client, Config, NoTls};

async fn login(t: &TestDb, tenant: &TestTenant, reach: Reach) -> PsqlLogin {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    // PostgreSQL's own clock decides whether the password is still good.
    let login = psql_login::create(&mut tx, &tenant.schema, reach, &Source::system())
        .await
        .expect("a login");
    tx.commit().await.expect("committed");
    login
}

fn config(t: &TestDb, login: &PsqlLogin) -> Config {
    let mut config: Config = t.owner_url().expose_secret().parse().expect("a URL");
    config
        .user(login.role.to_string())
        .password(login.password.expose_secret());
    config
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

fn sqlstate<T>(outcome: Result<T, tokio_postgres::Error>) -> String {
    let error = outcome.err().expect("a refusal");
    error
        .code()
        .map_or_else(String::new, |code| code.code().to_owned())
}

#[tokio::test]
async fn a_login_sees_its_tenant_and_nothing_else() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let login = login(&t, &acme, Reach::ReadOnly).await;
    let config = config(&t, &login);
    let session = connect(&config).await;
    let row = session
        .query_one("select count(*) from members", &[])
        .await
        .expect("its own tables");
    assert_eq!(row.get::<_, i64>(0), 1);
    for (sql, state) in [
        (format!("select count(*) from {}.members", globex.schema), "42501"),
        ("select count(*) from catalog.organizations".to_owned(), "42501"),
        (format!("set role {}", globex.schema.read_only_role()), "42501"),
        ("insert into companies (name) values ('x')".to_owned(), "42501"),
    ] {
        assert_eq!(sqlstate(session.batch_execute(&sql).await), state, "{sql}");
    }
    let idle = session
        .query_one("show idle_in_transaction_session_timeout", &[])
        .await;
    assert_eq!(idle.expect("a setting").get::<_, &str>(0), "15min");
    for database in ["postgres", "template1"] {
        let refused = config.clone().dbname(database).connect(NoTls).await;
        assert_eq!(sqlstate(refused), "42501", "{database}");
    }
}

#[tokio::test]
async fn a_change_from_psql_is_signed_as_an_operators() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let login = login(&t, &acme, Reach::ReadWrite).await;
    let session = connect(&config(&t, &login)).await;
    for (said, signed) in [
        (String::new(), format!("operator:{}", login.role)),
        (
            format!("user:{}", acme.owner.id),
            format!("operator:{}", login.role),
        ),
        ("operator:ann".to_owned(), "operator:ann".to_owned()),
    ] {
        let set = "select set_config('tenantry.actor', $1, false)";
        session.query_one(set, &[&said]).await.expect("anybody may");
        let insert = "insert into companies (name) values ('x') returning created_by, updated_by";
        let row = session.query_one(insert, &[]).await.expect("a company");
        assert_eq!(
            [row.get::<_, String>(0), row.get(1)],
            [signed.clone(), signed],
            "{said}"
        );
    }
}

#[tokio::test]
async fn removing_a_login_ends_its_sessions() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let (removed, other) = (
        login(&t, &acme, Reach::ReadWrite).await,
        login(&t, &acme, Reach::ReadWrite).await,
    );
    let (busy, idle, bystander) = (
        connect(&config(&t, &removed)).await,
        connect(&config(&t, &removed)).await,
        connect(&config(&t, &other)).await,
    );
    // One holds locks and owns a temporary table.
    let begin = "create temporary table scratch (note text); begin; lock table companies in share mode";
    busy.batch_execute(begin).await.expect("it may");

    psql_login::drop(t.catalog(), &removed.role)
        .await
        .expect("removed");
    for session in [busy, idle] {
        session.simple_query("select 1").await.expect_err("it was ended");
    }
    bystander
        .simple_query("select 1")
        .await
        .expect("another login's stays");
    let refused = config(&t, &removed).connect(NoTls).await;
    assert_eq!(sqlstate(refused), "28P01", "as for a wrong password");
    let (left, role) = (
        "select count(*) from pg_roles where rolname = $1",
        removed.role.to_string(),
    );
    let left = t.as_superuser().await.query_one(left, &[&role]).await;
    assert_eq!(left.expect("a count").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_session_that_takes_off_its_bounds_is_ended_from_outside() {
    // Logins belong to a cluster, and all whose time is over are removed.
    let t = TestDb::on(Cluster::own().await).await;
    let acme = t.tenant("acme").await;
    let (bad, good) = (
        login(&t, &acme, Reach::ReadOnly).await,
        login(&t, &acme, Reach::ReadOnly).await,
    );
    let idle = connect(&config(&t, &bad)).await;
    let begin = "set idle_in_transaction_session_timeout = 0; begin; select txid_current()";
    idle.batch_execute(begin).await.expect("it may");
    let quiet = connect(&config(&t, &good)).await;
    let now = Source::system().now();
    logins::sweep(t.catalog(), now).await.expect("swept");
    idle.simple_query("select 1").await.expect("it has half an hour");
    // It did something just now.
    let later = Source::system().now() + TimeDelta::minutes(31);
    logins::sweep(t.catalog(), later).await.expect("swept");
    idle.simple_query("select 1").await.expect_err("it was ended");
    quiet.simple_query("select 1").await.expect("it keeps nothing");
    let refused = config(&t, &bad).connect(NoTls).await;
    assert_eq!(sqlstate(refused), "28P01", "the login is gone");
    let tomorrow = now + TimeDelta::hours(13);
    logins::sweep(t.catalog(), tomorrow).await.expect("swept");
    quiet.simple_query("select 1").await.expect_err("its day is over");
}

#[tokio::test]
async fn removing_a_login_that_another_program_has_removed_is_no_error() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let login = login(&t, &acme, Reach::ReadWrite).await;
    let removals = (0..4).map(|_| psql_login::drop(t.catalog(), &login.role));
    for removed in futures_util::future::join_all(removals).await {
        // Two who alter one role at once may get in each other's way, which a later removal mends.
        assert!(
            removed.is_ok()
                || removed
                    .as_ref()
                    .is_err_and(|error| error.pg().and_then(PgError::sqlstate) == Some("XX000")),
            "{removed:?}"
        );
    }
    psql_login::drop(t.catalog(), &login.role)
        .await
        .expect("it is gone");
    assert!(
        config(&t, &login).connect(NoTls).await.is_err(),
        "nobody is let in"
    );
}
