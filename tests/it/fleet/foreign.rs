//! What others have made in a tenant's schema is not called with the owner's rights: nothing runs there before it is gone.

use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tests::{Cluster, TestDb};
use tokio_postgres::Client;

use super::post_steps::carry_out;
use super::{Small, migrate};

/// Calls what looks like PostgreSQL's own, as a check and for a row of its own.
const SIZES: &str = "\
create table sizes (id uuid not null default gen_random_uuid(), value jsonb not null, constraint sizes_pkey primary key (id),
  constraint sizes_value_check check (pg_column_size(value) < 100));
comment on table sizes is 'Sizes.';
insert into sizes (value) values ('{}')";

/// Somebody who may create in the schema, and what he makes there: how its name begins, what makes it and what takes it away.
/// Each tells by its table if it was ever called, and by whom.
const MADE: &[(&str, &str, &str)] = &[
    (
        "function {a}.pg_column_size(",
        "create function {a}.pg_column_size(value jsonb) returns integer language plpgsql as $$ begin
           insert into {a}.taken values (current_user); return 1; end $$",
        "drop function {a}.pg_column_size(jsonb)",
    ),
    (
        "operator {a}.<(",
        "create operator {a}.< (leftarg = integer, rightarg = bigint, function = int48lt)",
        "drop operator {a}.< (integer, bigint)",
    ),
    (
        "type {a}.gtrgm",
        "create domain {a}.gtrgm as text",
        "drop domain {a}.gtrgm",
    ),
    (
        "trigger mine on {a}.notes",
        "create function mine.taken() returns trigger language plpgsql as $$ begin
           insert into {a}.taken values (current_user); return new; end $$;
         create trigger mine before insert or update on {a}.notes for each row execute function mine.taken()",
        "drop function mine.taken() cascade",
    ),
];

const DBA: &str = "\
create role dba; grant usage, create on schema {a} to dba; grant trigger on {a}.notes to dba;
create schema mine authorization dba; set role dba;
create table {a}.taken (who name); grant all on {a}.taken to public; reset role";

/// A fleet of one, on a cluster of its own since it makes a role.
struct Stage {
    small: Small,
    schema: String,
    superuser: Client,
}

impl Stage {
    async fn set() -> Self {
        let t = TestDb::on(Cluster::own().await).await;
        let small = Small::on(t, &["ant"]).await;
        small.write("V3__sizes.sql", SIZES);
        small.write(
            "P3__sizes.sql",
            "create index concurrently sizes_idx on sizes ((value ->> 'a'))",
        );
        let stage = Self {
            schema: small.plan().await.steps[0].tenant.schema.to_string(),
            superuser: small.t.as_superuser().await,
            small,
        };
        stage.does(DBA).await;
        stage
    }

    async fn does(&self, sql: &str) {
        let sql = format!("begin; {}; commit", sql.replace("{a}", &self.schema));
        self.superuser.batch_execute(&sql).await.expect(&sql);
    }

