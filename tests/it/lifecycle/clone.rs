//! A tenant that begins as a copy of another: the same records to the last stamp, and nothing shared.

use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::memberships::{self, MemberRole, NewMembership};
use catalog::pg::pool::PoolSettings;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogDb;
use catalog::users::User;
use tenant_schema::lifecycle::clone::{self, Cloned, Content, Guard, NewClone};
use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tenant_schema::members::{self, Member};
use tests::tenant::{TestTenant, owner, resolved};
use tests::{Cluster, Proxy, TestDb};
use tokio_postgres::Client;

use super::leftovers::{leftovers, tenant_roles};
use super::purge::drop_tenant;

pub(crate) async fn clone_by(
    t: &TestDb,
    db: &CatalogDb,
    (origin, slug): (&str, &str),
    who: &User,
    content: Content,
) -> Result<Cloned, LifecycleError> {
    let origin = origin.parse().expect("a slug");
    let guard = Guard::on(db, &origin, t.template()).await?;
    let mut tx = db.begin_snapshot().await?;
    let new = NewClone {
        slug: slug.parse().expect("a slug"),
        name: None,
        owner: owner(who),
        content,
    };
    let made = clone::make(&mut tx, &guard, t.template(), &new, &t.actor(), t.source()).await?;
    guard.commit(tx, &new, &made).await?;
    Ok(made)
}

/// A member of a tenant, in the catalog and in the mirror.
pub(crate) async fn join(t: &TestDb, tenant: &TestTenant, name: &str) -> User {
    let user = t.user(&format!("{name}@{}.test", tenant.slug)).await;
    let new = NewMembership {
        organization: tenant.organization,
        user: user.id,
        role: MemberRole::Member,
        is_owner: false,
    };
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let membership = memberships::insert(&mut tx, &new, t.source())
        .await
        .expect("a membership");
    let row = Member::of(&membership, name, user.email.as_str());
    members::mirror_in(&mut tx, &tenant.schema, &row)
        .await
        .expect("mirrored");
    tx.commit().await.expect("committed");
    user
}

/// Records in most of the CRM's tables, some of them changed since, and one that waits in the bin.
pub(crate) async fn fill(owner: &Client, tenant: &TestTenant) {
    let schema = &tenant.schema;
    let sql = format!(
        "begin;
         set local search_path = {schema}, extensions, pg_temp;
         insert into companies (name) select 'Company ' || n from generate_series(1, 5) n;
         insert into contacts (first_name, last_name, company_id, owner_id)
           select 'First ' || row_number() over (), c.name, c.id, m.id from companies c cross join members m;
         insert into tags (name) values ('late'), ('big');
         insert into company_tags (company_id, tag_id) select c.id, t.id from companies c cross join tags t;
         insert into deals (title, pipeline_id, stage_id, company_id, owner_id)
           select 'Deal of ' || c.name, s.pipeline_id, s.id, c.id, (select m.id from members m order by m.email limit 1)
             from companies c cross join lateral (select id, pipeline_id from stages order by position limit 1) s;
         update companies set name = name || ' AG', updated_at = now() where name like '%3';
         update companies set deleted_at = now() where name like '%5';
         commit"
    );
    owner.batch_execute(&sql).await.expect("records");
}

/// The members of a copy: address, role, whether they own it, whether they are active in the mirror and in the catalog, and
/// whether both have the same id.
pub(crate) async fn people(client: &Client, copy: &SchemaName, organization: OrganizationId) -> String {
    let sql = format!(
        "select string_agg(concat_ws(' ', m.email, m.role, m.is_owner, m.active, c.active, m.id = c.id), ', ' order by m.email)
           from {copy}.members m join catalog.memberships c on c.user_id = m.user_id and c.organization_id = '{organization}'"
    );
    client.query_one(&sql, &[]).await.expect("people").get(0)
}

/// Whom contacts of a copy name as their owners.
pub(crate) async fn owners_of_contacts(client: &Client, copy: &SchemaName) -> String {
    let sql = format!(
        "select string_agg(distinct m.email, ' ') from {copy}.contacts c join {copy}.members m on m.id = c.owner_id"
    );
    client.query_one(&sql, &[]).await.expect("owners").get(0)
}

/// How many versions the company that is called `Changed` in the copy is ahead of its origin.
pub(crate) async fn versions_ahead(client: &Client, copy: &SchemaName, origin: &SchemaName) -> i64 {
    let sql = format!(
        "select (c.version - o.version)::bigint from {copy}.companies c join {origin}.companies o using (id)
          where c.name = 'Changed'"
    );
    client.query_one(&sql, &[]).await.expect("versions").get(0)
}

