//! The write side of the dialect, run by PostgreSQL on the template that has everything.

use serde_json::{Value, json};
use tenant_schema::records::{Answer, Form, Format, Operation, Payload, Preferences, RecordError, Target};
use tenant_schema::tenant_db::TenantDb;
use tests::database::one_connection;
use tests::{Records, TestDb, TestTenant};

mod at_once;
mod bin;
mod bodies;
mod bounds;
mod falling;
mod merging;
mod once;
mod raised;
mod short_names;

/// A tenant whose records are written.
struct Scene {
    records: Records,
    // Gone when dropped, and the tenant with it.
    t: TestDb,
    acme: TestTenant,
}

/// What a request says besides its body.
#[derive(Clone, Copy, Default)]
struct Ask<'a> {
    query: &'a str,
    prefer: &'a str,
    form: Form,
}

impl Scene {
    async fn set() -> Self {
        let t = TestDb::workshop().await;
        let acme = t.tenant("acme").await;
        let db = TenantDb::new(&t.server_config(), &one_connection());
        let scene = Self {
            records: acme.records(&t, &db),
            t,
            acme,
        };
        let tasks = json!([{ "name": "Ann" }, { "name": "Bob" }]);
        scene
            .insert("employees", "", "", &tasks)
            .await
            .expect("employees");
        scene
    }

    async fn run(&self, object: &str, ask: Ask<'_>, operation: Operation<'_>) -> Result<Answer, RecordError> {
        let preferences = Preferences::parse(ask.prefer);
        let prepared = self
            .records
            .preferring(&preferences, ask.form, object, ask.query, operation)
            .await?;
        self.records.run(&prepared).await
    }

    async fn send(
        &self,
        object: &str,
        ask: Ask<'_>,
        format: Format,
        body: &str,
    ) -> Result<Answer, RecordError> {
        let bytes = body.as_bytes();
        let body = Payload { bytes, format };
        self.run(object, ask, Operation::Insert { body }).await
    }

    async fn insert(
        &self,
        object: &str,
        query: &str,
        prefer: &str,
        body: &Value,
    ) -> Result<Answer, RecordError> {
        let form = Form::Plural;
        let ask = Ask { query, prefer, form };
        self.send(object, ask, Format::Json, &body.to_string()).await
    }

    async fn update(
        &self,
        object: &str,
        query: &str,
        prefer: &str,
        body: &Value,
    ) -> Result<Answer, RecordError> {
        let (form, body) = (Form::Plural, body.to_string());
        let (target, body) = (Target::Filtered, Payload::json(body.as_bytes()));
        self.run(
            object,
            Ask { query, prefer, form },
            Operation::Update { target, body },
        )
        .await
    }

    async fn put(
        &self,
        object: &str,
        query: &str,
        prefer: &str,
        body: &Value,
    ) -> Result<Answer, RecordError> {
        let (form, body) = (Form::Plural, body.to_string());
        let (target, body) = (Target::Filtered, Payload::json(body.as_bytes()));
        self.run(
            object,
            Ask { query, prefer, form },
            Operation::Replace { target, body },
        )
        .await
    }

    async fn delete(&self, object: &str, query: &str, prefer: &str) -> Result<Answer, RecordError> {
        let (form, target) = (Form::Plural, Target::Filtered);
        self.run(object, Ask { query, prefer, form }, Operation::Delete { target })
            .await
    }

    async fn list(&self, object: &str, query: &str) -> Value {
        let listed = self.records.list(object, query).await.expect("a list");
        serde_json::from_str(&listed).expect("JSON")
    }
}

/// The status, and the body as JSON where there is one.
fn told(answer: Result<Answer, RecordError>) -> (u16, Value) {
    match answer {
        Ok(answer) => {
            let body = answer.body.as_deref().map(serde_json::from_slice);
            let body = body.transpose().expect("JSON").unwrap_or_default();
            (answer.status.as_u16(), body)
        }
        Err(error) => (
            error.status(),
            json!({ "code": error.code(), "details": error.details() }),
        ),
    }
}
