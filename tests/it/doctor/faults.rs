//! Each fault is made in a real database, found as exactly what it is, mended as is said, and gone.

use tenant_schema::doctor::{Finding, How, Kind};
use tests::{Cluster, TestDb, TestTenant};
use tokio_postgres::Client;

use super::{assert_healthy, mend, scan, short, shorts};

/// A fault and all that should be said of it.
struct Fault {
    /// What makes it. `{a}` and `{b}` are schemas of tenants.
    make: &'static str,
    /// What is found, in few words.
    found: &'static str,
    /// What unmakes it, where the doctor does not.
    unmake: &'static str,
}

const fn mended(make: &'static str, found: &'static str) -> Fault {
    Fault {
        make,
        found,
        unmake: "",
    }
}

const fn told(make: &'static str, found: &'static str, unmake: &'static str) -> Fault {
    Fault { make, found, unmake }
}

const NOBODYS: &str = "t_00000000000070000000000000000abc";

const FAULTS: &[Fault] = &[
    told(
        "alter schema {a} rename to elsewhere",
        "missing-schemas error acme -",
        "alter schema elsewhere rename to {a}",
    ),
    mended(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int)",
        "orphan-schemas error - --fix --yes",
    ),
    told("create schema {o}", "orphan-schemas error - by hand", "drop schema {o}"),
    told(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int primary key); create schema mine;
         create view mine.v as select id from {o}.x",
        "orphan-schemas error - by hand",
        "drop schema {o}, mine cascade",
    ),
    told(
        "create schema {o} authorization tenantry_owner; create table {o}.x (id int primary key); create schema mine;
         create table mine.y (id int references {o}.x)",
        "orphan-schemas error - by hand",
        "drop schema {o}, mine cascade",
    ),
    told(
        "create schema {o} authorization tenantry_owner; do $$ begin execute format('comment on schema {o} is %L',
           obj_description('{a}'::regnamespace, 'pg_namespace')); end $$",
        "orphan-schemas error - by hand",
        "drop schema {o}",
    ),
    mended(
        "create schema t_00000000000000000000000000000000 authorization tenantry_owner",
        "scratch warn - --fix",
    ),
    mended("drop owned by {a}_ro; drop role {a}_ro", "roles error acme --fix"),
    mended("drop owned by {a}_ro, {a}_rw; drop role {a}_ro, {a}_rw", "roles error acme --fix"),
    mended("alter role {a}_rw login", "roles error acme --fix"),
    mended("alter role {a}_ro inherit", "roles error acme --fix"),
    mended("alter role {a}_ro createdb createrole", "roles error acme --fix"),
    told(
        "alter role {a}_ro bypassrls",
        "roles error acme by hand",
        "alter role {a}_ro nobypassrls",
    ),
    mended("revoke {a}_rw from tenantry_server", "roles error acme --fix"),
    mended("create role {o}_rw", "orphan-roles warn - --fix --yes"),
    told("create role {o}_other", "orphan-roles warn - -", "drop role {o}_other"),
    mended(
        "create role {a}_psql_00000001 login valid until '2001-01-01' in role {a}_ro",
        "psql-logins warn - --fix",
    ),
    mended(
        "create role {o}_psql_00000001 login valid until '-infinity'",
        "psql-logins warn - --fix",
    ),
    mended("comment on schema {a} is 'Mine.'", "stamps error acme --fix"),
    mended("comment on schema {a} is null", "stamps error acme --fix"),
    told(
        "do $$ begin execute format('comment on schema {a} is %L',
           obj_description('{b}'::regnamespace, 'pg_namespace')); end $$",
        "stamps error acme by hand",
        "comment on schema {a} is '{stamp}'",
    ),
    told(
        "update catalog.tenant_schemas set template_version = 7 where schema_name = '{a}'",
        "history error acme -",
        "update catalog.tenant_schemas set template_version = 8 where schema_name = '{a}'",
    ),
    told(
        "update catalog.tenant_schemas set template_version = 99 where schema_name = '{a}'",
        "history warn acme -",
        "update catalog.tenant_schemas set template_version = 8 where schema_name = '{a}'",
    ),
    told(
        "alter table {a}.refinery_schema_history add old text;
         update {a}.refinery_schema_history set old = checksum, checksum = '1' where version = 3",
        "history error acme -",
        "update {a}.refinery_schema_history set checksum = old where version = 3;
         alter table {a}.refinery_schema_history drop old",
    ),
    told(
        "update {a}.refinery_schema_history set version = 30 where version = 3;
         update {a}.refinery_schema_history set version = 3, name = name || '!' where version = 30",
        "history error acme -",
        "update {a}.refinery_schema_history set name = trim('!' from name)",
    ),
    told(
        "create schema mine; alter table {a}.refinery_schema_history set schema mine",
        "history error acme -",
        "alter table mine.refinery_schema_history set schema {a}; drop schema mine",
    ),
    mended("grant delete on {a}.members to {a}_rw", "grants error acme --fix"),
    mended("revoke select on {a}.companies from {a}_ro", "grants error acme --fix"),
    mended("revoke all on {a}.companies from {a}_ro, {a}_rw", "grants error acme --fix"),
    mended("grant select on {a}.companies to public", "grants error acme --fix"),
    mended("grant select (email) on {a}.contacts to {a}_ro", "grants error acme --fix"),
    mended("revoke usage on schema {a} from {a}_rw", "grants error acme --fix"),
    mended("grant create on schema {a} to {a}_rw", "grants error acme --fix"),
    mended("grant select on {a}._idempotency_keys to {a}_ro", "grants error acme --fix"),
    mended("grant insert on {a}.refinery_schema_history to {a}_rw", "grants error acme --fix"),
    told(
        "grant select on {b}.companies to {a}_ro",
        "foreign-rights error acme by hand",
        "revoke select on {b}.companies from {a}_ro",
    ),
    told(
        "grant {b}_ro to {a}_ro",
        "foreign-rights error acme by hand",
        "revoke {b}_ro from {a}_ro",
    ),
    told(
        "grant usage on schema catalog to {a}_rw",
        "foreign-rights error acme by hand",
        "revoke usage on schema catalog from {a}_rw",
    ),
    told(
        "create schema mine; alter schema mine owner to {a}_rw",
        "foreign-rights error acme by hand",
        "drop schema mine",
    ),
    told(
        "create role ann login; grant {a}_ro to ann",
        "foreign-rights warn acme by hand",
        "drop role ann",
    ),
    told(
        "create role ann login; grant select on {a}.companies to ann",
        "foreign-rights warn acme by hand",
        "drop owned by ann; drop role ann",
    ),
    told(
        "alter role tenantry_server inherit",
        "server-login error - by hand",
        "alter role tenantry_server noinherit",
    ),
    told(
        "grant select on {a}.companies to tenantry_server",
        "server-login error - by hand",
        "revoke select on {a}.companies from tenantry_server",
    ),
    mended(
        "insert into catalog.migration_runs (id, target_version, pause_ms, started_by, started_at)
         values (gen_random_uuid(), 8, 0, 'operator:ann', now())",
        "runs warn - --fix",
    ),
    told(
        "update catalog.tenant_schemas set state = 'dropped' where schema_name = '{a}';
         insert into catalog.departures (organization_id, status_before, dropped_by, dropped_at, purge_after,
           purge_begun_at, row_counts, large_objects)
         select organization_id, 'active', 'operator:ann', now(), now(), now(), '{}', 0 from catalog.tenant_schemas
          where schema_name = '{a}'",
        "purges warn acme -",
        "delete from catalog.departures;
         update catalog.tenant_schemas set state = 'ready' where schema_name = '{a}'",
    ),
];