/// Every row of every table but the engine's own, with the members' ids left out, as one digest for each table.
pub(crate) async fn content(client: &Client, schema: &str) -> Vec<(String, i64, Option<String>)> {
    let tables = client
        .query(
            "select relname::text from pg_class where relnamespace = $1::text::regnamespace and relkind = 'r'
               and relname not in ('refinery_schema_history', '_idempotency_keys', 'members') order by 1",
            &[&schema],
        )
        .await
        .expect("tables");
    let mut found = Vec::new();
    for table in &tables {
        let table: String = table.get(0);
        let sql = format!(
            "select count(*), md5(string_agg(x.line, ',' order by x.line))
               from (select (to_jsonb(t) - 'owner_id' - 'member_id' - 'author_id')::text as line from {schema}.{table} t) x"
        );
        let row = client.query_one(&sql, &[]).await.expect("rows");
        found.push((table, row.get(0), row.get(1)));
    }
    found
}

#[tokio::test]
async fn a_clone_has_the_same_records_and_shares_nothing() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let bob = join(&t, &acme, "bob").await;
    let (session, superuser) = (t.as_owner().await, t.as_superuser().await);
    fill(&session, &acme).await;
    let before = content(&superuser, acme.schema.as_str()).await;
    assert!(
        before.iter().filter(|(_, rows, _)| *rows > 0).count() > 5,
        "{before:?}"
    );

    let pair = ("acme", "acme-staging");
    let made = clone_by(&t, t.catalog(), pair, &bob, Content::Records)
        .await
        .expect("a clone");
    assert_eq!(made.left_out, [""; 0]);
    let after = content(&superuser, made.schema.as_str()).await;
    assert_eq!(after, before, "times, versions and actors too");

    // Who owned the origin has no way into the clone, but is still named by its records.
    let people = people(&superuser, &made.schema, made.organization).await;
    assert_eq!(
        people,
        "bob@acme.test admin t t t t, owner@acme.test admin f f f t"
    );
    let owners = owners_of_contacts(&superuser, &made.schema).await;
    assert_eq!(owners, "bob@acme.test owner@acme.test");

    // Writing one does not show in the other, and the triggers fire again.
    let change = format!(
        "update {0}.companies set name = 'Changed' where name = 'Company 1'; delete from {0}.deals",
        made.schema
    );
    session.batch_execute(&change).await.expect("the owner may");
    assert_eq!(content(&superuser, acme.schema.as_str()).await, before);
    assert_eq!(versions_ahead(&superuser, &made.schema, &acme.schema).await, 1);
}

#[tokio::test]
async fn a_clone_is_built_like_its_origin_and_its_roles_reach_nothing_else() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let made = clone_by(&t, t.catalog(), ("acme", "copy"), &acme.owner, Content::Records)
        .await
        .expect("a clone");
    let superuser = t.as_superuser().await;
    // Constraints with their comments, triggers and whether they fire, rights, and the history.
    let built = async |schema: &str| -> String {
        let sql = "select string_agg(x.line, E'\\n' order by x.line) from (
               select concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated,
                                obj_description(k.oid, 'pg_constraint')) as line
                 from pg_constraint k where k.connamespace = $1::text::regnamespace
               union all
               select concat_ws(' ', c.relname, t.tgname, t.tgenabled) from pg_trigger t join pg_class c on c.oid = t.tgrelid
                where c.relnamespace = $1::text::regnamespace and not t.tgisinternal
               union all
               select concat_ws(' ', c.relname, c.relacl) from pg_class c
                where c.relnamespace = $1::text::regnamespace) x";
        let row = superuser.query_one(sql, &[&schema]).await.expect("an answer");
        row.get::<_, String>(0).replace(schema, "schema")
    };
    assert_eq!(
        built(made.schema.as_str()).await,
        built(acme.schema.as_str()).await
    );
    for (role, schema) in [
        (made.schema.read_write_role(), acme.schema.as_str()),
        (acme.schema.read_write_role(), made.schema.as_str()),
    ] {
        let sql = "select has_schema_privilege($1, $2, 'usage')";
        let row = superuser
            .query_one(sql, &[&role, &schema])
            .await
            .expect("an answer");
        assert!(!row.get::<_, bool>(0), "{role} on {schema}");
    }
    assert_eq!(
        resolved(&t, &"copy".parse().expect("a slug")).await.schema(),
        &made.schema
    );
}

