//! The fleet's migration: tenants behind the template are brought to it, a schema that is not theirs is refused.

use catalog::actor::Actor;
use catalog::tenant_schemas;
use tenant_schema::fleet::{Event, Fleet, Migrated, Plan, Settings, StopSignal};
use tenant_schema::lifecycle::LifecycleError;
use tenant_schema::template::Template;
use tests::{TestDb, TestTenant};

/// A tenant as it was made when version 6 was the latest: before tags, without a default pipeline.
pub(crate) async fn tenant_at_version_6(t: &TestDb, slug: &str) -> TestTenant {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Template::shipped();
    for (name, text) in files.migrations().files().take(6) {
        std::fs::write(folder.path().join(format!("{name}.sql")), text).expect("written");
    }
    let earlier = Template::read(folder.path()).expect("a template");
    assert_eq!(earlier.latest(), 6);
    t.tenant_of(slug, &earlier).await
}

/// Everything a schema is made of, in words that do not name it: columns, constraints, indexes, triggers, functions,
/// rights and comments.
async fn anatomy(t: &TestDb, tenant: &TestTenant) -> Vec<String> {
    let schema = tenant.schema.as_str();
    let rows = t
        .as_superuser()
        .await
        .query(ANATOMY, &[&schema])
        .await
        .expect("an answer");
    rows.iter()
        .map(|row| row.get::<_, String>(0).replace(schema, "tenant"))
        .collect()
}

const ANATOMY: &str = "\
with c as (select oid, relname, relacl from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'v'))
select concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) as part
  from c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
union all select concat_ws(' ', 'constraint', conname, pg_get_constraintdef(k.oid)) from pg_constraint k join c on c.oid = k.conrelid
union all select concat_ws(' ', 'index', pg_get_indexdef(indexrelid)) from pg_index join c on c.oid = indrelid
union all select concat_ws(' ', 'trigger', pg_get_triggerdef(g.oid)) from pg_trigger g join c on c.oid = tgrelid where not tgisinternal
union all select concat_ws(' ', 'function', pg_get_functiondef(p.oid)) from pg_proc p where pronamespace = $1::text::regnamespace
union all select concat_ws(' ', 'right', c.relname, r::text) from c, unnest(c.relacl) r
union all select concat_ws(' ', 'right', c.relname, a.attname, r::text) from c join pg_attribute a on a.attrelid = c.oid, unnest(a.attacl) r
union all select concat_ws(' ', 'comment', c.relname, obj_description(c.oid, 'pg_class')) from c
order by part";

/// The fleet, as a test migrates it.
pub(crate) fn fleet<'a>(t: &'a TestDb, actor: &'a Actor) -> Fleet<'a> {
    Fleet {
        db: t.catalog(),
        template: t.template(),
        actor,
        source: t.source(),
        settings: Settings::default(),
    }
}

/// What there is to do.
async fn plan(t: &TestDb) -> Plan {
    fleet(t, &t.actor()).plan().await.expect("an answer")
}

/// Does what was planned, and says what became of each tenant.
async fn migrate(t: &TestDb, plan: &Plan) -> Vec<Migrated> {
    let mut done = Vec::new();
    let report = |event| {
        if let Event::Tenant(tenant) = event {
            done.push(tenant);
        }
    };
    let ended = fleet(t, &t.actor())
        .migrate(plan, &StopSignal::never(), report)
        .await;
    assert_eq!(ended.expect("a run").stopped, None);
    done
}

