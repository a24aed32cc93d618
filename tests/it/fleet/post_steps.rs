//! Post-steps: what comes behind a tenant's migration and outside of its transaction.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use catalog::slug::Slug;
use tenant_schema::container;
use tenant_schema::container::reference::References;
use tenant_schema::doctor::{self, Examination, Kind};
use tenant_schema::fleet::post_steps::{Event, Outcome, Tried};
use tenant_schema::fleet::{Fleet, FleetError, Settings, StopSignal};
use tenant_schema::lifecycle::clone::{self, Content, Guard, NewClone};
use tenant_schema::lifecycle::spares;
use tenant_schema::template::Template;
use tenant_schema::template_check::{self, Target, live};
use tests::TestDb;
use tests::tenant::owner;

use super::{Small, migrate};

const AMOUNTS: &str =
    "-- For reports.\ncreate index concurrently notes_amount_idx on notes (amount) where amount > 0;\n";

/// Every kind there is, with what they are about in a third version.
fn write_all_kinds(small: &Small) {
    small.write(
        "V3__words.sql",
        "create table words (word text not null, note uuid not null, constraint words_pkey primary key (word));
         comment on table words is 'Words.';
         create index words_note_idx on words (note);
         create index words_old_idx on words (lower(word));
         alter table words add constraint words_note_fkey foreign key (note) references notes (id) not valid",
    );
    small.write("P2__amounts.sql", AMOUNTS);
    small.write(
        "P3__a_key.sql",
        "create unique index concurrently \"words Key\" on words (lower(word), note)",
    );
    small.write("P3__b_old.sql", "drop index concurrently words_old_idx");
    small.write(
        "P3__c_valid.sql",
        "alter table words validate constraint words_note_fkey",
    );
    small.write("P3__d_again.sql", "reindex table concurrently words");
    small.write("P3__e_statistics.sql", "analyze words");
}

/// Brings everybody to the latest version, without the post-steps.
async fn migrate_all(small: &Small, template: &Template) {
    let (ended, told) = migrate(&small.fleet(template), &small.plan().await).await;
    ended.expect("a run");
    assert!(
        told.tenants.iter().all(|tenant| tenant.outcome.is_ok()),
        "{told:?}"
    );
}

/// What the phase told: of each step that it lost against others, or what came of it.
pub(super) async fn carry_out(fleet: &Fleet<'_>) -> Vec<String> {
    let told = Mutex::new(Vec::new());
    let hear = |event| {
        let says = match event {
            Event::Begun { .. } => return,
            Event::Again {
                slug, step, sqlstate, ..
            } => format!("{slug} {step} again {sqlstate}"),
            Event::Tried(Tried {
                slug, step, outcome, ..
            }) => match outcome {
                Outcome::Done => format!("{slug} {step} done"),
                Outcome::Pending(error) => format!("{slug} {step} pending: {}", error.explain_discreetly()),
                Outcome::Failed(error) => format!("{slug} {step} failed: {}", error.explain_discreetly()),
            },
        };
        told.lock().expect("nobody panicked").push(says);
    };
    let outstanding = fleet.outstanding_steps().await.expect("an answer");
    let stopped = Box::pin(fleet.post_steps(&outstanding, &StopSignal::never(), hear)).await;
    assert!(!stopped.expect("a phase"));
    let mut told = told.into_inner().expect("nobody panicked");
    told.sort();
    told
}

/// What is lacked, by slug and step.
async fn lacked(fleet: &Fleet<'_>) -> Vec<String> {
    let outstanding = fleet.outstanding_steps().await.expect("an answer");
    let mut lacked: Vec<String> = outstanding
        .iter()
        .map(|one| {
            let failed = one.failure.as_ref().map_or("", |_| " failed");
            format!("{} {}{failed}", one.slug, one.step)
        })
        .collect();
    lacked.sort();
    lacked
}

/// What the doctor has to say of structure.
async fn examine(small: &Small, template: &Template) -> Vec<String> {
    let exam = Examination {
        db: small.t.catalog(),
        template,
        source: small.t.source(),
        kinds: vec![Kind::PostSteps, Kind::Drift, Kind::Indexes],
        only: None,
    };
    let scan = Box::pin(doctor::examine(&exam)).await.expect("examined");
    scan.findings
        .iter()
        .map(|finding| {
            let tenant = finding.tenant.as_ref().map_or("-", Slug::as_str);
            let severity = finding.severity.as_str();
            format!(
                "{} {severity} {tenant}: {}",
                finding.kind.check().name,
                finding.says
            )
        })
        .collect()
}

