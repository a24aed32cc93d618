//! Pages by cursor: whatever happens between two of them, every record that stays is in exactly one.

use serde_json::Value;
use tenant_schema::records::{Answer, Count, Form, Operation, Preferences, RecordError};
use tests::{Records, TestDb};
use tokio_postgres::Client;

mod any_order;
mod pages;
mod plans;
mod refusals;

/// A tenant of the workshop, and a session that changes its records behind the API's back.
struct Shop {
    records: Records,
    behind: Client,
    /// Gone when it is dropped.
    _database: TestDb,
}

/// A page: its records, and the query string of the next.
struct Page {
    rows: Vec<Value>,
    next: Option<String>,
}

impl Shop {
    async fn new() -> Self {
        let database = TestDb::workshop().await;
        let tenant = database.tenant("acme").await;
        let records = tenant.records(&database, &database.tenants());
        let behind = database.as_superuser().await;
        let enter = format!("set search_path = {}", tenant.schema.search_path());
        behind.batch_execute(&enter).await.expect("a search path");
        Self {
            records,
            behind,
            _database: database,
        }
    }

    async fn run(&self, sql: &str) {
        let done = self.behind.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    async fn answer(
        &self,
        count: Option<Count>,
        form: Form,
        object: &str,
        query: &str,
    ) -> Result<Answer, RecordError> {
        let preferences = Preferences {
            count,
            ..Preferences::default()
        };
        let list = Operation::List;
        let prepared = self.records.preferring(&preferences, form, object, query, list);
        self.records.run(&prepared.await?).await
    }

    async fn page(&self, object: &str, query: &str) -> Result<Page, RecordError> {
        let answer = self.answer(None, Form::Plural, object, query).await?;
        let body = answer.body.unwrap_or_default();
        Ok(Page {
            rows: serde_json::from_slice(&body).expect("an array"),
            next: answer.next,
        })
    }

    /// All pages of a list, one after the other.
    async fn pages(&self, object: &str, query: &str) -> Vec<Page> {
        let mut pages = Vec::new();
        let mut next = Some(format!("{query}&cursor="));
        while let Some(query) = next.take() {
            let page = self.page(object, &query).await;
            let page = page.unwrap_or_else(|error| panic!("{object}?{query}: {error:?}"));
            next.clone_from(&page.next);
            pages.push(page);
            assert!(pages.len() < 100, "{object}?{query} has no end");
        }
        pages
    }

    /// The values of one column on all pages.
    async fn all(&self, object: &str, query: &str, column: &str) -> Vec<String> {
        let pages = self.pages(object, query).await;
        let rows = pages.iter().flat_map(|page| &page.rows);
        rows.map(|row| text(&row[column])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
