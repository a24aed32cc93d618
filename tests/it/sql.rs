//! SQL and the tables it meets: every statement prepares, every table keeps the conventions.

mod refused;

use std::collections::BTreeSet;

use catalog::resolve::ActiveTenant;
use tenant_schema::records::model::Field;
use tenant_schema::records::{
    self, Claim, Conditions, Fingerprint, Form, INTROSPECT, IdempotencyKey, Limits, Lines, Object, Operation,
    Payload, Preferences, Request, Rights, SchemaModel, Target,
};
use tests::{TestDb, TestTenant};
use tokio_postgres::Client;

use self::refused::{READ_ONLY, refusals};

#[tokio::test]
async fn every_statement_that_is_a_constant_prepares() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let owner = t.as_owner().await;
    let path = format!("set search_path = {}", acme.schema.search_path());
    owner
        .batch_execute(&path)
        .await
        .expect("some are about a tenant's tables");
    let statements = catalog::statements();
    assert!(statements.len() > 30, "{} statements", statements.len());
    let selections = catalog::selection_statements();
    assert!(selections.len() > 30, "{} selections", selections.len());
    let constants = statements.into_iter().chain(tenant_schema::statements());
    for sql in constants.chain(selections.iter().map(String::as_str)) {
        if let Err(error) = owner.prepare(sql).await {
            panic!("{error:?}\n{sql}");
        }
    }
}

#[tokio::test]
async fn every_statement_of_the_record_engine_prepares_as_the_tenants_role() {
    let engine = Engine::new().await;
    let claim = engine.claim();
    for claim in [None, Some(&claim)] {
        let (n_asked, n_prepared, refused) = engine.prepare_all(claim, &Conditions::NONE).await;
        assert_eq!(refused, refusals());
        assert_eq!(n_prepared, n_asked - PREFERENCES.len() * refused.len());
    }
}

#[tokio::test]
async fn every_condition_prepares_too_or_is_refused() {
    let engine = Engine::new().await;
    let (claim, tags) = (engine.claim(), Some("\"1\", \"2\""));
    for (if_match, if_none_match) in [(tags, None), (None, tags), (Some("*"), None), (tags, Some("*"))] {
        let conditions = Conditions::parse(if_match, if_none_match).expect("tags");
        let (_, n_prepared, refused) = engine.prepare_all(Some(&claim), &conditions).await;
        assert!(n_prepared > 100, "{n_prepared}");
        for refusal in refused.difference(&refusals()) {
            let (what, code) = refusal.split_once(": ").expect("a code");
            let (object, operation) = what.split_once(' ').expect("an operation");
            assert_eq!(code, "condition_unsupported", "{what}");
            let is_by_path = ["get", "restore", "purge", "put", "update", "delete"].contains(&operation);
            assert!(!is_by_path || !engine.model.objects[object].versioned, "{what}");
        }
    }
}

/// A tenant's model, and a session that is the tenant's.
struct Engine {
    model: std::sync::Arc<SchemaModel>,
    session: Client,
    acme: TestTenant,
    t: TestDb,
}

impl Engine {
    async fn new() -> Self {
        let t = TestDb::new().await;
        let acme = t.tenant("acme").await;
        let model = model(&t, &acme.active).await;
        let session = t.as_server().await;
        let (role, path) = (acme.schema.read_write_role(), acme.schema.search_path());
        let enter = format!("set role {role}; set search_path = {path}");
        session.batch_execute(&enter).await.expect("the server may");
        session.prepare(INTROSPECT).await.expect("the model can be read");
        Self {
            model,
            session,
            acme,
            t,
        }
    }

    fn claim(&self) -> Claim {
        let key = IdempotencyKey::parse("k").expect("a key");
        Claim::new(&self.acme.schema, &self.t.actor(), &key, Fingerprint::default())
    }

