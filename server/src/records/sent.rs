//! What a request for records sends: a body, and the form that `Content-Type` says it has.

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use tenant_schema::records::{Format, Payload};

use crate::body::RawBody;
use crate::error::ApiError;
use crate::headers::single_text;
use crate::state::AppState;

/// What a body is for.
pub(crate) trait Purpose: Send {
    /// The forms it may have.
    const FORMATS: &'static [Format];
    /// The same in the words of an error.
    const WORDS: &'static str;
}

/// Records to be written.
pub(crate) struct Records;

impl Purpose for Records {
    const FORMATS: &'static [Format] = &[Format::Json, Format::Ndjson, Format::Csv, Format::Form];
    const WORDS: &'static str =
        "application/json, application/x-ndjson, text/csv or application/x-www-form-urlencoded, in UTF-8";
}

/// The arguments of a function.
pub(crate) struct Arguments;

impl Purpose for Arguments {
    const FORMATS: &'static [Format] = &[
        Format::Json,
        Format::Form,
        Format::Text,
        Format::Xml,
        Format::Bytes,
    ];
    const WORDS: &'static str = "application/json, application/x-www-form-urlencoded, text/plain, text/xml, in UTF-8, or \
                                 application/octet-stream";
}

/// A body in a form that it may have. It is not read here: PostgreSQL's own parsers have the last word on it.
pub(crate) struct Sent<P> {
    format: Format,
    body: RawBody,
    purpose: PhantomData<P>,
}

impl<P> Sent<P> {
    pub(crate) fn payload(&self) -> Payload<'_> {
        Payload {
            bytes: &self.body.0,
            format: self.format,
        }
    }
}

impl<P: Purpose> FromRequest<AppState> for Sent<P> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let format = format(request.headers()).filter(|format| P::FORMATS.contains(format));
        let format = format.ok_or_else(|| ApiError::unsupported_media_type(P::WORDS))?;
        Ok(Self {
            format,
            body: RawBody::from_request(request, state).await?,
            purpose: PhantomData,
        })
    }
}

/// JSON where nothing is said, as in PostgREST; nothing for a media type that is not known, or not in UTF-8.
fn format(headers: &HeaderMap) -> Option<Format> {
    let Some(said) = single_text(headers, &header::CONTENT_TYPE).ok()? else {
        return Some(Format::Json);
    };
    let mut parts = said.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let format = match essence.as_str() {
        "application/json" | "application/vnd.pgrst.object+json" | "application/vnd.pgrst.array+json" => {
            Format::Json
        }
        "application/x-ndjson" | "application/ndjson" => Format::Ndjson,
        "text/csv" => Format::Csv,
        "application/x-www-form-urlencoded" => Format::Form,
        "text/plain" => Format::Text,
        "text/xml" | "application/xml" => Format::Xml,
        "application/octet-stream" => Format::Bytes,
        _ => return None,
    };
    let other_charset = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        let is_known = ["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known));
        name.trim().eq_ignore_ascii_case("charset") && !is_known
    };
    (format == Format::Bytes || !parts.any(other_charset)).then_some(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &[&str]) -> Option<Format> {
        let mut headers = HeaderMap::new();
        for value in content_type {
            headers.append(header::CONTENT_TYPE, value.parse().expect("a header value"));
        }
        format(&headers)
    }

    #[test]
    fn media_types_say_how_a_body_is_read() {
        for (content_type, expected) in [
            (&[][..], Some(Format::Json)),
            (&["application/json"], Some(Format::Json)),
            (&["Application/JSON ; charset=\"UTF-8\""], Some(Format::Json)),
            (&["application/json;charset=iso-8859-1"], None),
            (&["application/json;charset"], None),
            (&["application/vnd.pgrst.object+json"], Some(Format::Json)),
            (&["application/x-ndjson"], Some(Format::Ndjson)),
            (&["text/csv; header=present"], Some(Format::Csv)),
            (&["application/x-www-form-urlencoded"], Some(Format::Form)),
            (&["text/plain;charset=utf-8"], Some(Format::Text)),
            (&["text/xml"], Some(Format::Xml)),
            (&["application/octet-stream; charset=binary"], Some(Format::Bytes)),
            (&["application/jsonp"], None),
            (&["multipart/form-data; boundary=x"], None),
            (&["application/*"], None),
            (&[""], None),
            (&["application/json", "application/json"], None),
        ] {
            assert_eq!(read(content_type), expected, "{content_type:?}");
        }
    }
}
