//! `Range: 0-24` with rows as the unit, as PostgREST reads it.

use axum::http::{HeaderMap, HeaderName, Method, header};
use tenant_schema::records::{RecordError, RowRange};

use crate::headers::single_text;

const RANGE_UNIT: HeaderName = HeaderName::from_static("range-unit");

/// The most that PostgreSQL counts to (`bigint`).
const MOST: u64 = i64::MAX as u64;

/// The rows a request wants to see.
///
/// Ranges are of `GET` only (RFC 9110, section 14.2), and one that is not understood is as good as none: another
/// unit, several ranges, no number. A range that ends before it begins is an error.
pub(super) fn rows(method: &Method, headers: &HeaderMap) -> Result<Option<RowRange>, RecordError> {
    if *method != Method::GET || !counts_rows(headers) {
        return Ok(None);
    }
    let said = single_text(headers, &header::RANGE).ok().flatten();
    let range = said.and_then(parse);
    match range {
        Some(RowRange {
            first,
            last: Some(last),
        }) if last < first => Err(RecordError::InvalidRange {
            details: "The range ends before it begins".to_owned(),
        }),
        range => Ok(range),
    }
}

fn counts_rows(headers: &HeaderMap) -> bool {
    single_text(headers, &RANGE_UNIT)
        .is_ok_and(|unit| unit.is_none_or(|unit| unit.trim().eq_ignore_ascii_case("items")))
}

fn parse(text: &str) -> Option<RowRange> {
    let (first, last) = text.trim().split_once('-')?;
    let first = number(first)?;
    let last = match last {
        "" => None,
        last => Some(number(last)?),
    };
    Some(RowRange { first, last })
}

/// Digits; a number that is too great for PostgreSQL is as good as the greatest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(MOST).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &Method, said: &[(&'static str, &str)]) -> Result<Option<(u64, Option<u64>)>, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, value.parse().expect("a header value"));
        }
        rows(method, &headers)
            .map(|range| range.map(|range| (range.first, range.last)))
            .map_err(|error| error.status())
    }

    #[test]
    fn ranges_of_rows_are_read() {
        for (said, expected) in [
            ("0-24", Some((0, Some(24)))),
            ("5-5", Some((5, Some(5)))),
            ("10-", Some((10, None))),
            ("99999999999999999999999-", Some((MOST, None))),
            ("0-99999999999999999999999", Some((0, Some(MOST)))),
            ("bytes=0-24", None),
            ("0-24,30-40", None),
            ("-5", None),
            ("+1-2", None),
            ("a-b", None),
            ("1-b", None),
            ("1", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(read(&Method::GET, &[("range", said)]), Ok(expected), "{said:?}");
            assert_eq!(read(&Method::POST, &[("range", said)]), Ok(None), "{said:?}");
            assert_eq!(read(&Method::HEAD, &[("range", said)]), Ok(None), "{said:?}");
        }
        assert_eq!(read(&Method::GET, &[("range", "2-1")]), Err(416));
        assert_eq!(
            read(&Method::GET, &[("range", "0-1"), ("range", "2-3")]),
            Ok(None)
        );
    }

    #[test]
    fn only_rows_are_counted() {
        let read = |unit| read(&Method::GET, &[("range-unit", unit), ("range", "0-1")]);
        assert_eq!(read("items"), Ok(Some((0, Some(1)))));
        assert_eq!(read("Items"), Ok(Some((0, Some(1)))));
        assert_eq!(read("bytes"), Ok(None));
    }
}