    /// Prepares every shape of a statement. Says how many were asked for, how many there are, and which are refused with
    /// what.
    async fn prepare_all(
        &self,
        claim: Option<&Claim>,
        conditions: &Conditions,
    ) -> (usize, usize, BTreeSet<String>) {
        let cursors = tests::records::cursors(self.acme.organization);
        let (mut texts, mut refused) = (BTreeSet::new(), BTreeSet::new());
        let (mut n_asked, mut n_prepared) = (0, 0);
        for object in self.model.objects.values() {
            let bodies = [
                b"{}".to_vec(),
                all_null(object, |_| true),
                all_null(object, |field| field.updatable),
            ];
            let (everything, one_filter) = (
                everything(object),
                format!("{}=not.is.null", object.primary_key[0]),
            );
            let operations = operations(&everything, &one_filter, &bodies);
            for (name, query, does, (header, form)) in with_preferences(operations) {
                let preferences = Preferences::parse(header);
                let request = Request {
                    form,
                    conditions,
                    claim,
                    ..Request::new(
                        &object.name,
                        query,
                        &preferences,
                        Rights::by(&|_, _| true),
                        &cursors,
                    )
                };
                n_asked += 1;
                match self.text(&request, does) {
                    Err(error) => {
                        refused.insert(format!("{} {name}: {}", object.name, error.code()));
                    }
                    Ok(text) => {
                        n_prepared += 1;
                        if texts.insert(text.clone())
                            && let Err(error) = self.session.prepare(&text).await
                        {
                            panic!("{name} {}: {error:?}\n{text}", object.name);
                        }
                    }
                }
            }
        }
        (n_asked, n_prepared, refused)
    }

    /// The statement that the engine makes of a request.
    fn text(&self, request: &Request<'_>, does: Does<'_>) -> Result<String, records::RecordError> {
        let (model, limits) = (&self.model, Limits::default());
        let new_id = &mut || self.t.source().uuid();
        Ok(match does {
            Does::Answer(operation) => records::prepare(model, request, operation, limits, new_id)?
                .text()
                .to_owned(),
            Does::Export(lines) => records::prepare_export(model, request, lines, limits)?
                .text()
                .to_owned(),
        })
    }
}

/// A query string that names every column in every place.
fn everything(object: &Object) -> String {
    let columns: Vec<&str> = object.fields.iter().map(|field| field.name.as_str()).collect();
    let filters: Vec<String> = columns
        .iter()
        .map(|column| format!("{column}=not.is.null"))
        .collect();
    format!(
        "select={}&order={}&limit=7&offset=7&{}",
        columns.join(","),
        object.primary_key.join(","),
        filters.join("&")
    )
}

/// A body with every column that a client may write; the text of a statement does not depend on the values.
fn all_null(object: &Object, also: fn(&Field) -> bool) -> Vec<u8> {
    let fields = object
        .fields
        .iter()
        .filter(|field| field.accepts_values() && also(field));
    let pairs: Vec<String> = fields.map(|field| format!("\"{}\":null", field.name)).collect();
    format!("{{{}}}", pairs.join(",")).into_bytes()
}

fn with_preferences<'a>(
    operations: Vec<(&'static str, &'a str, Does<'a>)>,
) -> impl Iterator<Item = (&'static str, &'a str, Does<'a>, (&'static str, Form))> {
    let each = operations.into_iter();
    each.flat_map(|(name, query, does)| PREFERENCES.map(|preference| (name, query, does, preference)))
}

/// What changes the text of a write.
const PREFERENCES: [(&str, Form); 4] = [
    ("", Form::Plural),
    ("return=representation", Form::Plural),
    (
        "return=representation,resolution=merge-duplicates,missing=default,handling=strict,max-affected=1",
        Form::Singular,
    ),
    (
        "resolution=ignore-duplicates,missing=null,merge=disjoint",
        Form::Plural,
    ),
];

/// What is asked of the engine.
#[derive(Clone, Copy)]
enum Does<'a> {
    Answer(Operation<'a>),
    Export(Lines),
}