/// The indexes of each tenant, each set once: valid or not, and what makes them.
async fn indexes(t: &TestDb) -> BTreeSet<String> {
    let sql =
        "select t.schema_name, string_agg(replace(pg_get_indexdef(i.indexrelid), t.schema_name || '.', '')
                 || case when i.indisvalid then '' else ' INVALID' end, E'\\n' order by c.relname) as indexes
                 from catalog.tenant_schemas t
                 join pg_class c on c.relnamespace = t.schema_name::regnamespace
                 join pg_index i on i.indexrelid = c.oid
                where c.relname !~ '^_' group by t.schema_name";
    let rows = t.as_superuser().await.query(sql, &[]).await.expect("an answer");
    rows.iter().map(|row| row.get(1)).collect()
}

#[tokio::test]
async fn a_tenant_that_got_them_concurrently_is_what_a_new_one_is() {
    let small = Small::with(&["ant", "bee"]).await;
    write_all_kinds(&small);
    let template = small.template();
    let fleet = small.fleet(&template);
    assert_eq!(
        lacked(&fleet).await,
        [""; 0],
        "nobody has reached a version that has one"
    );
    let plan = small.plan().await;
    let behind: Vec<String> = fleet
        .steps_behind(&plan)
        .map(|(slug, step)| format!("{slug} {step}"))
        .collect();
    assert_eq!(behind.len(), 12);
    migrate_all(&small, &template).await;
    let mut behind = behind;
    behind.sort();
    assert_eq!(lacked(&fleet).await, behind);
    let pending = examine(&small, &template).await;
    assert_eq!(pending.len(), 2, "nothing of it is drift: {pending:#?}");
    assert!(
        pending[0].starts_with(
            "post-steps warn ant: index notes_amount_idx of post-step P2__amounts is pending; \
             index words Key of post-step P3__a_key is pending; post-step P3__b_old is pending"
        ),
        "{pending:#?}"
    );
    let made = small.provision("new", &template).await;
    assert_eq!(
        indexes(&small.t).await.len(),
        2,
        "new ones have what old ones lack"
    );

    let told = carry_out(&fleet).await;
    assert_eq!(told.len(), 12, "{told:#?}");
    assert!(told.iter().all(|says| says.ends_with(" done")), "{told:#?}");
    assert_eq!(lacked(&fleet).await, [""; 0]);
    assert_eq!(indexes(&small.t).await.len(), 1);
    assert_eq!(examine(&small, &template).await, [""; 0], "{made}");
    assert_eq!(carry_out(&fleet).await, [""; 0], "there is nothing left");
    let audited =
        "select count(*) from catalog.catalog_audit_logs where event_type = 'organization.post_step'";
    let audited = small
        .t
        .as_superuser()
        .await
        .query_one(audited, &[])
        .await
        .expect("a count");
    assert_eq!(audited.get::<_, i64>(0), 12);
}