#[tokio::test]
async fn a_tenant_behind_the_template_becomes_like_a_new_one() {
    let t = TestDb::new().await;
    let (old, new) = (tenant_at_version_6(&t, "acme").await, t.tenant("globex").await);
    assert_ne!(anatomy(&t, &old).await, anatomy(&t, &new).await);

    let behind = plan(&t).await;
    let slugs: Vec<_> = behind.steps.iter().map(|step| &step.tenant.slug).collect();
    assert_eq!(slugs, [&old.slug]);
    let done = migrate(&t, &behind).await;

    assert_eq!((done.len(), &done[0].slug, done[0].from), (1, &old.slug, 6));
    assert_eq!(
        done[0].outcome.as_ref().expect("migrated"),
        &Template::shipped().latest()
    );
    assert_eq!(anatomy(&t, &old).await, anatomy(&t, &new).await);
    assert!(plan(&t).await.steps.is_empty());
    let owner = t.as_owner().await;
    let pipelines = format!("select count(*) from {}.pipelines", old.schema);
    let pipelines: i64 = owner.query_one(&pipelines, &[]).await.expect("an answer").get(0);
    assert_eq!(pipelines, 1, "the data of a migration is there too");
}

#[tokio::test]
async fn a_table_that_a_later_version_tightens_loses_its_rights_in_tenants_that_are_migrated() {
    let t = TestDb::new().await;
    let (old, new) = (tenant_at_version_6(&t, "acme").await, t.tenant("globex").await);
    // As an earlier version had it: everybody wrote the history, and by a sequence.
    let (schema, rw, ro) = (
        &old.schema,
        old.schema.read_write_role(),
        old.schema.read_only_role(),
    );
    let loose = format!(
        "grant insert, update, delete, truncate, references on {schema}.deal_stage_history to {rw};
         grant update (email) on {schema}.members to {ro};
         create sequence {schema}.numbers;
         grant update on sequence {schema}.numbers to {rw}, {ro}"
    );
    t.as_owner().await.batch_execute(&loose).await.expect("granted");

    let behind = plan(&t).await;
    let done = migrate(&t, &behind).await;
    assert!(done[0].outcome.is_ok(), "{done:?}");

    let superuser = t.as_superuser().await;
    let drop_sequence = format!("drop sequence {schema}.numbers");
    let sequence = format!(
        "select concat_ws(' ', has_sequence_privilege('{rw}', '{schema}.numbers', 'usage'),
           has_sequence_privilege('{rw}', '{schema}.numbers', 'update'),
           has_sequence_privilege('{ro}', '{schema}.numbers', 'usage, select, update'))"
    );
    let sequence: String = superuser
        .query_one(&sequence, &[])
        .await
        .expect("an answer")
        .get(0);
    assert_eq!(sequence, "t f f");
    superuser.batch_execute(&drop_sequence).await.expect("dropped");
    assert_eq!(anatomy(&t, &old).await, anatomy(&t, &new).await);
}

#[tokio::test]
async fn a_tenant_that_somebody_else_migrated_meanwhile_is_left_alone() {
    let t = TestDb::new().await;
    tenant_at_version_6(&t, "acme").await;
    let behind = plan(&t).await;
    let latest = Template::shipped().latest();
    for from in [6, latest, latest] {
        let done = migrate(&t, &behind).await;
        assert_eq!(
            (done[0].from, done[0].outcome.as_ref().ok()),
            (from, Some(&latest))
        );
    }
    let audit = "select string_agg(concat_ws(' ', changes #>> '{template_version,from}', changes #>> '{template_version,to}'), ', ') from catalog.catalog_audit_logs
                  where event_type = 'organization.migrated'";
    let audit: Option<String> = t
        .as_superuser()
        .await
        .query_one(audit, &[])
        .await
        .expect("an answer")
        .get(0);
    assert_eq!(audit, Some(format!("6 {latest}")));
}

