//! The engine's answer as an HTTP response. Its body passes through as PostgreSQL made it.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tenant_schema::records::Answer;

use super::Answered;
use crate::error::ApiError;

/// What of `Prefer` was followed (RFC 7240, section 3).
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// An answer that was kept for an idempotency key says so.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Where the engine's `Location` begins.
const ROOT: &str = "/rest/v1";

/// The longest `Content-Location`, in bytes. Clients bound all headers of an answer together (Node.js at 16 KiB), and
/// this one only repeats what they asked.
const LONGEST_PLACE: usize = 2048;

/// What a path segment holds as it is (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Puts the answer into HTTP, which is one about this object.
/// One that `varies` is kept by clients, who have to know what it depends on (RFC 9110, section 12.5.5).
pub(super) fn respond(
    answer: Answer,
    object: &str,
    content_location: Option<HeaderValue>,
    varies: bool,
) -> Answered {
    let object = utf8_percent_encode(object, SEGMENT);
    respond_at(&format!("{ROOT}/{object}"), answer, content_location, varies)
}

/// The same for one whose pages are at this path, as it stands in an address.
pub(crate) fn respond_at(
    path: &str,
    answer: Answer,
    content_location: Option<HeaderValue>,
    varies: bool,
) -> Answered {
    let Answer {
        status,
        body,
        media_type,
        content_range,
        location,
        preference_applied,
        etag,
        is_replayed,
        next,
    } = answer;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status.as_u16()).map_err(ApiError::internal)?;
    write_headers(
        &mut response,
        [
            (header::CONTENT_RANGE, content_range),
            (header::LOCATION, location.map(|path| format!("{ROOT}{path}"))),
            (PREFERENCE_APPLIED, preference_applied),
            (header::ETAG, etag),
            (header::LINK, next.map(|query| next_link(path, &query))),
        ],
    )?;
    let headers = response.headers_mut();
    if varies {
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Prefer"));
    }
    if is_replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(place) = content_location {
        headers.insert(header::CONTENT_LOCATION, place);
    }
    if let Some(body) = body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        *response.body_mut() = Body::from(body);
    }
    Ok(response)
}

/// Writes the headers that have a value.
pub(super) fn write_headers<const N: usize>(
    response: &mut Response,
    texts: [(HeaderName, Option<String>); N],
) -> Result<(), ApiError> {
    for (name, text) in texts {
        if let Some(text) = text {
            let value = HeaderValue::try_from(text).map_err(ApiError::internal)?;
            response.headers_mut().insert(name, value);
        }
    }
    Ok(())
}

/// Where the next page is (RFC 8288, section 3), relative to the address of this one, whatever name the service has there.
fn next_link(path: &str, query: &str) -> String {
    format!("<{path}?{query}>; rel=\"next\"")
}

/// `Content-Location` of a list: its address with the parameters in the order of their names, so that lists that are
/// the same have the same one. `query` is as it came. Nothing where it would be too long.
pub(super) fn content_location(object: &str, query: &str) -> Option<HeaderValue> {
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_by_key(|pair| pair.split('=').next());
    let object = utf8_percent_encode(object, SEGMENT);
    let mark = if pairs.is_empty() { "" } else { "?" };
    let place = format!("{ROOT}/{object}{mark}{}", pairs.join("&"));
    let is_short = place.len() <= LONGEST_PLACE;
    HeaderValue::try_from(place).ok().filter(|_| is_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_an_address() {
        let place = |object, query: &str| {
            let place = content_location(object, query)?;
            place.to_str().ok().map(str::to_owned)
        };
        assert_eq!(place("tags", "").as_deref(), Some("/rest/v1/tags"));
        assert_eq!(
            place("Ümlaut x", "select=id&&order=b&id=eq.2&id=eq.1").as_deref(),
            Some("/rest/v1/%C3%9Cmlaut%20x?id=eq.2&id=eq.1&order=b&select=id")
        );
        assert_eq!(place("tags", &"x".repeat(3000)), None);
    }
}