    /// What a run makes of the tenant: what it names where it refuses.
    async fn migrates(&self) -> Option<String> {
        let template = self.small.template();
        let (ended, told) = migrate(&self.small.fleet(&template), &self.small.plan().await).await;
        ended.expect("a run");
        match &told.tenants[0].outcome {
            Ok(_) => None,
            Err(LifecycleError::Refused(Refusal::Foreign(named))) => Some(named.clone()),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn rehearses(&self) -> String {
        let template = self.small.template();
        let rehearsed = self
            .small
            .fleet(&template)
            .rehearse(&self.small.plan().await.steps[0])
            .await;
        let failure = rehearsed.expect("a rehearsal").failure;
        failure.expect("it is refused").message
    }

    async fn assert_nobody_was_called(&self) {
        let taken = format!("select count(*) from {}.taken", self.schema);
        let taken = self.superuser.query_one(&taken, &[]).await.expect("an answer");
        assert_eq!(taken.get::<_, i64>(0), 0, "somebody else's function was called");
    }
}

#[tokio::test]
async fn what_others_have_made_is_refused_before_anything_runs() {
    let stage = Stage::set().await;
    for (name, make, unmake) in MADE {
        stage.does(&format!("set local role dba; {make}")).await;
        let name = name.replace("{a}", &stage.schema);
        let rehearsed = stage.rehearses().await;
        assert!(rehearsed.contains(&name), "{rehearsed}");
        let named = stage.migrates().await.expect("it is refused");
        assert!(named.starts_with(&name) && named.ends_with(" of dba"), "{named}");
        let versions = stage.small.versions().await;
        assert_eq!((versions[0].1, versions[0].2), (1, 1), "{name}");
        let failed = stage.small.failures().await;
        assert!(failed[0].message.contains(&name), "{failed:?}");
        stage.does(unmake).await;
    }
    assert_eq!(stage.migrates().await, None);
    assert_eq!(stage.small.versions().await[0].2, 3);
    stage.assert_nobody_was_called().await;
}

/// Neither where a tenant is not as the run has it, which is gone about in another way, nor behind its migration.
#[tokio::test]
async fn nor_in_any_other_way_of_migrating() {
    let stage = Stage::set().await;
    let (_, make, unmake) = MADE[0];
    let (make, unmarked) = (
        format!("set local role dba; {make}"),
        "alter index {a}._template_version_1 rename to _idempotency_keys_pkey",
    );
    stage.does(&make).await;
    stage.does(unmarked).await;
    assert!(stage.migrates().await.is_some());
    stage.does(unmake).await;
    assert_eq!(stage.migrates().await, None);

    stage.does(&make).await;
    let template = stage.small.template();
    let told = carry_out(&stage.small.fleet(&template)).await;
    let says = "ant P3__sizes failed: its schema holds what would run with its owner's rights";
    assert!(told[0].starts_with(says), "{told:?}");
    stage.does(unmake).await;
    let told = carry_out(&stage.small.fleet(&template)).await;
    assert_eq!(told, ["ant P3__sizes done"]);
    stage.assert_nobody_was_called().await;
}

/// What the owner has made by hand, or a superuser, is as good as what the template makes.
#[tokio::test]
async fn what_the_owner_made_is_no_reason_to_refuse() {
    let stage = Stage::set().await;
    let function = |name: &str| {
        let schema = &stage.schema;
        format!("create function {schema}.{name}() returns integer language sql return 1")
    };
    let owner = stage.small.t.as_owner().await;
    owner
        .batch_execute(&function("ours"))
        .await
        .expect("the owner may");
    stage.does(&function("theirs")).await;
    assert_eq!(stage.migrates().await, None);
}

/// What is made while a migration runs may be called by it; then nothing of it stays.
#[tokio::test]
async fn what_is_made_meanwhile_undoes_it() {
    let stage = Stage::set().await;
    stage
        .small
        .write("V3__sizes.sql", &format!("lock table notes;\n{SIZES}"));
    let holder = stage.small.t.as_superuser().await;
    let hold = format!("begin; lock table {}.notes in access share mode", stage.schema);
    holder.batch_execute(&hold).await.expect("held");
    let made = async {
        let waiting =
            "select exists (select from pg_locks where not granted and mode = 'AccessExclusiveLock')";
        while !stage
            .superuser
            .query_one(waiting, &[])
            .await
            .expect("an answer")
            .get::<_, bool>(0)
        {}
        let (_, make, _) = MADE[0];
        stage.does(&format!("set local role dba; {make}")).await;
        holder.batch_execute("commit").await.expect("let go");
    };
    let (named, ()) = tokio::join!(stage.migrates(), made);
    let named = named.expect("it is refused");
    assert!(
        named.contains("pg_column_size") && named.ends_with(" of dba"),
        "{named}"
    );
    let versions = stage.small.versions().await;
    assert_eq!((versions[0].1, versions[0].2), (1, 1));
    stage.assert_nobody_was_called().await;
}