#[tokio::test]
async fn every_kind_of_table_is_copied() {
    let t = TestDb::workshop().await;
    let acme = t.tenant("acme").await;
    let session = t.as_owner().await;
    let superuser = t.as_superuser().await;
    let fill = format!(
        "begin; set local search_path = {}, extensions; {WORKSHOP}; commit",
        acme.schema
    );
    session.batch_execute(&fill).await.expect("records");
    let made = clone_by(&t, t.catalog(), ("acme", "copy"), &acme.owner, Content::Records)
        .await
        .expect("a clone");
    let origin = content(&superuser, acme.schema.as_str()).await;
    assert!(
        origin.iter().filter(|(_, rows, _)| *rows > 0).count() > 13,
        "{origin:?}"
    );
    assert_eq!(content(&superuser, made.schema.as_str()).await, origin);
    // Keys go on where the origin's would, and the view that keeps its rows has them.
    let ask = async |sql: &str| -> String {
        let sql = sql.replace("{}", made.schema.as_str());
        superuser.query_one(&sql, &[]).await.expect("an answer").get(0)
    };
    let next = ask("insert into {}.customers (name) values ('Cy') returning id::text").await;
    assert_eq!(next, "3", "the second is gone, and its key is not given again");
    assert_eq!(
        ask("select concat_ws(' ', product_sku, sold) from {}.sales").await,
        "p-1 3"
    );
}

/// Types of the schema's own and arrays of them, identities, partitions, keys that refer to their own table and to one
/// another's, generated columns, a table the API does not show, and a view that keeps its rows.
pub(crate) const WORKSHOP: &str = "\
insert into customers (name, email, home, nicknames) values ('Ada', 'ada@x.test', row('1 St, \"x\"', null, '12'), '{a,b}');
insert into customers (name) values ('Bo');
delete from customers where name = 'Bo';
insert into customer_details (customer_id) select id from customers;
insert into employees (name, manager_id) values ('Boss', null), ('Hand', 1), ('Foot', 2);
insert into orders (customer_id, status, past_statuses, promised, total, notes)
  select id, 'in work', '{draft,placed}', '[2026-01-01,2026-02-01)', 12.5, '{\"a\": 1}' from customers;
insert into products (sku, name, price, photo) values ('p-1', 'Pump', 3, '\\x00ff');
insert into order_lines (order_id, product_sku, amount) select id, 'p-1', 3 from orders;
insert into visits (customer_id, came_at) select id, '2024-05-05' from customers;
insert into visits (customer_id, came_at) select id, '2025-05-05' from customers;
insert into tools (id, name) values (1, 'Saw');
update tools set name = 'Hammer';
insert into samples (id, a_status, some_statuses, an_address, some_addresses, a_large_quantity, a_matrix, \"select\",
                     \"Ümlaut \"\"quoted\"\"\", an_email)
  values (1, 'done', '{draft,\"in work\"}', row('s', 'c', 'z'), array[row('s', null, '')::address], 101, '{{1,2},{3,4}}', 's',
          'u', 'a@b');
insert into _ledger (id, order_id) select 1, id from orders;
insert into papers (code) values ('cover');
insert into folders (name, cover_code) values ('top', 'cover'), ('below', null);
update folders set parent_id = 1 where name = 'below';
update papers set folder_id = 2;
insert into remarks (paper_id, text) values (1, 'stay');
refresh materialized view sales";

#[tokio::test]
async fn members_come_along_where_that_is_asked_for_and_nothing_does_by_schema_only() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    join(&t, &acme, "bob").await;
    let ann = t.user("ann@example.com").await;
    let superuser = t.as_superuser().await;
    fill(&t.as_owner().await, &acme).await;
    for (slug, content, expected) in [
        ("copy-one", Content::RecordsAndMembers, "ann f bob t owner t 5"),
        ("copy-two", Content::Schema, "ann f 0"),
    ] {
        let made = clone_by(&t, t.catalog(), ("acme", slug), &ann, content)
            .await
            .expect("a clone");
        let sql = format!(
            "select (select string_agg(concat_ws(' ', split_part(u.email, '@', 1),
                       case when m.is_owner then 'f' else m.active::text::char(1) end), ' ' order by u.email)
                       from catalog.memberships m join catalog.users u on u.id = m.user_id where m.organization_id = '{}')
                    || ' ' || (select count(*) from {}.companies)",
            made.organization, made.schema
        );
        let row = superuser.query_one(&sql, &[]).await.expect("an answer");
        assert_eq!(row.get::<_, &str>(0), expected);
        let seeds = format!("select count(*) from {}.stages", made.schema);
        let row = superuser.query_one(&seeds, &[]).await.expect("an answer");
        assert_eq!(row.get::<_, i64>(0), 6);
    }
}

