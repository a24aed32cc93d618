//! `/openapi.json` and the root of `/rest/v1/`: what a tenant's API offers to whoever asks, as an `OpenAPI` 3.1
//! document; `/docs`: a page that shows it.

mod crm;
mod platform;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use catalog::access::Action;
use tenant_schema::records::openapi::{self, About, Use};

use crate::access::{Member, Tenant};
use crate::error::ApiError;
use crate::state::AppState;

/// PostgREST's word for it, which its clients look for at the root.
const OPENAPI: &str = "application/openapi+json; charset=utf-8";

const PAGE: &str = include_str!("openapi/page.html");
const SCRIPT: &str = include_str!("openapi/page.js");

/// The page runs its own script and asks its own host; nothing else, from nowhere else.
const POLICY: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
);

/// `GET /openapi.json`, `GET /rest/v1/`: what the caller may use.
pub(crate) async fn document(
    Member { tenant, caller }: Member,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let version = tenant.template_version();
    let model = state.models().get(version).await?;
    let may = |used: Use<'_>| match used {
        Use::Object(object, action) => caller.may(&object.name, object.write, action),
        Use::Function(function) => caller.may_call(function, Action::Insert),
    };
    let slug = tenant.slug().as_str();
    let about = About {
        title: slug,
        version: &version.to_string(),
        server_url: &state.config().tenant_origin(slug),
        may: &may,
    };
    let mut document = openapi::document(&model, &about);
    crm::describe(&mut document, &model, &caller);
    platform::describe(&mut document);
    let headers = [
        (header::CONTENT_TYPE, OPENAPI),
        // It depends on who asks.
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    Ok((headers, document.to_string()).into_response())
}

/// `GET /docs`: the page. It holds nothing of the tenant: it asks for the document with the credentials it is given.
pub(crate) async fn page(_: Tenant) -> Response {
    ([POLICY, html()], PAGE).into_response()
}

/// `GET /docs/page.js`
pub(crate) async fn script(_: Tenant) -> Response {
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], SCRIPT).into_response()
}

fn html() -> (HeaderName, HeaderValue) {
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    )
}
