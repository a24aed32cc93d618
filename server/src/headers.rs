//! Headers that may stand once in a request.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Why a header has no single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSingle {
    /// It stands more than once.
    Repeated,
    /// Its value has characters other than visible ASCII, space and tab.
    NotText,
}

/// The one value of a header, `None` when it is absent.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, NotSingle> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(NotSingle::Repeated),
    }
}

/// The same as text.
pub(crate) fn single_text<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, NotSingle> {
    let value = single(headers, name)?;
    value
        .map(|value| value.to_str().map_err(|_| NotSingle::NotText))
        .transpose()
}

#[cfg(test)]
mod tests {
    use axum::http::header::HOST;

    use super::*;

    #[test]
    fn one_value_is_read_and_everything_else_told_apart() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[&b"a"[..]], Ok(Some("a"))),
            (&[b"\xff"], Err(NotSingle::NotText)),
            (&[b"a", b"a"], Err(NotSingle::Repeated)),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HOST, HeaderValue::from_bytes(value).expect("a header value"));
            }
            assert_eq!(single_text(&headers, &HOST), expected, "{values:?}");
        }
    }
}
