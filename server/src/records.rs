//! `/rest/v1`: a tenant's records in PostgREST's dialect. The dialect itself is `tenant_schema::records`; here HTTP
//! becomes a request to it, and its answer HTTP.

use axum::extract::State;
use axum::response::Response;
use catalog::access::Action;
use tenant_schema::records::{
    Form, Limits, Object, Operation, Payload, Readable, Request, Target, execute, prepare,
};

use crate::access::{Delete, Insert, ObjectAccess, Read, Update};
use crate::body::RawBody;
use crate::error::ApiError;
use crate::records::asked::{Asked, JsonBytes};
use crate::state::AppState;

mod answer;
mod asked;

/// `GET /rest/v1/{object}`
pub(crate) async fn list(
    access: ObjectAccess<Read>,
    State(state): State<AppState>,
    asked: Asked,
) -> Result<Response, ApiError> {
    run(&state, &access, &asked, Operation::List).await
}

/// `GET /rest/v1/{object}/{id}`
pub(crate) async fn get(
    access: ObjectAccess<Read>,
    State(state): State<AppState>,
    asked: Asked,
) -> Result<Response, ApiError> {
    run(&state, &access, &asked, Operation::Get { id: access.id()? }).await
}

/// `POST /rest/v1/{object}`
pub(crate) async fn insert(
    access: ObjectAccess<Insert>,
    State(state): State<AppState>,
    asked: Asked,
    JsonBytes(RawBody(body)): JsonBytes,
) -> Result<Response, ApiError> {
    run(
        &state,
        &access,
        &asked,
        Operation::Insert {
            body: Payload::json(&body),
        },
    )
    .await
}

/// `PATCH /rest/v1/{object}`: the records a filter finds.
pub(crate) async fn update_filtered(
    access: ObjectAccess<Update>,
    State(state): State<AppState>,
    asked: Asked,
    JsonBytes(RawBody(body)): JsonBytes,
) -> Result<Response, ApiError> {
    run(
        &state,
        &access,
        &asked,
        Operation::Update {
            target: Target::Filtered,
            body: Payload::json(&body),
        },
    )
    .await
}

/// `PATCH /rest/v1/{object}/{id}`
pub(crate) async fn update(
    access: ObjectAccess<Update>,
    State(state): State<AppState>,
    asked: Asked,
    JsonBytes(RawBody(body)): JsonBytes,
) -> Result<Response, ApiError> {
    run(
        &state,
        &access,
        &asked,
        Operation::Update {
            target: Target::Id(access.id()?),
            body: Payload::json(&body),
        },
    )
    .await
}

/// `DELETE /rest/v1/{object}`: the records a filter finds.
pub(crate) async fn delete_filtered(
    access: ObjectAccess<Delete>,
    State(state): State<AppState>,
    asked: Asked,
) -> Result<Response, ApiError> {
    run(
        &state,
        &access,
        &asked,
        Operation::Delete {
            target: Target::Filtered,
        },
    )
    .await
}

/// `DELETE /rest/v1/{object}/{id}`
pub(crate) async fn delete(
    access: ObjectAccess<Delete>,
    State(state): State<AppState>,
    asked: Asked,
) -> Result<Response, ApiError> {
    run(
        &state,
        &access,
        &asked,
        Operation::Delete {
            target: Target::Id(access.id()?),
        },
    )
    .await
}

/// Parse, plan and SQL, then one transaction, then the answer.
async fn run<A>(
    state: &AppState,
    access: &ObjectAccess<A>,
    asked: &Asked,
    operation: Operation<'_>,
) -> Result<Response, ApiError> {
    let caller = &access.caller;
    let may_read = |object: &Object| caller.may(&object.name, object.write, Action::Read);
    let request = Request {
        object: &access.object,
        query: asked.query(),
        preferences: &asked.preferences,
        form: Form::Plural,
        range: None,
        readable: Readable::by(&may_read),
        may_update: access
            .model
            .object(&access.object)
            .is_ok_and(|object| caller.may(&object.name, object.write, Action::Update)),
        operation,
    };
    let prepared = prepare(&access.model, &request, Limits::default(), &mut || {
        state.source().uuid()
    })?;
    let actor = access.caller.actor();
    let answer = execute(
        state.tenants(),
        &access.tenant,
        &actor,
        asked.context.id(),
        &prepared,
    )
    .await?;
    answer::respond(answer)
}
