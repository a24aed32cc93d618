//! A copy in which what is about people is made up: nothing of the origin's is in it, and it is as good to work with.

use std::collections::{BTreeMap, BTreeSet};

use tenant_schema::demo_data::{self, Filling, Size};
use tenant_schema::lifecycle::clone::{Cloned, Content};
use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tenant_schema::personal::Kind;
use tests::{Cluster, TestDb, TestTenant};
use tokio_postgres::Client;

use super::clone::{clone_by, join};

/// Every marked column of the API's tables, and what it holds.
async fn marked(t: &TestDb) -> BTreeMap<String, Kind> {
    let model = t.models().get(t.template().latest()).await.expect("a model");
    let tables = model.objects.values().filter(|object| !object.kind.is_view());
    let fields = tables.flat_map(|object| {
        let fields = object.fields.iter();
        fields.filter_map(|field| Some((format!("{}.{}", object.name, field.name), field.personal?.kind)))
    });
    fields.filter(|(_, kind)| *kind != Kind::Keep).collect()
}

/// The texts of a column, `NULL` left out.
async fn values(client: &Client, schema: &str, column: &str) -> Vec<String> {
    let (table, column) = column.split_once('.').expect("table.column");
    let sql = format!("select {column}::text from {schema}.{table} where {column} is not null");
    let rows = client.query(&sql, &[]).await.expect("values");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Everything that is in a schema, as text: every column of every table, search vectors and the engine's own too.
async fn everything(client: &Client, schema: &str) -> String {
    let tables = "select quote_ident(relname) from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'm')";
    let mut all = String::new();
    for table in client.query(tables, &[&schema]).await.expect("tables") {
        let table: &str = table.get(0);
        let sql = format!("select coalesce(string_agg(t::text, E'\\n'), '') from {schema}.{table} t");
        let rows = client.query_one(&sql, &[]).await.expect("rows");
        all.push_str(&rows.get::<_, String>(0).to_lowercase());
    }
    all
}

async fn demo(t: &TestDb, slug: &str) -> TestTenant {
    let tenant = t.tenant(slug).await;
    join(t, &tenant, "bob").await;
    let client = t.as_superuser().await;
    let sql = format!("select id from {}.members", tenant.schema);
    let members = client.query(&sql, &[]).await.expect("members");
    let members: Vec<_> = members
        .iter()
        .map(|row| row.get::<_, uuid::Uuid>(0).into())
        .collect();
    let mut tx = t.catalog().begin_unhurried().await.expect("a transaction");
    let with = Filling {
        slug: &tenant.slug,
        members: &members,
        base: t.source().now(),
        size: Size::Small,
        actor: &t.actor(),
    };
    demo_data::fill(&mut tx, &tenant.schema, with, |_| {})
        .await
        .expect("filled");
    tx.commit().await.expect("committed");
    // What no demo has, so that each marked column has something; and a person who is a contact and a member.
    let more = format!(
        "begin; set local search_path = {}, extensions;
         update companies set website = 'https://www.wintergarten-muehlhausen.example/team' where id in (select id from companies limit 5);
         update companies set address = '{{\"street\": \"Rosengasse 17\", \"floors\": [3, \"Hinterhaus\"], \"Frau Wintergarten\": true}}'
          where id in (select id from companies limit 5);
         insert into contacts (first_name, email) values ('Bob', 'BOB@acme.test');
         update contacts set source = 'Empfehlung von Frau Wintergarten' where id in (select id from contacts limit 7);
         update deals set lost_note = 'Herr Muehlhausen war krank' where id in (select id from deals limit 3);
         update activities set outcome = 'Frau Wintergarten ruft an', description = 'Es ging um Herrn Muehlhausen' where id in (select id from activities limit 3);
         insert into contact_points (contact_id, email, label) select id, 'wintergarten-' || left(id::text, 8) || '@privat.example', 'Frau Wintergarten privat' from contacts limit 3;
         insert into contact_points (contact_id, phone) select id, '+49 171 5559' || right(id::text, 3) from contacts limit 3;
         update contacts set time_zone = 'Europe/Berlin', locale = 'de' where id in (select id from contacts limit 3);
         insert into schedule_overrides (schedule_id, day, reason) select id, '2031-01-02', 'Frau Wintergarten heiratet' from schedules;
         insert into time_off (staff_id, starts_at, ends_at, reason) select id, '2031-01-03', '2031-01-04', 'Herr Muehlhausen ist krank' from staff;
         update appointments set note = 'Frau Wintergarten kommt mit Hund' where id in (select id from appointments limit 3);
         update appointments set status = 'cancelled', cancel_reason = 'Herr Muehlhausen war krank' where id in (select id from appointments where status = 'scheduled' limit 1);
         insert into consents (contact_id, purpose_id, decision, channel, evidence) select c.id, p.id, 'granted', 'paper', '{{\"signed by\": \"Frau Wintergarten\"}}'
           from (select id from contacts limit 2) c cross join consent_purposes p;
         insert into views (object, name, query) values ('contacts', 'Mine', 'last_name=eq.Wintergarten&first_name=eq.Hedwig');
         insert into teams (name) values ('Innendienst');
         insert into roles (name) values ('Vertretung');
         insert into widgets (name) values ('Webseite');
         insert into privacy_requests (type, note) values ('access', 'Frau Wintergarten fragt, was wir wissen');
         commit",
        tenant.schema
    );
    client.batch_execute(&more).await.expect("more of it");
    tenant
}

#[tokio::test]
async fn nothing_about_people_is_in_the_copy() {
    // The doctor sees the roles of the whole cluster.
    let t = TestDb::on(Cluster::own().await).await;
    let acme = demo(&t, "acme").await;
    let dev = t.user("dev@saas.example").await;
    let pair = ("acme", "acme-staging");
    let made = clone_by(&t, t.catalog(), pair, &dev, Content::Anonymised)
        .await
        .expect("a copy");
    let superuser = t.as_superuser().await;
    let (origin, copy) = (acme.schema.as_str(), made.schema.as_str());
    let marked = marked(&t).await;
    let told = made.anonymised.as_ref().expect("it tells");
    let columns: BTreeSet<&str> = told.columns.iter().map(String::as_str).collect();
    assert_eq!(columns, marked.keys().map(String::as_str).collect());
    assert_eq!(told.unmarked, [""; 0]);

    let all = everything(&superuser, copy).await;
    let words: BTreeSet<&str> = all.split(|c: char| !c.is_alphanumeric()).collect();
    for (column, kind) in &marked {
        let before = values(&superuser, origin, column).await;
        let after = values(&superuser, copy, column).await;
        assert!(!before.is_empty(), "the origin has no {column}");
        // A copy has its owner besides.
        let more = usize::from(column.starts_with("members."));
        assert_eq!(after.len(), before.len() + more, "{column}: NULL stays NULL");
        let known: BTreeSet<String> = before.iter().map(|value| value.to_lowercase()).collect();
        // Who made the copy stands in the rows of its people.
        if ["members.created_by", "members.updated_by"].contains(&column.as_str()) {
            continue;
        }
        for value in &known {
            assert!(
                after.iter().all(|made_up| made_up.to_lowercase() != *value),
                "{column} has {value:?}"
            );
            // Words such as "newsletter" are tags too, and the login that makes the copy is called an owner.
            let is_common = value.ends_with("owner") || *kind == Kind::Text && value.split(' ').count() < 3;
            let is_word = value.len() > 3 && value.chars().all(char::is_alphanumeric);
            let is_there = if is_word {
                words.contains(value.as_str())
            } else {
                value.len() > 7 && all.contains(value)
            };
            assert!(
                is_common || !is_there,
                "{value:?} of {column} is somewhere in the copy"
            );
        }
    }
    for part in ["wintergarten", "muehlhausen", "rosengasse", "hinterhaus"] {
        assert!(!all.contains(part), "{part}");
    }
    assert_valid(&superuser, origin, copy).await;
    assert_works(&superuser, copy).await;
    assert_nobody(&superuser, &made).await;
    crate::doctor::assert_healthy(&t, "after an anonymised clone").await;
}

/// Constraints hold, no row is missing, and what is not marked is as it was.
async fn assert_valid(client: &Client, origin: &str, copy: &str) {
    let one = async |sql: &str| -> String {
        let sql = sql.replace("{copy}", copy).replace("{origin}", origin);
        client.query_one(&sql, &[]).await.expect("an answer").get(0)
    };
    let invalid = one("select coalesce(string_agg(conname, ' '), '') from pg_constraint
                        where connamespace = '{copy}'::regnamespace and not convalidated");
    assert_eq!(invalid.await, "");
    let same = "select concat_ws(' ', count(*), bool_and((o.status, o.created_at, o.version, o.deleted_at is null)
                            is not distinct from (c.status, c.created_at, c.version, c.deleted_at is null)),
                       bool_and((o.email is null) = (c.email is null)), bool_and(o.company_id is not distinct from c.company_id),
                       count(distinct lower(c.email)) = count(distinct lower(o.email)), (select count(*) > 50 from {origin}.contacts))
                  from {origin}.contacts o full join {copy}.contacts c using (id)";
    let contacts = one("select count(*)::text from {origin}.contacts").await;
    assert_eq!(one(same).await, format!("{contacts} t t t t t"));
    let address = one(
        "select c.address::text from {copy}.companies c join {origin}.companies o using (id)
                        where o.address ? 'floors' limit 1",
    );
    let address: serde_json::Value = serde_json::from_str(&address.await).expect("JSON");
    let keys: Vec<&String> = address.as_object().expect("an object").keys().collect();
    assert!(
        keys.contains(&&"street".to_owned()) && keys.contains(&&"floors".to_owned()),
        "{keys:?}"
    );
    assert!(
        address["floors"][0].is_number() && address["floors"][1].is_string(),
        "{address}"
    );
}

