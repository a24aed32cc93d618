//! What a request for records says besides its path and its body: query string, preferences, the form of the answer,
//! a range, a schema.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use catalog::access::Action;
use tenant_schema::records::{
    Form, Limits, Object, Operation, Preferences, Readable, Request, RowRange, execute, prepare,
};

use super::{Answered, answer, negotiation, range};
use crate::access::Opened;
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::state::AppState;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const ACCEPT_PROFILE: HeaderName = HeaderName::from_static("accept-profile");
const CONTENT_PROFILE: HeaderName = HeaderName::from_static("content-profile");

/// The one schema that clients know: every tenant's own, under the name that `supabase-js` asks for.
const SCHEMA: &str = "public";

/// A request for records, but for its path and its body.
pub(crate) struct Asked {
    state: AppState,
    uri: Uri,
    preferences: Preferences,
    form: Form,
    range: Option<RowRange>,
    context: RequestContext,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        check_schema(&parts.method, &parts.headers)?;
        Ok(Self {
            state: state.clone(),
            uri: parts.uri.clone(),
            preferences: preferences(&parts.headers),
            form: negotiation::form(&parts.headers)?,
            range: range::rows(&parts.method, &parts.headers)?,
            context: RequestContext::of(parts)?,
        })
    }
}

impl Asked {
    /// Parse, plan and SQL, then one transaction, then the answer.
    pub(crate) async fn run(&self, opened: &Opened, operation: Operation<'_>) -> Answered {
        let Opened {
            tenant,
            caller,
            model,
            name,
        } = opened;
        let may_read = |object: &Object| caller.may(&object.name, object.write, Action::Read);
        let may_update = |object: &Object| caller.may(&object.name, object.write, Action::Update);
        let may_delete = |object: &Object| caller.may(&object.name, object.write, Action::Delete);
        let query = self.uri.query().unwrap_or_default();
        let cursors = self.state.cursors().of(tenant.organization_id());
        let request = Request {
            object: name,
            query,
            preferences: &self.preferences,
            form: self.form,
            range: self.range,
            cursors: &cursors,
            readable: Readable::by(&may_read),
            may_update: model.object(name).is_ok_and(may_update),
            may_delete: model.object(name).is_ok_and(may_delete),
            operation,
        };
        let prepared = prepare(model, &request, Limits::default(), &mut || {
            self.state.source().uuid()
        })?;
        let actor = caller.actor();
        let tenants = self.state.tenants();
        let answered = execute(tenants, tenant, &actor, self.context.id(), &prepared).await?;
        let place = matches!(operation, Operation::List).then(|| answer::content_location(name, query));
        answer::respond(answered, name, place.flatten())
    }
}

/// Several `Prefer` headers mean the same as one with commas (RFC 7240, section 2).
fn preferences(headers: &HeaderMap) -> Preferences {
    let mut values = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let Some(first) = values.next() else {
        return Preferences::default();
    };
    let joined = values.fold(first.to_owned(), |joined, value| joined + "," + value);
    Preferences::parse(&joined)
}

/// `Accept-Profile` of a request that reads, `Content-Profile` of one that sends something: the schema it is about.
fn check_schema(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let name = match *method {
        Method::GET | Method::HEAD => ACCEPT_PROFILE,
        _ => CONTENT_PROFILE,
    };
    let mut schemas = headers.get_all(name).iter();
    if schemas.all(|schema| schema.as_bytes() == SCHEMA.as_bytes()) {
        return Ok(());
    }
    let error = ApiError::not_acceptable("PGRST106", "The schema is not one that is exposed");
    Err(error.with_hint(format!("Only the following schemas are exposed: {SCHEMA}")))
}
