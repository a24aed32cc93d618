//! `/auth/v1`: identity in the wire shape of Supabase Auth, so that its clients work as they are.
//!
//! A session belongs to the organization of the host it was opened on, and so does every token of it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use crate::access::{Public, Signed};
use crate::auth::view::UserView;
use crate::state::AppState;

pub(crate) mod sign_out;
pub(crate) mod sign_up;
pub(crate) mod token;
mod view;

/// `GET /auth/v1/user`: who I am.
pub(crate) async fn user(signed: Signed) -> Response {
    private(UserView::of(&signed.caller))
}

/// `GET /.well-known/jwks.json`: the public keys access tokens are checked with.
pub(crate) async fn keys(
    _: Public,
    State(state): State<AppState>,
) -> ([(HeaderName, &'static str); 2], Bytes) {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, state.callers().keys().document())
}

/// An answer nobody on the way may keep (RFC 6749, section 5.1).
fn private(view: impl Serialize) -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(view)).into_response()
}
