//! `tenantry psql`: a real psql that sees one tenant and nothing else, under a login that is gone afterwards.

use std::fs;

use insta::assert_snapshot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::{TestDb, TestTenant};

use super::program::{Ran, Running, Tenantry, masked};

/// What psql prints when it is not for people: values only, errors by their code.
const PLAIN: &[&str] = &["--", "-X", "-q", "-A", "-t", "-v", "VERBOSITY=sqlstate"];

async fn psql(tenantry: &Tenantry, more: &[&str], statements: &[&str]) -> Ran {
    let mut arguments = [&["psql", "acme"], more, PLAIN].concat();
    for statement in statements {
        arguments.extend(["-c", *statement]);
    }
    tenantry.run(&arguments).await
}

async fn logins(t: &TestDb, tenant: &TestTenant) -> i64 {
    let superuser = t.as_superuser().await;
    let like = format!("{}\\_psql\\_%", tenant.schema);
    let row = superuser.query_one(LOGINS, &[&like]).await.expect("an answer");
    row.get(0)
}

const LOGINS: &str = "select count(*) from pg_roles where rolname like $1::text";

#[tokio::test]
async fn it_sees_its_tables_and_may_work_on_them() {
    let _masked = masked();
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let insert = "insert into contacts (id, first_name) values (gen_random_uuid(), 'Grace')";
    let ran = psql(
        &tenantry,
        &[],
        &[
            insert,
            "select count(*) from contacts",
            "select current_user, current_schemas(false)",
        ],
    )
    .await;
    assert_snapshot!(ran, @r"
    exit status 0
    -- out
    1
    <schema>_rw|{<schema>,extensions}
    ");
    let listed = psql(&tenantry, &[], &["\\dt"]).await;
    assert_eq!(listed.status, Some(0), "{listed}");
    let tables: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .collect();
    for table in [
        "companies",
        "contacts",
        "deals",
        "members",
        "pipelines",
        "stages",
        "tags",
    ] {
        assert!(tables.contains(&table), "{table} in {tables:?}");
    }
    assert!(
        listed
            .stdout
            .lines()
            .all(|line| line.starts_with(acme.schema.as_str())),
        "{listed}"
    );
    assert_eq!(logins(&t, &acme).await, 0);
}

#[tokio::test]
async fn it_is_refused_everything_else() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let globex = t.tenant("globex").await;
    let tenantry = Tenantry::on(&t).await;
    let (own, other) = (acme.schema.as_str(), globex.schema.as_str());
    let read_other = format!("select count(*) from {other}.contacts");
    let refused = [
        read_other.clone(),
        "select count(*) from catalog.users".to_owned(),
        "select count(*) from catalog.api_keys".to_owned(),
        format!("set role {other}_rw"),
        format!("set role {other}_ro"),
        "set role tenantry_owner".to_owned(),
        "set role tenantry_server".to_owned(),
        "set session authorization tenantry_server".to_owned(),
        format!("select set_config('role', '{other}_rw', false)"),
        "select set_config('role', 'tenantry_owner', false)".to_owned(),
        format!("grant {other}_rw to {own}_rw"),
        format!("create table {own}.mine (n integer)"),
        format!("drop table {own}.contacts"),
        format!("alter role {own}_rw login"),
        "create role mine".to_owned(),
        "create schema mine".to_owned(),
        "copy (select 1) to program 'true'".to_owned(),
    ];
    // The last row of each round says who is asking: as it connects, and after it gave up the tenant's role.
    let whoami = "select current_user <> session_user".to_owned();
    let mut statements: Vec<&str> = vec![&whoami];
    statements.extend(refused.iter().map(String::as_str));
    statements.extend(["set role none", &whoami]);
    statements.extend(refused.iter().map(String::as_str));
    let ran = psql(&tenantry, &[], &statements).await;
    assert_eq!(ran.stdout, "t\nf\n", "{ran}");
    let codes: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(codes, vec!["ERROR:  42501"; refused.len() * 2], "{ran}");
    assert_eq!((logins(&t, &acme).await, logins(&t, &globex).await), (0, 0));
}