fn operations<'a>(
    everything: &'a str,
    one_filter: &'a str,
    [empty, insert, update]: &'a [Vec<u8>; 3],
) -> Vec<(&'static str, &'a str, Does<'a>)> {
    let id = "00000000-0000-7000-8000-000000000000";
    let (by_id, filtered) = (Target::Id(id), Target::Filtered);
    let change = |target| Operation::Update {
        target,
        body: Payload::json(update),
    };
    let put = |body| Operation::Replace { target: by_id, body };
    let insert_all = |body| Operation::Insert {
        body: Payload::json(body),
    };
    let partly = b"[{},{\"created_at\":null}]";
    let answers = [
        ("list", "", Operation::List),
        ("list everything", everything, Operation::List),
        ("page by cursor", "cursor=", Operation::List),
        ("search", "q=some%20words", Operation::List),
        ("get", "", Operation::Get { id }),
        ("restore", "", Operation::Restore { id }),
        ("purge", "", Operation::Purge { id }),
        ("update deleted", "id=eq.0&deleted=only", change(filtered)),
        ("insert defaults", "", insert_all(empty)),
        ("insert partly", "columns=id,created_at", insert_all(partly)),
        ("put", "", put(Payload::json(insert))),
        ("insert", "", insert_all(insert)),
        ("update", "", change(by_id)),
        ("update filtered", one_filter, change(filtered)),
        ("delete", "", Operation::Delete { target: by_id }),
        (
            "delete filtered",
            one_filter,
            Operation::Delete { target: filtered },
        ),
    ];
    let exports = [("export", Lines::Ndjson), ("export a table", Lines::Csv)];
    let exports = exports.map(|(name, lines)| (name, everything, Does::Export(lines)));
    let answers = answers.map(|(name, query, operation)| (name, query, Does::Answer(operation)));
    answers.into_iter().chain(exports).collect()
}

async fn model(t: &TestDb, tenant: &ActiveTenant) -> std::sync::Arc<SchemaModel> {
    t.models().get(tenant.template_version()).await.expect("a model")
}

/// Runs a query whose every row is a thing that breaks a rule, on the catalog and on a tenant's schema.
async fn nothing_breaks(rule: &str) {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    for schema in ["catalog", acme.schema.as_str()] {
        let found = offenders(&superuser, rule, schema).await;
        assert!(found.is_empty(), "{schema}: {}", found.join("\n"));
    }
    let nowhere = offenders(
        &superuser,
        "select 'seen' from pg_namespace where nspname = $1",
        "catalog",
    )
    .await;
    assert_eq!(nowhere, ["seen"], "a rule that finds something says so");
}