/// A cluster of its own, since its roles are looked at, with two tenants.
pub(super) struct Ward {
    pub(super) t: TestDb,
    pub(super) acme: TestTenant,
    globex: TestTenant,
    superuser: Client,
}

impl Ward {
    pub(super) async fn new() -> Self {
        let t = TestDb::on(Cluster::own().await).await;
        Self {
            acme: t.tenant("acme").await,
            globex: t.tenant("globex").await,
            superuser: t.as_superuser().await,
            t,
        }
    }

    async fn does(&self, sql: &str) -> Result<(), String> {
        let sql = sql
            .replace(
                "{stamp}",
                &tenant_schema::lifecycle::stamp(self.acme.organization),
            )
            .replace("{a}", self.acme.schema.as_str())
            .replace("{b}", self.globex.schema.as_str())
            .replace("{o}", NOBODYS);
        let done = self.superuser.batch_execute(&sql).await;
        done.map_err(|error| format!("{error:?}\n{sql}"))
    }

    /// Makes a fault and sees it found, mended or unmade, and gone.
    async fn suffers(&self, fault: &Fault) -> Result<(), String> {
        let Fault { make, found, unmake } = fault;
        self.does(make).await?;
        let first = scan(&self.t).await.findings;
        if shorts(&first) != [*found] {
            return Err(format!("found {first:#?}"));
        }
        let how = first[0].repair.as_ref().map(|repair| repair.how);
        for agreed in [false, true] {
            let tried = mend(&self.t, scan(&self.t).await.findings, agreed).await?;
            let wanted = if agreed { How::FixAgreed } else { How::Fix };
            if tried != usize::from(how == Some(wanted)) {
                return Err(format!("{tried} repairs with agreed = {agreed}: {first:#?}"));
            }
        }
        let left = scan(&self.t).await.findings;
        if matches!(how, Some(How::Fix | How::FixAgreed)) == unmake.is_empty() && left != first {
            return nothing_of(&left);
        }
        if unmake.is_empty() || left != first {
            return Err(format!("left {left:#?}"));
        }
        self.does(unmake).await?;
        nothing_of(&scan(&self.t).await.findings)
    }
}