#[tokio::test]
async fn what_was_dropped_or_changed_by_hand_is_told() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let extra = format!("create table {}.mine (id int)", acme.schema);
    t.as_owner()
        .await
        .batch_execute(&extra)
        .await
        .expect("the owner may");
    let objects = format!(
        "set role {}; select lo_from_bytea(0, 'x') from generate_series(1, 2)",
        acme.schema.read_write_role()
    );
    t.as_superuser()
        .await
        .batch_execute(&objects)
        .await
        .expect("made");
    let made = clone_by(&t, t.catalog(), ("acme", "copy"), &acme.owner, Content::Records)
        .await
        .expect("a clone");
    assert_eq!(made.left_out, ["mine", "2 large objects"]);
    let taken = clone_by(&t, t.catalog(), ("acme", "globex"), &acme.owner, Content::Records).await;
    assert!(
        matches!(taken, Err(LifecycleError::Catalog(CatalogError::SlugTaken))),
        "{taken:?}"
    );
    drop_tenant(&t, &globex).await;
    let dropped = clone_by(
        &t,
        t.catalog(),
        ("globex", "other"),
        &acme.owner,
        Content::Records,
    )
    .await;
    assert!(
        matches!(dropped, Err(LifecycleError::Refused(Refusal::Dropped))),
        "{dropped:?}"
    );
}

/// A label that is left while the clone that wants it waits: its snapshot is older than the leaving.
#[tokio::test]
async fn a_label_that_was_left_this_moment_is_refused() {
    let t = TestDb::new().await;
    let (acme, _globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let guard = Guard::on(t.catalog(), &acme.slug, t.template())
        .await
        .expect("a guard");
    let db = t.owner_pool_of(1);
    let mut tx = db.begin_snapshot().await.expect("a transaction");
    // The snapshot is taken.
    let found = catalog::organizations::find(&mut tx, acme.organization).await;
    assert!(found.expect("an answer").is_some());
    let leave = "update catalog.organizations set slug = 'globex-two' where slug = 'globex'";
    t.as_owner().await.batch_execute(leave).await.expect("moved");
    let new = NewClone {
        slug: "globex".parse().expect("a slug"),
        name: None,
        owner: owner(&acme.owner),
        content: Content::Records,
    };
    let made = clone::make(&mut tx, &guard, t.template(), &new, &t.actor(), t.source())
        .await
        .expect("its own snapshot knows no better");
    let refused = guard.commit(tx, &new, &made).await;
    assert!(
        matches!(refused, Err(LifecycleError::Catalog(CatalogError::SlugRetired))),
        "{refused:?}"
    );
    drop(db);
}

fn two_through(t: &TestDb, proxy: &Proxy) -> CatalogDb {
    let settings = PoolSettings {
        size: 2,
        ..PoolSettings::default()
    };
    CatalogDb::new(t.owner_config_through(proxy), settings)
}

#[tokio::test]
async fn a_client_killed_after_any_message_leaves_nothing() {
    let t = TestDb::on(Cluster::own().await).await;
    let acme = t.tenant("acme").await;
    fill(&t.as_owner().await, &acme).await;
    let proxy = t.proxy().await;
    let whole = leftovers(&t).await;
    let mut n = 0;
    loop {
        n += 1;
        let db = two_through(&t, &proxy);
        proxy.cut_after(n);
        let outcome = clone_by(&t, &db, ("acme", "copy"), &acme.owner, Content::Records).await;
        drop(db);
        proxy.all_ended().await;
        let left = leftovers(&t).await;
        if left != whole {
            break;
        }
        assert!(
            outcome.is_err() && n < 1_000,
            "cut after message {n}: {outcome:?}"
        );
        assert_eq!(tenant_roles(&t).await, (2, 2), "cut after message {n}");
    }
    // That message was COMMIT: only its answer was lost.
    assert!(n > 40, "only {n} messages");
    let both = leftovers(&t).await;
    assert_eq!(both.relations, 2 * whole.relations);
    assert_eq!(tenant_roles(&t).await, (4, 4));
    crate::doctor::assert_healthy(&t, "after all the cuts").await;
    crate::tell(&format!("a clone is made by {n} messages; cut after each"));
}