#[tokio::test]
async fn a_tenant_that_lacks_the_engines_own_table_gets_it() {
    let t = TestDb::new().await;
    let (old, new) = (t.tenant("acme").await, t.tenant("globex").await);
    // As it was before there was such a table.
    let drop_table = format!(
        "drop table {}._idempotency_keys;
         update catalog.tenant_schemas set engine_version = 0 where organization_id = '{}'",
        old.schema, old.organization
    );
    t.as_owner()
        .await
        .batch_execute(&drop_table)
        .await
        .expect("dropped");
    let behind = plan(&t).await;
    let slugs: Vec<_> = behind.steps.iter().map(|step| &step.tenant.slug).collect();
    assert_eq!(slugs, [&old.slug]);
    // Until then a write with a key says that it cannot be done now, and nothing is done.
    let records = old.records(&t, &t.tenants());
    let refused = records.insert_once("k", "tags", r#"{"name":"a"}"#).await;
    assert_eq!(refused.map_err(|error| error.status()), Err(503));
    assert_eq!(records.list("tags", "").await.expect("a list"), "[]");

    let done = migrate(&t, &behind).await;
    let latest = Template::shipped().latest();
    assert_eq!(
        (done[0].from, done[0].outcome.as_ref().ok()),
        (latest, Some(&latest))
    );
    assert_eq!(anatomy(&t, &old).await, anatomy(&t, &new).await);
    records
        .insert_once("k", "tags", r#"{"name":"a"}"#)
        .await
        .expect("done");
    assert!(plan(&t).await.steps.is_empty());
}

#[tokio::test]
async fn a_schema_with_somebody_elses_stamp_is_refused_and_untouched() {
    let t = TestDb::new().await;
    let (wrong, right) = (
        tenant_at_version_6(&t, "acme").await,
        tenant_at_version_6(&t, "globex").await,
    );
    let stamp = format!(
        "comment on schema {} is 'tenantry tenant {}'",
        wrong.schema, right.organization
    );
    t.as_owner().await.batch_execute(&stamp).await.expect("a comment");
    let before = anatomy(&t, &wrong).await;

    let behind = plan(&t).await;
    let done = migrate(&t, &behind).await;

    let outcome = |slug| {
        &done
            .iter()
            .find(|one| &one.slug == slug)
            .expect("it was tried")
            .outcome
    };
    assert!(
        matches!(outcome(&wrong.slug), Err(LifecycleError::Stamp { .. })),
        "{done:?}"
    );
    assert!(
        outcome(&right.slug).is_ok(),
        "one that fails does not stop the others: {done:?}"
    );
    assert_eq!(anatomy(&t, &wrong).await, before);
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let known = tenant_schemas::find(&mut tx, wrong.organization)
        .await
        .expect("an answer")
        .expect("a row");
    assert_eq!(known.template_version, 6);
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn a_dropped_schema_is_refused_and_not_built_elsewhere() {
    let t = TestDb::new().await;
    let gone = tenant_at_version_6(&t, "acme").await;
    let drop_schema = format!("drop schema {} cascade", gone.schema);
    t.as_owner()
        .await
        .batch_execute(&drop_schema)
        .await
        .expect("dropped");
    let behind = plan(&t).await;
    let done = migrate(&t, &behind).await;
    assert!(
        matches!(done[0].outcome, Err(LifecycleError::Stamp { .. })),
        "{done:?}"
    );
    let count = "select count(*) from pg_tables where tablename = 'tags'";
    let tables: i64 = t
        .as_superuser()
        .await
        .query_one(count, &[])
        .await
        .expect("an answer")
        .get(0);
    assert_eq!(tables, 0);
}

/// PostgreSQL has `quote_ident(text)` only, so that one for names fits better wherever it is on the path.
#[tokio::test]
async fn a_function_in_the_tenants_schema_is_not_called_by_statements_of_ours() {
    let t = TestDb::new().await;
    let acme = tenant_at_version_6(&t, "acme").await;
    let trap = format!(
        "create function {}.quote_ident(name) returns text language plpgsql
           as $$begin raise exception 'it was called'; end$$",
        acme.schema
    );
    t.as_superuser().await.batch_execute(&trap).await.expect("made");
    let done = migrate(&t, &plan(&t).await).await;
    assert!(done[0].outcome.is_ok(), "{done:?}");
}
