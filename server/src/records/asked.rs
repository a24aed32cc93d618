//! What a request for records says besides its path and its body: query string, preferences, the form of the answer,
//! a range, a schema.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use catalog::access::Action;
use tenant_schema::records::{
    Claim, Conditions, Form, Limits, Lines, Object, Operation, Preferences, Prepared, PreparedExport,
    RecordError, Request, Rights, RowRange, execute, prepare, prepare_export,
};

use super::export::Outlet;
use super::negotiation::{self, Wanted};
use super::once::Once;
use super::{Answered, answer, range};
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
    conditions: Conditions,
    once: Option<Box<Once>>,
    context: RequestContext,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let form = negotiation::form(&parts.headers)?;
        Self::read(parts, state, form)
    }
}

/// What is asked of a list: a page of it, or all.
pub(crate) enum Listing {
    Page(Asked),
    Export(Asked, Lines, Outlet),
}

impl FromRequestParts<AppState> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(match negotiation::of_list(&parts.headers)? {
            Wanted::Page(form) => Self::Page(Asked::read(parts, state, form)?),
            Wanted::Export(lines) => {
                let asked = Asked::read(parts, state, Form::default())?;
                Self::Export(asked, lines, Outlet::of(parts, state)?)
            }
        })
    }
}

impl Asked {
    fn read(parts: &Parts, state: &AppState, form: Form) -> Result<Self, ApiError> {
        check_schema(&parts.method, &parts.headers)?;
        Ok(Self {
            state: state.clone(),
            uri: parts.uri.clone(),
            preferences: preferences(&parts.headers),
            form,
            range: range::rows(&parts.method, &parts.headers)?,
            conditions: conditions(&parts.headers)?,
            once: Once::asked(parts)?.map(Box::new),
            context: RequestContext::of(parts)?,
        })
    }

    /// Parse, plan and SQL, then one transaction, then the answer.
    pub(crate) async fn run(&self, opened: &Opened, operation: Operation<'_>) -> Answered {
        let prepared = self.prepare(opened, operation)?;
        let (tenant, actor) = (&opened.tenant, opened.caller.actor());
        let tenants = self.state.tenants();
        let answered = execute(tenants, tenant, &actor, self.context.id(), &prepared).await;
        let answered = answered.map_err(|error| opened.refused(&self.state, error))?;
        let query = self.uri.query().unwrap_or_default();
        let is_list = matches!(operation, Operation::List);
        let place = is_list.then(|| answer::content_location(&opened.name, query));
        let varies = matches!(operation, Operation::Get { .. });
        answer::respond(answered, &opened.name, place.flatten(), varies)
    }

    /// Parse, plan and SQL.
    fn prepare(&self, opened: &Opened, operation: Operation<'_>) -> Result<Prepared, ApiError> {
        let claim = |once: &Once| once.claim(opened.tenant.first_schema(), &opened.caller.actor(), operation);
        let claim = self.once.as_deref().map(claim);
        let limits = Limits::default().for_plan(opened.tenant.limits().rows());
        let mut new_id = || self.state.source().uuid();
        self.ask(opened, claim.as_ref(), |request| {
            prepare(&opened.model, request, operation, limits, &mut new_id)
        })
    }

    /// The same for all that a list has.
    pub(super) fn prepare_export(&self, opened: &Opened, lines: Lines) -> Result<PreparedExport, ApiError> {
        self.ask(opened, None, |request| {
            prepare_export(&opened.model, request, lines, Limits::default())
        })
    }

    /// Prepares the request in the engine's words.
    fn ask<T>(
        &self,
        opened: &Opened,
        claim: Option<&Claim>,
        prepare: impl FnOnce(&Request<'_>) -> Result<T, RecordError>,
    ) -> Result<T, ApiError> {
        let caller = &opened.caller;
        let may = |object: &Object, action: Action| caller.may(&object.name, object.write, action);
        let cursors = self.state.cursors().of(opened.tenant.organization_id());
        let query = self.uri.query().unwrap_or_default();
        let request = Request {
            form: self.form,
            range: self.range,
            conditions: &self.conditions,
            claim,
            ..Request::new(&opened.name, query, &self.preferences, Rights::by(&may), &cursors)
        };
        Ok(prepare(&request)?)
    }
}

/// Several `Prefer` headers mean the same as one with commas (RFC 7240, section 2).
pub(crate) fn preferences(headers: &HeaderMap) -> Preferences {
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

/// `If-Match` and `If-None-Match`, each with its lines in their order. A value that is no text is no tag either.
pub(crate) fn conditions(headers: &HeaderMap) -> Result<Conditions, ApiError> {
    let joined = |name: HeaderName| {
        let lines = headers.get_all(name).iter();
        let lines: Vec<_> = lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        (!lines.is_empty()).then(|| lines.join(","))
    };
    let (if_match, if_none_match) = (joined(header::IF_MATCH), joined(header::IF_NONE_MATCH));
    Ok(Conditions::parse(if_match.as_deref(), if_none_match.as_deref())?)
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
