//! What a request for records says besides its path: query string, preferences, media types.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use tenant_schema::records::Preferences;

use crate::body::{self, RawBody};
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::state::AppState;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The query string and the headers that matter.
pub(crate) struct Asked {
    uri: Uri,
    pub(crate) preferences: Preferences,
    pub(crate) context: RequestContext,
}

impl Asked {
    /// The query string as it came, still percent-encoded.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        if !takes_json(&parts.headers) {
            return Err(
                ApiError::not_acceptable("PGRST107", "Records are answered as application/json")
                    .with_hint("Leave Accept out, or accept application/json"),
            );
        }
        Ok(Self {
            uri: parts.uri.clone(),
            preferences: preferences(&parts.headers),
            context: RequestContext::of(parts)?,
        })
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

/// Whether JSON is among what the client accepts (RFC 9110, section 12.5.1); weights but zero make no difference
/// where there is one form.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    values.peek().is_none()
        || values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|range| {
                let (essence, parameters) = range.split_once(';').unwrap_or((range, ""));
                let known = ["application/json", "*/*", "application/*"];
                let refused = parameters.replace(' ', "").split(';').any(|parameter| {
                    parameter
                        .strip_prefix("q=")
                        .is_some_and(|weight| weight.parse() == Ok(0.0_f32))
                });
                known
                    .iter()
                    .any(|known| essence.trim().eq_ignore_ascii_case(known))
                    && !refused
            })
}

/// A body announced as JSON, unread: PostgreSQL's own parser has the last word on it.
pub(crate) struct JsonBytes(pub(crate) RawBody);

impl FromRequest<AppState> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !body::is_json(request.headers()) {
            return Err(ApiError::unsupported_media_type("application/json"));
        }
        RawBody::from_request(request, state).await.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_in_every_way_clients_say_it() {
        for (accept, taken) in [
            (&[][..], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["text/html, application/*;q=0.8"], true),
            (&["text/html", "Application/JSON; charset=utf-8"], true),
            (&["application/json;q=0"], false),
            (&["application/json; q=0.000, text/csv"], false),
            (&["text/csv"], false),
            (&["application/vnd.pgrst.object+json"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, value.parse().expect("a header value"));
            }
            assert_eq!(takes_json(&headers), taken, "{accept:?}");
        }
    }
}
