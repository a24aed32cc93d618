//! Requests for records, as the server makes them once it knows who asks.

use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::ids::OrganizationId;
use catalog::resolve::ActiveTenant;
use tenant_schema::models::Models;
use tenant_schema::records::{
    self, Answer, Claim, CursorKeys, CursorSeal, Fingerprint, Form, IdempotencyKey, Limits, Mode, Operation,
    Payload, Preferences, Prepared, PreparedExport, RecordError, Request, Return, Rights, Target,
};
use tenant_schema::tenant_db::TenantDb;

use crate::database::TestDb;
use crate::tenant::TestTenant;

/// One tenant's records by way of one pool.
#[derive(Debug, Clone)]
pub struct Records {
    db: TenantDb,
    models: Models,
    tenant: ActiveTenant,
    actor: Actor,
    source: Source,
    cursors: CursorSeal,
}

/// What signs a tenant's cursors, for requests that no server makes.
pub fn cursors(tenant: OrganizationId) -> CursorSeal {
    let ring = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse();
    CursorKeys::new(&ring.expect("a key ring")).of(tenant)
}

impl TestTenant {
    /// This tenant's records by way of these connections.
    pub fn records(&self, t: &TestDb, db: &TenantDb) -> Records {
        Records {
            db: db.clone(),
            models: t.models(),
            tenant: self.active.clone(),
            actor: t.actor(),
            source: t.source().clone(),
            cursors: cursors(self.organization),
        }
    }
}

impl Records {
    /// A request that is ready to run.
    pub async fn prepared(
        &self,
        object: &str,
        query: &str,
        operation: Operation<'_>,
    ) -> Result<Prepared, RecordError> {
        let preferences = Preferences {
            returning: Some(Return::Representation),
            ..Preferences::default()
        };
        Box::pin(self.preferring(&preferences, Form::Plural, object, query, operation)).await
    }

    /// The same with preferences and a form of the answer.
    pub async fn preferring(
        &self,
        preferences: &Preferences,
        form: Form,
        object: &str,
        query: &str,
        operation: Operation<'_>,
    ) -> Result<Prepared, RecordError> {
        let model = self.models.get(self.tenant.template_version()).await?;
        let request = Request {
            form,
            ..Request::new(
                object,
                query,
                preferences,
                Rights::by(&|_, _| true),
                &self.cursors,
            )
        };
        let new_id = &mut || self.source.uuid();
        records::prepare(&model, &request, operation, Limits::default(), new_id)
    }

    /// `POST /{object}` with an idempotency key.
    pub async fn insert_once(&self, key: &str, object: &str, body: &str) -> Result<Answer, RecordError> {
        let model = self.models.get(self.tenant.template_version()).await?;
        let key = IdempotencyKey::parse(key)?;
        let mut fingerprint = Fingerprint::default();
        fingerprint.count(body.as_bytes());
        let claim = Claim::new(self.tenant.schema(), &self.actor, &key, fingerprint);
        let preferences = Preferences::default();
        let request = Request {
            claim: Some(&claim),
            ..Request::new(object, "", &preferences, Rights::by(&|_, _| true), &self.cursors)
        };
        let insert = Operation::Insert {
            body: Payload::json(body.as_bytes()),
        };
        let new_id = &mut || self.source.uuid();
        let prepared = records::prepare(&model, &request, insert, Limits::default(), new_id)?;
        self.run(&prepared).await
    }

    /// Runs it as the tenant.
    pub async fn run(&self, prepared: &Prepared) -> Result<Answer, RecordError> {
        Box::pin(records::execute(
            &self.db,
            &self.tenant,
            &self.actor,
            "request-1",
            prepared,
        ))
        .await
    }

    async fn body(&self, object: &str, query: &str, operation: Operation<'_>) -> Result<String, RecordError> {
        let answer = self.run(&self.prepared(object, query, operation).await?).await?;
        let body = answer.body.unwrap_or_default();
        Ok(String::from_utf8(body.into()).expect("JSON is UTF-8"))
    }

    /// `GET /{object}?{query}`: a JSON array.
    pub async fn list(&self, object: &str, query: &str) -> Result<String, RecordError> {
        self.body(object, query, Operation::List).await
    }

    /// `POST /{object}`: the new record as JSON.
    pub async fn insert(&self, object: &str, body: &str) -> Result<String, RecordError> {
        self.body(
            object,
            "",
            Operation::Insert {
                body: Payload::json(body.as_bytes()),
            },
        )
        .await
    }

    /// `PATCH /{object}?{filter}`: the changed records as JSON.
    pub async fn update(&self, object: &str, filter: &str, body: &str) -> Result<String, RecordError> {
        self.body(
            object,
            filter,
            Operation::Update {
                target: Target::Filtered,
                body: Payload::json(body.as_bytes()),
            },
        )
        .await
    }

    /// `DELETE /{object}?{filter}`: the removed records as JSON.
    pub async fn delete(&self, object: &str, filter: &str) -> Result<String, RecordError> {
        self.body(
            object,
            filter,
            Operation::Delete {
                target: Target::Filtered,
            },
        )
        .await
    }

    /// The same inside an export's: what is told is one line.
    pub async fn evaluate_exporting(&self, expression: &str) -> Result<String, RecordError> {
        let text = format!("select ({expression})::text as body");
        let place = self.db.export(&self.tenant, PreparedExport::of_test(&text));
        let mut export = place.expect("there is a place");
        let line = export.next().await;
        export.close().await;
        Ok(String::from_utf8(line?.unwrap_or_default().into()).expect("JSON is UTF-8"))
    }

    /// The text an SQL expression gives inside the tenant's transaction: what does that session see?
    pub async fn evaluate(&self, mode: Mode, expression: &str) -> Result<String, RecordError> {
        let text = format!(
            "select ({expression})::text as body, 1::bigint as count, null::text as version, null::text as key"
        );
        let answer = self.run(&Prepared::of_test(mode, &text)).await?;
        let body = answer.body.unwrap_or_default();
        Ok(String::from_utf8(body.into()).expect("JSON is UTF-8"))
    }
}
