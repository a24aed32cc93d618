//! The read side of PostgREST's dialect, on a template that has everything: `tests/template`.
//!
//! Tables of requests and answers. What is asked follows the reference's pages on tables and views, resource embedding
//! and aggregate functions.

use std::sync::Arc;

use serde_json::Value;
use tenant_schema::records::{RecordError, SchemaModel};
use tenant_schema::tenant_db::TenantDb;
use tests::database::one_connection;
use tests::{Proxy, Records, TestDb, TestTenant};

mod aggregates;
mod any_request;
mod any_type;
mod embeds;
mod filters;
mod pages;
mod refusals;

/// A tenant of the workshop with a few records, and the database that it lives in.
struct Workshop {
    records: Records,
    database: TestDb,
    tenant: TestTenant,
}

/// What the workshop has to do. Most tests name records by these ids and names.
const RECORDS: &str = r#"
insert into customers (name, email, home, nicknames, profile, "Favourite Colour") values
  ('Ann', 'ann@x.example', row('Main St 1', 'Rome', '00100'), '{annie,a}',
   '{"vip": true, "tags": ["x", "y"], "level": 3, "a.b": {"c": 1}}', 'red'),
  ('Bob', 'bob@x.example', null, '{}', '{"level": 1}', 'blue'),
  ('Cid', 'cid@x.example', null, '{c}', '{}', null),
  ('Dan, Jr. (x)', null, null, '{}', '{}', null);
insert into customer_details values (1, 'good', 12345678901234.5678), (2, null, 0);
insert into employees (name, manager_id, skills, hourly_wage) values
  ('Max', null, '{weld}', 30), ('Eve', 1, '{paint,weld}', 20), ('Tom', 1, '{}', 15), ('Kim', 2, '{}', 10);
insert into badges (employee_id, code) values (1, 'M-1'), (2, 'E-1');
insert into mentorships (mentor_id, pupil_id) values (1, 2), (1, 3), (2, 4);
insert into addresses (place) values (row('A 1', 'Rome', '1')), (row('B 2', 'Oslo', '2'));
insert into orders (customer_id, billing_address_id, shipping_address_id, status, promised, total, notes, placed_at)
  values
  (1, 1, 2, 'placed', '[2025-01-01,2025-02-01)', 150, '{"k": 1}', '2025-01-01'),
  (1, 1, null, 'draft', null, 50, null, '2025-01-02'),
  (2, 2, 1, 'done', '[2025-03-01,2025-04-01)', 300, null, '2025-01-03'),
  (3, null, null, 'in work', null, 80, null, null);
insert into products (sku, name, price, fits, weight) values
  ('BELL', 'Bell', 5, '[1,10)', 0.1), ('TYRE', 'Tyre', 20, '[20,30)', 1.5), ('LAMP', 'Lamp', 12.5, null, 0.3);
insert into order_lines values (1, 'BELL', 2, null), (1, 'TYRE', 1, 0.5), (2, 'BELL', 1, null), (3, 'LAMP', 4, null);
insert into line_remarks (order_id, product_sku, remark) values (1, 'BELL', 'loud'), (1, 'BELL', 'red');
insert into tasks values ('fix', 'Fix it'), ('test', 'Test it');
insert into assignments values (1, 1, 'fix', 2.5), (2, 1, 'test', 1), (2, 3, 'test', 3);
insert into visits (customer_id, came_at) values (1, '2024-05-05'), (1, '2025-05-05'), (2, '2025-06-06');
insert into documents (title, body, deleted_at) values
  ('Cats', 'fat cats ate rats', null), ('Gone', 'rats', now());
insert into samples (id, a_json, a_jsonb, a_large_quantity) values (1, '{"a": 1}', '{"a": 1}', 101);
"#;

impl Workshop {
    async fn new() -> Self {
        let database = TestDb::workshop().await;
        let tenant = database.tenant("acme").await;
        let records = tenant.records(&database, &database.tenants());
        let superuser = database.as_superuser().await;
        let fill = format!("set search_path = {}; {RECORDS}", tenant.schema.search_path());
        superuser
            .batch_execute(&fill)
            .await
            .expect("the workshop is filled");
        Self {
            records,
            database,
            tenant,
        }
    }

    /// The same tenant's records by way of one counted connection.
    async fn through_a_proxy(&self) -> (Proxy, Records) {
        let proxy = self.database.proxy().await;
        let config = self.database.server_config_through(&proxy);
        let db = TenantDb::new(&config, &one_connection());
        let records = self.tenant.records(&self.database, &db);
        (proxy, records)
    }

    async fn model(&self) -> Arc<SchemaModel> {
        let version = self.database.template().latest();
        self.database.models().get(version).await.expect("a model")
    }

    /// The answer to `object?query`.
    async fn ask(&self, request: &str) -> Result<Value, RecordError> {
        let (object, query) = request.split_once('?').unwrap_or((request, ""));
        let body = self.records.list(object, query).await?;
        Ok(serde_json::from_str(&body).expect("the answer is JSON"))
    }

    /// Every request has its answer.
    async fn answers(&self, cases: &[(&str, &str)]) {
        for (request, expected) in cases {
            let answer = self.ask(request).await;
            let answer = answer.unwrap_or_else(|error| panic!("{request}: {error:?}"));
            let expected: Value = serde_json::from_str(expected).expect("JSON");
            assert_eq!(answer, expected, "{request}");
        }
    }

    /// Every request finds the records with these ids.
    async fn finds(&self, object: &str, cases: &[(&str, &[i64])]) {
        for (filter, ids) in cases {
            let answer = self.ask(&format!("{object}?select=id&order=id&{filter}")).await;
            let answer = answer.unwrap_or_else(|error| panic!("{filter}: {error:?}"));
            let rows = answer.as_array().expect("an array");
            let found: Vec<i64> = rows
                .iter()
                .map(|row| row["id"].as_i64().expect("an id"))
                .collect();
            assert_eq!(found, *ids, "{object}?{filter}");
        }
    }
}