#[tokio::test]
async fn a_spare_has_them_and_one_that_has_not_is_built_anew() {
    let small = Small::with(&["ant"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let first = small.template();
    let (db, source) = (small.t.catalog(), small.t.source());
    let fill = async |template: &Template| {
        let filled = spares::fill(db, template, 1, source, |_| {})
            .await
            .expect("filled");
        (filled.built, filled.removed)
    };
    migrate_all(&small, &first).await;
    carry_out(&small.fleet(&first)).await;
    assert_eq!(fill(&first).await, (1, 0));
    assert_eq!(examine(&small, &first).await, [""; 0]);

    small.write(
        "P2__places.sql",
        "create index concurrently notes_both_idx on notes (place, amount)",
    );
    let second = small.template();
    let found = examine(&small, &second).await;
    assert_eq!(
        found,
        [
            "post-steps warn -: index notes_both_idx of post-step P2__places is pending",
            "post-steps warn ant: index notes_both_idx of post-step P2__places is pending",
        ]
    );
    small.provision("bee", &second).await;
    let fleet = small.fleet(&second);
    assert_eq!(
        lacked(&fleet).await,
        ["ant P2__places", "bee P2__places"],
        "it was a spare of before"
    );
    assert_eq!(fill(&first).await, (1, 0));
    assert_eq!(fill(&second).await, (1, 1), "the one without it is replaced");
    small.provision("cat", &second).await;
    assert_eq!(
        carry_out(&fleet).await,
        ["ant P2__places done", "bee P2__places done"]
    );
    assert_eq!(examine(&small, &second).await, [""; 0]);
    assert_eq!(indexes(&small.t).await.len(), 1);
}

#[tokio::test]
async fn what_others_hold_up_is_pending_and_is_done_when_they_are_gone() {
    let small = Small::with(&["ant", "bee"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let template = small.template();
    migrate_all(&small, &template).await;
    let mut fleet = small.fleet(&template);
    fleet.settings = Settings {
        attempts: 2,
        post_step_wait: Duration::from_millis(100),
        post_step_jobs: NonZeroUsize::MIN,
        ..Settings::default()
    };
    let schema = "select t.schema_name from catalog.tenant_schemas t join catalog.organizations o \
                  on o.id = t.organization_id where o.slug = 'ant'";
    let superuser = small.t.as_superuser().await;
    let schema: String = superuser.query_one(schema, &[]).await.expect("a schema").get(0);
    // One that writes the table: its beginning waits for nobody, its end for this.
    let reader = small.t.as_owner().await;
    let long = format!("begin; insert into {schema}.notes (amount) values (7)");
    reader.batch_execute(&long).await.expect("a transaction");
    let told = carry_out(&fleet).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert_eq!(told[0], "ant P2__amounts again 55P03");
    assert!(
        told[1].starts_with("ant P2__amounts pending: ") && told[1].contains("55P03"),
        "{told:#?}"
    );
    assert_eq!(told[2], "bee P2__amounts done", "nobody waits for another tenant");
    assert_eq!(lacked(&fleet).await, ["ant P2__amounts"], "that is no failure");
    let found = examine(&small, &template).await;
    assert_eq!(
        found,
        ["post-steps warn ant: index notes_amount_idx of post-step P2__amounts is pending"]
    );
    reader.batch_execute("commit").await.expect("it ends");
    assert_eq!(carry_out(&fleet).await, ["ant P2__amounts done"]);
    assert_eq!(examine(&small, &template).await, [""; 0]);
    assert!(indexes(&small.t).await.iter().all(|all| !all.contains("INVALID")));
}

#[tokio::test]
async fn one_operator_at_a_time() {
    let small = Small::with(&["ant"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let template = small.template();
    migrate_all(&small, &template).await;
    let fleet = small.fleet(&template);
    let outstanding = fleet.outstanding_steps().await.expect("an answer");
    let other = small.t.as_owner().await;
    let hold = "begin; select catalog.try_migration_guard()";
    other.batch_execute(hold).await.expect("held");
    let refused = Box::pin(fleet.post_steps(&outstanding, &StopSignal::never(), |_| {})).await;
    assert!(matches!(refused, Err(FleetError::Busy { .. })), "{refused:?}");
    other.batch_execute("rollback").await.expect("let go");
    // What two have found, the second does not do again.
    assert_eq!(carry_out(&fleet).await, ["ant P2__amounts done"]);
    let again = Box::pin(fleet.post_steps(&outstanding, &StopSignal::never(), |_| {})).await;
    assert!(!again.expect("nothing to do"));
    let audited =
        "select count(*) from catalog.catalog_audit_logs where event_type = 'organization.post_step'";
    let audited = small
        .t
        .as_superuser()
        .await
        .query_one(audited, &[])
        .await
        .expect("a count");
    assert_eq!(audited.get::<_, i64>(0), 1);
}

/// Two tenants with a unique index that the records of one refuse, by the tenant's slug and schema.
async fn with_a_refused_one() -> (Small, Template, Slug, String) {
    let small = Small::with(&["ant", "bee"]).await;
    small.write(
        "P2__one_amount.sql",
        "create unique index concurrently notes_amount_key on notes (amount)",
    );
    small.notes(3).await;
    let superuser = small.t.as_superuser().await;
    let first = "select o.slug::text, t.schema_name from catalog.tenant_schemas t \
                 join catalog.organizations o on o.id = t.organization_id order by t.organization_id limit 1";
    let first = superuser.query_one(first, &[]).await.expect("a tenant");
    let (slug, schema): (String, String) = (first.get(0), first.get(1));
    let secret = format!("insert into {schema}.notes (amount) values (424242), (424242)");
    superuser.batch_execute(&secret).await.expect("twice the same");
    let template = small.template();
    migrate_all(&small, &template).await;
    (small, template, slug.parse().expect("a slug"), schema)
}

#[tokio::test]
async fn what_postgresql_refuses_is_recorded_without_values_and_leaves_no_index() {
    let (small, template, slug, schema) = with_a_refused_one().await;
    let superuser = small.t.as_superuser().await;
    let fleet = small.fleet(&template);
    let told = carry_out(&fleet).await;
    let failed: Vec<&String> = told.iter().filter(|says| !says.ends_with(" done")).collect();
    assert!(
        matches!(failed.as_slice(), [one] if one.contains(" failed: ") && one.contains("23505") && !one.contains("424242")),
        "{told:#?}"
    );
    let known =
        "select p.sqlstate, p.message, p.statement from catalog.tenant_post_steps p where p.state = 'failed'";
    let known = superuser.query_one(known, &[]).await.expect("one failed");
    let [sqlstate, message, statement] = [0, 1, 2].map(|column| known.get::<_, &str>(column));
    assert_eq!(sqlstate, "23505");
    assert!(!message.contains("424242"), "{message}");
    assert!(
        statement.starts_with("create unique index concurrently"),
        "{statement}"
    );
    assert!(indexes(&small.t).await.iter().all(|all| !all.contains("INVALID")));
    let found = examine(&small, &template).await;
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("post-steps error ") && found[0].contains(" failed: "),
        "{found:#?}"
    );
    let mend = format!("delete from {schema}.notes where amount = 424242");
    superuser.batch_execute(&mend).await.expect("mended");
    assert_eq!(carry_out(&fleet).await, [format!("{slug} P2__one_amount done")]);
    assert_eq!(examine(&small, &template).await, [""; 0]);
}

#[tokio::test]
async fn a_copy_has_what_its_origin_has_and_lacks_what_it_lacks() {
    let (small, template, slug, _) = with_a_refused_one().await;
    let fleet = small.fleet(&template);
    carry_out(&fleet).await;
    let who = small.t.user("una@umbrella.test").await;
    let (actor, source) = (small.t.actor(), small.t.source());
    for (origin, copy) in [("ant", "ant-copy"), ("bee", "bee-copy")] {
        let origin: Slug = origin.parse().expect("a slug");
        let guard = Box::pin(Guard::on(small.t.catalog(), &origin, &template)).await;
        let guard = guard.expect("held");
        let new = NewClone {
            slug: copy.parse().expect("a slug"),
            name: None,
            owner: owner(&who),
            content: Content::Records,
        };
        let mut tx = small.t.catalog().begin_snapshot().await.expect("a transaction");
        let made = Box::pin(clone::make(&mut tx, &guard, &template, &new, &actor, source)).await;
        let made = made.expect("its records are accepted");
        guard.commit(tx, &new, &made).await.expect("committed");
    }
    let expected = [
        format!("{slug} P2__one_amount failed"),
        format!("{slug}-copy P2__one_amount"),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(lacked(&fleet).await, expected);
    let references = References::of(&template);
    let had = async |slug: &str| {
        let slug = slug.parse().expect("a slug");
        let exported =
            container::export::export(small.t.catalog(), &references, &slug, tokio::io::sink(), source);
        exported.await.expect("exported").0.post_steps
    };
    let (one, other) = (had("ant").await, had("bee").await);
    assert_eq!([one, other].concat(), ["P2__one_amount"], "one of them has it");
}

#[tokio::test]
async fn one_that_says_something_else_by_now_is_another_step() {
    let small = Small::with(&["ant"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let template = small.template();
    migrate_all(&small, &template).await;
    carry_out(&small.fleet(&template)).await;
    // Only the statement counts.
    small.write("P2__amounts.sql", AMOUNTS.split_once('\n').expect("two lines").1);
    let same = small.template();
    assert_eq!(lacked(&small.fleet(&same)).await, [""; 0]);
    small.write("P2__amounts.sql", &AMOUNTS.replace("> 0", "> 1"));
    let other = small.template();
    let fleet = small.fleet(&other);
    let told = carry_out(&fleet).await;
    assert!(
        told[0].starts_with("ant P2__amounts failed: ") && told[0].contains("42P07"),
        "{told:#?}"
    );
    assert_eq!(lacked(&fleet).await, ["ant P2__amounts failed"]);
    // Said otherwise, and the same to PostgreSQL: the index that is there is taken for it.
    small.write(
        "P2__amounts.sql",
        &AMOUNTS.replace("(amount)", "using btree (amount)"),
    );
    let same = small.template();
    assert_eq!(carry_out(&small.fleet(&same)).await, ["ant P2__amounts done"]);
}

#[tokio::test]
async fn a_check_of_the_template_carries_them_out_behind_everything_else() {
    let small = Small::with(&[]).await;
    write_all_kinds(&small);
    let told = async || {
        let files = template_check::files_of(small.folder.path()).expect("files");
        let mut findings = template_check::check(&files, Target::default());
        let template = small.template();
        findings.extend(
            live::check(small.t.catalog(), &template, &files)
                .await
                .expect("checked"),
        );
        findings
            .iter()
            .map(|finding| {
                format!(
                    "{}:{} {}: {}",
                    finding.file, finding.line, finding.rule, finding.reason
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(told().await, [""; 0]);
    small.write(
        "P3__f_more.sql",
        "-- Later.\ncreate index concurrently words_more_idx\n  on words (more)",
    );
    assert_eq!(
        told().await,
        ["P3__f_more.sql:2 does-not-apply: column \"more\" does not exist (SQLSTATE 42703)"]
    );
    small.write(
        "V4__more.sql",
        "drop index notes_amount_idx; alter table words add column more text",
    );
    let found = told().await;
    assert!(
        matches!(found.as_slice(), [one] if one.starts_with("V4__more.sql:1 does-not-apply: ")),
        "a migration relies on no post-step: {found:#?}"
    );
}
