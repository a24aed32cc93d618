//! `/rest/v1`: a tenant's records and functions in PostgREST's dialect. The dialect itself is
//! `tenant_schema::records`; here HTTP becomes a request to it, and its answer HTTP.
//!
//! A handler is the proof that its caller may do what its operation does, and the operation. Everything else that a
//! request says is read in [`Asked`], and what it sends in [`Sent`].

use axum::response::Response;
use tenant_schema::records::{CallBy, Operation, Target};

use crate::access::{Delete, FunctionAccess, Insert, ObjectAccess, Purge, Read, Replace, Update};
use crate::error::ApiError;
use crate::records::asked::{Asked, Listing};
use crate::records::sent::{Arguments, Records, Sent};

pub(crate) mod answer;
pub(crate) mod asked;
mod export;
mod negotiation;
pub(crate) mod once;
mod range;
mod sent;

pub(crate) type Answered = Result<Response, ApiError>;

/// `GET /rest/v1/{object}`
pub(crate) async fn list(access: ObjectAccess<Read>, listing: Listing) -> Answered {
    match listing {
        Listing::Page(asked) => asked.run(&access.opened, Operation::List).await,
        Listing::Export(asked, lines, outlet) => {
            let prepared = asked.prepare_export(&access.opened, lines)?;
            outlet.run(&access.opened, prepared).await
        }
    }
}

/// `GET /rest/v1/{object}/{id}`
pub(crate) async fn get(access: ObjectAccess<Read>, asked: Asked) -> Answered {
    let id = access.id()?;
    asked.run(&access.opened, Operation::Get { id }).await
}

/// `POST /rest/v1/{object}`
pub(crate) async fn insert(access: ObjectAccess<Insert>, asked: Asked, sent: Sent<Records>) -> Answered {
    let body = sent.payload();
    asked.run(&access.opened, Operation::Insert { body }).await
}

/// `PUT /rest/v1/{object}`: the record whose key a filter names.
pub(crate) async fn replace_filtered(
    access: ObjectAccess<Replace>,
    asked: Asked,
    sent: Sent<Records>,
) -> Answered {
    let (target, body) = (Target::Filtered, sent.payload());
    asked
        .run(&access.opened, Operation::Replace { target, body })
        .await
}

/// `PUT /rest/v1/{object}/{id}`
pub(crate) async fn replace(access: ObjectAccess<Replace>, asked: Asked, sent: Sent<Records>) -> Answered {
    let (target, body) = (Target::Id(access.id()?), sent.payload());
    asked
        .run(&access.opened, Operation::Replace { target, body })
        .await
}

/// `PATCH /rest/v1/{object}`: the records a filter finds.
pub(crate) async fn update_filtered(
    access: ObjectAccess<Update>,
    asked: Asked,
    sent: Sent<Records>,
) -> Answered {
    let (target, body) = (Target::Filtered, sent.payload());
    asked
        .run(&access.opened, Operation::Update { target, body })
        .await
}

/// `PATCH /rest/v1/{object}/{id}`
pub(crate) async fn update(access: ObjectAccess<Update>, asked: Asked, sent: Sent<Records>) -> Answered {
    let (target, body) = (Target::Id(access.id()?), sent.payload());
    asked
        .run(&access.opened, Operation::Update { target, body })
        .await
}

/// `DELETE /rest/v1/{object}`: the records a filter finds.
pub(crate) async fn delete_filtered(access: ObjectAccess<Delete>, asked: Asked) -> Answered {
    let target = Target::Filtered;
    asked.run(&access.opened, Operation::Delete { target }).await
}

/// `DELETE /rest/v1/{object}/{id}`
pub(crate) async fn delete(access: ObjectAccess<Delete>, asked: Asked) -> Answered {
    let target = Target::Id(access.id()?);
    asked.run(&access.opened, Operation::Delete { target }).await
}

/// `POST /rest/v1/{object}/{id}/restore`: brings back what was deleted. A body is not looked at.
pub(crate) async fn restore(access: ObjectAccess<Update>, asked: Asked) -> Answered {
    let id = access.id()?;
    asked.run(&access.opened, Operation::Restore { id }).await
}

/// `POST /rest/v1/{object}/{id}/purge`: removes for good what was deleted. A body is not looked at.
pub(crate) async fn purge(access: ObjectAccess<Purge>, asked: Asked) -> Answered {
    let id = access.id()?;
    asked.run(&access.opened, Operation::Purge { id }).await
}

/// `GET /rest/v1/rpc/{function}`: in a transaction that can only read.
pub(crate) async fn call_to_read(access: FunctionAccess<Read>, asked: Asked) -> Answered {
    asked.run(&access.opened, Operation::Call(CallBy::Get)).await
}

/// `POST /rest/v1/rpc/{function}`
pub(crate) async fn call(access: FunctionAccess<Insert>, asked: Asked, sent: Sent<Arguments>) -> Answered {
    let by = CallBy::Post(sent.payload());
    asked.run(&access.opened, Operation::Call(by)).await
}