async fn offenders(client: &Client, rule: &str, schema: &str) -> Vec<String> {
    let rows = client.query(rule, &[&schema]).await.expect("the rule is SQL");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The first column of a foreign key is an id, which finds few rows by itself: an index that begins with it serves a
/// key of several columns too.
#[tokio::test]
async fn every_foreign_key_is_indexed() {
    nothing_breaks(
        "select k.conname::text from pg_constraint k
          where k.connamespace = $1::text::regnamespace and k.contype = 'f'
            and not exists (
              select from pg_index i
               where i.indrelid = k.conrelid and i.indpred is null and i.indkey[0] = k.conkey[1])",
    )
    .await;
}

#[tokio::test]
async fn every_constraint_and_index_is_named_after_its_table_and_kind() {
    nothing_breaks(
        "select c.relname || ': ' || k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid
          where k.connamespace = $1::text::regnamespace and c.relname <> 'refinery_schema_history'
            -- The mark of the template version.
            and not (c.relname = '_idempotency_keys' and k.conname ~ '^_template_version_[0-9]+$')
            and not (starts_with(k.conname, c.relname || '_')
              and k.conname like case k.contype when 'p' then '%\\_pkey' when 'u' then '%\\_key'
                                                when 'f' then '%\\_fkey' when 'c' then '%\\_check' else '%' end)
         union all
         select c.relname || ': ' || x.relname from pg_index i
           join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
          where c.relnamespace = $1::text::regnamespace and c.relname <> 'refinery_schema_history'
            and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
            and not (starts_with(x.relname, c.relname || '_')
              and x.relname like case when i.indisunique then '%\\_key' else '%\\_idx' end)",
    )
    .await;
}

#[tokio::test]
async fn every_table_column_and_function_is_commented() {
    nothing_breaks(
        "select c.relname::text from pg_class c
          where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
            and c.relname <> 'refinery_schema_history' and obj_description(c.oid, 'pg_class') is null
         union all
         select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
          where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
            and c.relname <> 'refinery_schema_history' and a.attnum > 0 and not a.attisdropped
            and col_description(c.oid, a.attnum) is null
         union all
         select p.proname || '()' from pg_proc p
          where p.pronamespace = $1::text::regnamespace and obj_description(p.oid, 'pg_proc') is null",
    )
    .await;
}

#[tokio::test]
async fn definers_functions_fix_their_path_and_are_not_for_everybody() {
    nothing_breaks(
        "select p.proname::text from pg_proc p
          where p.pronamespace = $1::text::regnamespace and p.prosecdef
            and (not coalesce(array_to_string(p.proconfig, ' '), '') like '%search_path=pg_catalog, pg_temp%'
              or has_function_privilege('public', p.oid, 'execute'))",
    )
    .await;
}

#[tokio::test]
async fn row_level_security_is_forced_on_whatever_carries_an_organization() {
    let t = TestDb::new().await;
    let rule = "select c.relname::text from pg_class c
         where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p')
           and (c.relname = 'organizations' or exists (
             select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id'))
           and (not c.relrowsecurity or not c.relforcerowsecurity
             or (select count(distinct r) from pg_policy p, unnest(p.polroles) r where p.polrelid = c.oid
                  and r in ('tenantry_server'::regrole, c.relowner)) < 2)";
    assert_eq!(offenders(&t.as_superuser().await, rule, "catalog").await, [""; 0]);
}

#[tokio::test]
async fn every_access_tag_is_one_of_the_known_words() {
    nothing_breaks(
        "select c.relname || ': ' || line from pg_class c, string_to_table(obj_description(c.oid, 'pg_class'), E'\\n') line
          where c.relnamespace = $1::text::regnamespace and line ~* '@|^ *access'
            and line not in ('@access read', '@access member:read')",
    )
    .await;
}

#[tokio::test]
async fn a_tenants_tables_are_granted_as_the_template_says() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    // Expected against real, for each role and right; nobody but the tenant's two roles has any.
    let rule = "\
        select concat_ws(' ', r.relname, who, what)
          from pg_class r
          cross join (values ($1 || '_rw'), ($1 || '_ro'), ('tenantry_server'), ('public')) w (who)
          cross join (values ('select'), ('insert'), ('update'), ('delete'), ('truncate'), ('references'), ('trigger')) p (what)
         where r.relnamespace = $1::text::regnamespace and r.relkind in ('r', 'p', 'v', 'm')
           and has_table_privilege(who, r.oid, what) is distinct from
               (r.relname <> 'refinery_schema_history' and case who
                  when $1 || '_rw' then what = 'select'
                    or (what in ('insert', 'update', 'delete') and r.relname <> all ($2::text[]))
                  when $1 || '_ro' then what = 'select' and r.relname <> '_idempotency_keys'
                  else false end)";
    let superuser = t.as_superuser().await;
    let rows = superuser
        .query(rule, &[&acme.schema.as_str(), &READ_ONLY.as_slice()])
        .await
        .expect("the rule is SQL");
    let wrong: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(wrong, [""; 0]);
    let model = model(&t, &acme.active).await;
    assert!(model.objects.len() > 10, "the rule had tables to look at");
}

#[tokio::test]
async fn roles_can_use_their_schema_but_make_nothing_in_it() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let superuser = t.as_superuser().await;
    let rights = async |role: String, schema: &str| -> String {
        let sql = "select concat_ws(' ', has_schema_privilege($1, $2, 'usage'), has_schema_privilege($1, $2, 'create'))";
        superuser
            .query_one(sql, &[&role, &schema])
            .await
            .expect("an answer")
            .get(0)
    };
    for role in [acme.schema.read_write_role(), acme.schema.read_only_role()] {
        assert_eq!(rights(role.clone(), acme.schema.as_str()).await, "t f", "its own");
        for foreign in [globex.schema.as_str(), "catalog"] {
            assert_eq!(rights(role.clone(), foreign).await, "f f", "{foreign}");
        }
        assert_eq!(rights(role, "extensions").await, "t f");
    }
    for schema in [acme.schema.as_str(), globex.schema.as_str()] {
        assert_eq!(
            rights("tenantry_server".to_owned(), schema).await,
            "f f",
            "without a role, no tenant"
        );
    }
}