#[tokio::test]
async fn read_only_it_only_looks() {
    let _masked = masked();
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let assume = format!("set role {}_rw", acme.schema);
    let statements = [
        "select count(*) from contacts",
        "insert into contacts (id, first_name) values (gen_random_uuid(), 'Grace')",
        "update contacts set first_name = 'Grace'",
        "delete from contacts",
        "truncate contacts",
        assume.as_str(),
        "set role none",
        "delete from contacts",
        "select count(*) from companies",
    ];
    assert_snapshot!(psql(&tenantry, &["--read-only"], &statements).await, @r"
    exit status 0
    -- out
    0
    0
    -- err
    ERROR:  42501
    ERROR:  42501
    ERROR:  42501
    ERROR:  42501
    ERROR:  42501
    ERROR:  42501
    ");
    assert_eq!(logins(&t, &acme).await, 0);
}

#[tokio::test]
async fn its_exit_status_is_psqls() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    assert_eq!(psql(&tenantry, &[], &["select 1"]).await.status, Some(0));
    assert_eq!(psql(&tenantry, &[], &["select 1/0"]).await.status, Some(1));
    let script = [&["psql", "acme"], PLAIN, &["-v", "ON_ERROR_STOP=1", "-f", "-"]].concat();
    let ran = tenantry.run_with_input(&script, "select 1;\nselect 1/0;\n").await;
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), "1\n"), "{ran}");
    assert_eq!(logins(&t, &acme).await, 0);
}

/// A session that was started and has answered; with it, the process number of psql and the login's password.
async fn session(tenantry: &Tenantry) -> (Running, i32, String) {
    let mut session = tenantry.start(&[&["psql", "acme"], PLAIN].concat());
    session.say("\\! echo $PPID").await;
    let pid = session
        .line()
        .await
        .expect("an answer")
        .parse()
        .expect("a number");
    session.say("\\! echo $PGPASSWORD").await;
    let password = session.line().await.expect("an answer");
    session.say("select 1;").await;
    assert_eq!(session.line().await.as_deref(), Some("1"));
    (session, pid, password)
}

#[tokio::test]
async fn its_login_goes_with_it_however_it_ends() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;

    // By itself.
    let (mut one, _, _) = session(&tenantry).await;
    assert_eq!(logins(&t, &acme).await, 1);
    one.say("\\q").await;
    assert_eq!(one.end().await, Some(0));
    assert_eq!(logins(&t, &acme).await, 0);

    // psql is killed.
    let (mut two, pid, _) = session(&tenantry).await;
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
    assert_eq!(two.end().await, Some(2));
    assert_eq!(logins(&t, &acme).await, 0);

    // We are told to end.
    let (mut three, _, _) = session(&tenantry).await;
    three.signal(Signal::SIGTERM);
    assert_eq!(three.end().await, Some(2));
    assert_eq!(logins(&t, &acme).await, 0);

    // What is typed at the terminal is for psql: it forgets the line and lives.
    let (mut four, _, _) = session(&tenantry).await;
    four.signal(Signal::SIGINT);
    four.say("select 2;").await;
    assert_eq!(four.line().await.as_deref(), Some("2"));

    // We are killed: the login stays until its time is over, and the next session sweeps it away.
    four.kill().await;
    assert_eq!(logins(&t, &acme).await, 1);
    let superuser = t.as_superuser().await;
    superuser
        .batch_execute(&EXPIRE.replace("<schema>", acme.schema.as_str()))
        .await
        .expect("expired");
    assert_eq!(psql(&tenantry, &[], &["select 1"]).await.status, Some(0));
    assert_eq!(logins(&t, &acme).await, 0);
}

const EXPIRE: &str = "\
do $$ declare login text; begin
  select rolname into strict login from pg_roles where rolname like '<schema>\\_psql\\_%';
  execute format('alter role %I valid until ''2020-01-01''', login);
end $$";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn its_password_stands_in_no_command_line() {
    let t = TestDb::new().await;
    t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let (session, psql, password) = session(&tenantry).await;
    assert_eq!(password.len(), 24, "a password of its own");
    for process in [session.pid(), psql] {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).expect("it runs");
        assert!(line.contains("psql") && !line.contains(&password), "{line}");
    }
}

#[tokio::test]
async fn another_program_gets_a_login() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let login = tenantry.json(&["psql", "acme"]).await;
    let environment = login["environment"].as_object().expect("an object");
    assert_eq!(environment["PGPASSWORD"], login["password"]);
    assert!(login["valid_until"].is_string());
    let mut psql = tenantry.other(
        "psql",
        &[
            "-X",
            "-A",
            "-t",
            "-c",
            "select current_user, current_setting('tenantry.actor')",
        ],
    );
    psql.envs(
        environment
            .iter()
            .map(|(name, value)| (name, value.as_str().expect("a text"))),
    );
    let ran = tenantry.end_of(psql).await;
    assert_eq!(ran.stdout, format!("{}_rw|operator:ann\n", acme.schema), "{ran}");
    assert_eq!(logins(&t, &acme).await, 1, "it is theirs until its time is over");
    let role = login["role"].as_str().expect("a text");
    t.as_superuser()
        .await
        .batch_execute(&format!("drop role {role}"))
        .await
        .expect("dropped");
}