fn nothing_of(findings: &[Finding]) -> Result<(), String> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("found afterwards {findings:#?}"))
    }
}

#[tokio::test]
async fn every_fault_is_found_and_mended_as_is_said() {
    let mut ward = Ward::new().await;
    assert_healthy(&ward.t, "before").await;
    let (mut kinds, mut wrong) = (std::collections::BTreeSet::new(), Vec::new());
    for fault in FAULTS {
        if let Err(why) = Box::pin(ward.suffers(fault)).await {
            wrong.push(format!("{} ({})\n{why}", fault.make, fault.found));
            ward = Ward::new().await;
        }
        kinds.insert(fault.found.split(' ').next());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let untried: Vec<Kind> = super::kinds()
        .into_iter()
        .filter(|kind| !kinds.contains(&Some(kind.check().name)))
        .collect();
    assert!(untried.is_empty(), "checks without a fault: {untried:?}");
    // What was mended is in the audit log, by check.
    let row = ward
        .superuser
        .query_one(
            "select count(distinct changes ->> 'check'), count(*) from catalog.catalog_audit_logs
              where event_type in ('organization.repaired', 'database.repaired')",
            &[],
        )
        .await
        .expect("an answer");
    let repaired = FAULTS.iter().filter(|fault| fault.unmake.is_empty());
    assert_eq!(
        row.get::<_, i64>(1),
        i64::try_from(repaired.count()).expect("a few")
    );
}

#[tokio::test]
async fn a_tenant_at_which_somebody_works_is_not_judged_and_not_mended_twice() {
    let ward = Ward::new().await;
    let made = ward.does("comment on schema {a} is null").await;
    made.expect("a fault");
    let first = scan(&ward.t).await;
    assert_eq!(shorts(&first.findings), ["stamps error acme --fix"]);
    let lock = format!(
        "begin; select pg_advisory_xact_lock(hashtextextended('{}', 1413829460))",
        ward.acme.schema
    );
    ward.superuser.batch_execute(&lock).await.expect("a lock");
    let busy = scan(&ward.t).await;
    assert!(busy.findings.is_empty(), "{:#?}", busy.findings);
    assert_eq!(busy.busy, std::slice::from_ref(&ward.acme.slug));
    ward.superuser.batch_execute("rollback").await.expect("let go");

    assert_eq!(mend(&ward.t, first.findings.clone(), false).await, Ok(1));
    let again = tenant_schema::doctor::repair(
        &super::examination(&ward.t),
        first.findings,
        false,
        &ward.t.actor(),
    )
    .await;
    let outcomes: Vec<bool> = again
        .iter()
        .map(|mended| matches!(mended.outcome, tenant_schema::doctor::Outcome::Gone))
        .collect();
    assert_eq!(outcomes, [true], "{}", short(&again[0].finding));
}