/// The same person is the same one in both tables, and searches find what is there.
async fn assert_works(client: &Client, copy: &str) {
    let ask = async |sql: &str| -> i64 {
        let sql = sql.replace("{}", copy);
        client.query_one(&sql, &[]).await.expect("an answer").get(0)
    };
    let both = "select count(*) from {}.contacts c join {}.members m on lower(m.email) = lower(c.email)";
    assert_eq!(ask(both).await, 1, "Bob is a contact and was a member");
    let actors =
        "select count(*) from {}.contacts c join {}.members m on c.created_by = 'user:' || m.user_id";
    assert_eq!(ask(actors).await, 0, "an operator has made them");
    let found = "select count(*) from {}.contacts
                  where first_name is not null and not search @@ to_tsquery('simple', lower(first_name))";
    assert_eq!(ask(found).await, 0, "vectors are of what is there");
    let full = "select count(*) from {}.contacts where full_name is distinct from
                  nullif(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')";
    assert_eq!(ask(full).await, 0);
}

/// Of the origin's people, none is known in the copy, and none has a way in.
async fn assert_nobody(client: &Client, made: &Cloned) {
    let sql = format!(
        "select string_agg(concat_ws(' ', m.active, m.is_owner, c.id is not null, m.email = 'dev@saas.example'), ', ' order by m.active)
           from {}.members m left join catalog.memberships c on c.id = m.id and c.user_id = m.user_id",
        made.schema
    );
    let people: String = client.query_one(&sql, &[]).await.expect("people").get(0);
    assert_eq!(people, "f f f f, f f f f, t t t t");
    let sql = "select o.name || ' ' || count(*) from catalog.memberships m join catalog.organizations o on o.id = m.organization_id
                where o.id = $1 group by o.name";
    let known = client
        .query_one(sql, &[&made.organization.uuid()])
        .await
        .expect("memberships");
    assert_eq!(known.get::<_, String>(0), "acme-staging 1");
}

#[tokio::test]
async fn every_type_has_something_made_up() {
    let t = TestDb::workshop().await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    let fill = format!(
        "begin; set local search_path = {}, extensions;
         insert into employees (name, skills) values ('Ada Byron', '{{}}'), ('Bo', '{{}}'), ('Ada Byron', '{{}}');
         insert into customers (name, email, home, nicknames, profile, birthday, \"Favourite Colour\") values
           ('Ada Byron', 'ada@byron.test', row('1 St', 'Here', '12'), array['Ada Byron', null, ''],
            '{{\"a\": {{\"b\": [{{\"c\": \"Byron\"}}]}}, \"n\": 4711}}', '1985-12-10', 'red'),
           ('Bo', null, null, '{{}}', '[]', null, null);
         insert into customer_details (customer_id, remarks) select id, case when name = 'Bo' then '' else 'was here' end from customers;
         commit",
        acme.schema
    );
    superuser.batch_execute(&fill).await.expect("records");
    let made = clone_by(
        &t,
        t.catalog(),
        ("acme", "copy"),
        &acme.owner,
        Content::Anonymised,
    )
    .await
    .expect("a copy");
    let ask = async |sql: &str| -> String {
        let sql = sql.replace("{}", made.schema.as_str());
        superuser.query_one(&sql, &[]).await.expect("an answer").get(0)
    };
    let ada = "select concat_ws('|', name ~ '^[A-Z][a-z]{7} [A-Z][a-z]{7}$', email like '%@example.invalid', home is null,
                      cardinality(nicknames), nicknames[2] is null, nicknames[3] = '', \"Favourite Colour\",
                      date '1985-12-10' - birthday between 366 and 3287, search @@ to_tsquery('simple', lower(split_part(name, ' ', 1))),
                      jsonb_typeof(profile #> '{a,b,0,c}'), profile ->> 'n' <> '4711', profile::text like '%Byron%')
                 from {}.customers where birthday is not null";
    assert_eq!(ask(ada).await, "t|t|t|3|t|t|red|t|t|string|t|f");
    let bo = "select concat_ws('|', name ~ '^[A-Z][a-z]{7}$', email is null, nicknames, profile) from {}.customers where birthday is null";
    assert_eq!(ask(bo).await, "t|t|{}|[]");
    // Linked: the employee, her namesake and the customer's nickname are the same.
    let linked = "select concat_ws('|', count(distinct e.name), count(*), bool_or(c.nicknames[1] = c.name), bool_and(e.name <> 'Ada Byron'))
                    from {}.employees e join {}.customers c on c.nicknames[1] = e.name";
    assert_eq!(ask(linked).await, "1|2|f|t");
    let remarks = ask("select string_agg(remarks, '|' order by remarks) from {}.customer_details").await;
    let (empty, filler) = remarks.split_once('|').expect("two");
    assert_eq!((empty, filler.len()), ("", "was here".len()), "{filler}");
    assert_ne!(filler, "was here");
    // Another copy is another one.
    let again = clone_by(
        &t,
        t.catalog(),
        ("acme", "again"),
        &acme.owner,
        Content::Anonymised,
    )
    .await
    .expect("a copy");
    let differ = format!(
        "select bool_and(a.name <> b.name)::text from {{}}.customers a join {}.customers b using (id)",
        again.schema
    );
    assert_eq!(ask(&differ).await, "true");
}

#[tokio::test]
async fn what_the_template_does_not_say_is_not_guessed() {
    for (sql, expected) in [
        ("create table a (id bigint primary key, email text)", Some(Refusal::NothingPersonal)),
        ("create table a (id bigint primary key); comment on table a is '@personal none'", None),
        (
            "create table a (id bigint primary key, email text); comment on column a.email is '@personal emial'",
            Some(Refusal::Unclear(vec!["a.email".to_owned()])),
        ),
        (
            "create table a (id bigint primary key, wage numeric not null); comment on column a.wage is '@personal text'",
            Some(Refusal::Unclear(vec!["a.wage".to_owned()])),
        ),
        (
            "create table a (id bigint primary key, email varchar(20) unique, code text constraint a_code check (length(code) < 4));
             comment on column a.email is '@personal email'; comment on column a.code is '@personal name';
             insert into a values (1, 'ann@x.test', 'ann'), (2, 'bob@x.test', 'bob'), (3, null, null)",
            None,
        ),
        (
            "create table a (id bigint primary key, colour text constraint a_colour check (colour in ('red', 'blue')));
             comment on column a.colour is '@personal text'; insert into a values (1, 'red')",
            Some(Refusal::DoesNotFit("a_colour of a".to_owned())),
        ),
        (
            "create table a (email text primary key); create table b (email text references a (email));
             comment on column a.email is '@personal email'; comment on column b.email is '@personal email';
             insert into a values ('ann@x.test'); insert into b values ('ann@x.test')",
            Some(Refusal::DoesNotFit("b_email_fkey of b".to_owned())),
        ),
        (
            "create table a (email text primary key); create table b (email text references a (email));
             comment on column a.email is '@personal email linked'; comment on column b.email is '@personal email linked';
             insert into a values ('ann@x.test'); insert into b values ('ann@x.test')",
            None,
        ),
        (
            "create table a (id bigint primary key, name text, words tsvector); comment on column a.name is '@personal name';
             insert into a values (1, 'Ann', 'ann')",
            None,
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("V1__a.sql"), sql).expect("written");
        let t = TestDb::of(folder.path()).await;
        let acme = t.tenant("acme").await;
        let made = clone_by(&t, t.catalog(), ("acme", "copy"), &acme.owner, Content::Anonymised).await;
        match (made, expected) {
            (Ok(made), None) => {
                let left = everything(&t.as_superuser().await, made.schema.as_str()).await;
                assert!(!left.contains("ann") && !left.contains("bob"), "{sql}: {left}");
            }
            (Err(LifecycleError::Refused(refusal)), Some(expected)) => assert_eq!(refusal, expected, "{sql}"),
            (made, expected) => panic!("{sql}: {made:?} in the place of {expected:?}"),
        }
    }
}
