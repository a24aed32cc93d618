//! One server, tenants of several versions, and migrations while it is asked: every answer is right for the version that
//! the tenant has, or a 503 that says when to ask again.

mod load;
mod race;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::TestDb;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::program::{Running, Tenantry};

/// What is sold, by the dozen; a trigger keeps a book, a function and a view tell of it.
const DOZENS: &str = "\
create table orders (id uuid not null default gen_random_uuid(), name text not null, dozens integer not null default 1,
  constraint orders_pkey primary key (id));
comment on table orders is 'Orders.';
create table book (id uuid not null default gen_random_uuid(), dozens integer not null,
  constraint book_pkey primary key (id));
comment on table book is 'What was ordered.';
create function enter_order() returns trigger language plpgsql as
  $$ begin insert into book (dozens) values (new.dozens); return new; end $$;
create trigger orders_enter after insert on orders for each row execute function enter_order();
create function total() returns json language sql stable as
  $$ select json_build_object('dozens', coalesce(sum(dozens), 0), 'orders', count(*)) from orders $$;
create view order_list as select id, name, dozens from orders;
comment on view order_list is 'Orders.'";

/// The same column means pieces from now on: whoever read it with the eyes of version 1 would read nonsense, and no error
/// would tell.
const PIECES: &str = "\
alter table orders add column unit text not null default 'piece', alter column dozens set default 12;
update orders set dozens = dozens * 12;
update book set dozens = dozens * 12;
create or replace function total() returns json language sql stable as
  $$ select json_build_object('pieces', coalesce(sum(dozens), 0), 'orders', count(*)) from orders $$;
create or replace view order_list as select id, name, dozens, unit from orders;
create index orders_name_idx on orders (name)";

/// The contraction: the old name goes.
const AMOUNTS: &str = "\
alter table orders rename dozens to amount;
alter table book rename dozens to amount;
create or replace function enter_order() returns trigger language plpgsql as
  $$ begin insert into book (amount) values (new.amount); return new; end $$;
create or replace function total() returns json language sql stable as
  $$ select json_build_object('amount', coalesce(sum(amount), 0), 'orders', count(*)) from orders $$;
alter view order_list rename column dozens to amount";

const FILES: [(&str, &str); 3] = [
    ("V1__dozens.sql", DOZENS),
    ("V2__pieces.sql", PIECES),
    ("V3__amounts.sql", AMOUNTS),
];

/// A template of the first so many files.
fn template(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    }
    folder
}

/// The program with this template.
async fn tenantry(t: &TestDb, template: &TempDir) -> Tenantry {
    Tenantry::on(t).await.with("TENANTRY_TEMPLATE", template.path())
}

/// Makes a tenant, and gives somebody who may do everything there.
async fn tenant(tenantry: &Tenantry, slug: &str) -> (String, String) {
    let make = format!("tenant create {slug} --name {slug} --owner-email owner@{slug}.test");
    tenantry.does(&make).await;
    let key = tenantry
        .json(&["key", "create", slug, "--name", "K", "--scope", "*:*"])
        .await;
    (slug.to_owned(), key["key"].as_str().expect("a text").to_owned())
}

/// A server with this template.
struct Served {
    _server: Running,
    address: String,
}

impl Served {
    async fn start(t: &TestDb, template: &TempDir) -> Self {
        let serving = tenantry(t, template)
            .await
            .without("DATABASE_URL")
            .with("SERVER_DATABASE_URL", t.server_url().expose_secret())
            .with("TENANTRY_LISTEN", "127.0.0.1:0")
            .with("TENANTRY_EXPORTS", "32")
            .with("TENANTRY_TENANT_EXPORTS", "8")
            // Whoever waits for a migration's lock waits until it is free, however slow this machine is.
            .with("TENANTRY_LOCK_TIMEOUT", "50s")
            .with("TENANTRY_STATEMENT_TIMEOUT", "55s")
            .with("TENANTRY_REQUEST_DEADLINE", "1m");
        let mut server = serving.start("serve --json");
        let document = server.document().await;
        let listening = document["listening"].as_str().expect("a text");
        Self {
            address: listening.strip_prefix("http://").expect("an address").to_owned(),
            _server: server,
        }
    }

    fn client(&self, (slug, key): &(String, String)) -> Client {
        Client {
            address: self.address.clone(),
            slug: slug.clone(),
            key: key.clone(),
        }
    }
}

/// Somebody who asks a server for one tenant.
#[derive(Clone)]
struct Client {
    address: String,
    slug: String,
    key: String,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        &self.head["HTTP/1.1 ".len()..][..3]
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A refusal with which a client can live: its code.
    fn ask_again(&self) -> String {
        let tells_when = self.head.lines().any(|line| line.starts_with("retry-after: "));
        assert!(self.status() == "503" && tells_when, "{self:?}");
        self.json()["code"].as_str().expect("a code").to_owned()
    }
}

impl Client {
    async fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.expect("it listens");
        let (slug, key, length) = (&self.slug, &self.key, body.len());
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {slug}.localhost\r\napikey: {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        Answer {
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, "", "").await
    }

    async fn export(&self) -> Answer {
        let headers = "Accept: application/x-ndjson\r\n";
        self.ask("GET", "/rest/v1/orders", headers, "").await
    }

    async fn order(&self) -> Answer {
        let body = json!({ "name": self.slug }).to_string();
        let headers = "Prefer: return=representation\r\n";
        self.ask("POST", "/rest/v1/orders", headers, &body).await
    }

    /// Asks until the tenant is answered as one of this version; until then the server may say that it is not there yet.
    async fn settles_at(&self, version: i32) {
        loop {
            let answer = self.get("/rest/v1/orders").await;
            if answer.status() == "200" {
                let seen = self.version_of(&answer.json());
                assert!(seen <= Some(version), "{answer:?}");
                if seen == Some(version) {
                    return;
                }
            } else {
                answer.ask_again();
            }
        }
    }

    /// The version that records are of: all of the same, and of this tenant. `None` where there are none.
    fn version_of(&self, records: &Value) -> Option<i32> {
        let records = records.as_array().expect("an array");
        let of = |record: &Value| {
            assert_eq!(record["name"], *self.slug, "{record}");
            let mut rest = record.clone();
            let members = rest.as_object_mut().expect("an object");
            members.retain(|name, _| name != "id" && name != "name");
            [
                json!({"dozens": 1}),
                json!({"dozens": 12, "unit": "piece"}),
                json!({"amount": 12, "unit": "piece"}),
            ]
            .iter()
            .zip(1..)
            .find_map(|(known, version)| (*known == rest).then_some(version))
            .unwrap_or_else(|| panic!("of no version: {record}"))
        };
        let first = records.first().map(of);
        for record in records {
            assert_eq!(Some(of(record)), first, "two versions in one answer");
        }
        first
    }
}
