//! `q=`: words are found as beginnings and in spite of typing errors, in any template.

use serde_json::Value;
use tenant_schema::records::{Answer, Count, Form, Operation, Preferences, RecordError};
use tests::{Records, TestDb};

mod any_text;
mod crm;
mod workshop;

/// A tenant, and what fills it.
struct Searched {
    records: Records,
    /// Gone when it is dropped.
    _database: TestDb,
}

impl Searched {
    async fn new(database: TestDb, fill: &str) -> Self {
        let tenant = database.tenant("acme").await;
        let records = tenant.records(&database, &database.tenants());
        let superuser = database.as_superuser().await;
        let fill = format!("set search_path = {}; {fill}", tenant.schema.search_path());
        superuser.batch_execute(&fill).await.expect("records");
        Self {
            records,
            _database: database,
        }
    }

    async fn answer(&self, count: Option<Count>, object: &str, query: &str) -> Result<Answer, RecordError> {
        let preferences = Preferences {
            count,
            ..Preferences::default()
        };
        let list = Operation::List;
        let prepared = self
            .records
            .preferring(&preferences, Form::Plural, object, query, list);
        self.records.run(&prepared.await?).await
    }

    async fn ask(&self, object: &str, query: &str) -> Result<Value, RecordError> {
        let body = self.answer(None, object, query).await?.body.unwrap_or_default();
        Ok(serde_json::from_slice(&body).expect("JSON"))
    }

    /// One column of what is found, in its order.
    async fn finds(&self, object: &str, column: &str, words: &str, expected: &[&str]) {
        let query = format!("select={column}&q={words}");
        let rows = self.ask(object, &query).await;
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let rows = rows.as_array().expect("an array").iter();
        let found: Vec<_> = rows.map(|row| row[column].as_str().unwrap_or_default()).collect();
        assert_eq!(found, expected, "{object}?{query}");
    }

    async fn refused(&self, object: &str, query: &str, code: &str) {
        let error = self.ask(object, query).await.expect_err(query);
        assert_eq!((error.status(), error.code()), (400, code), "{object}?{query}");
    }
}
