//! `limit` and `offset`, in rows.

use crate::records::error::RecordError;

/// Parses `limit`. A number too great to count to is as good as no limit.
pub(super) fn limit(value: &str) -> Result<u64, RecordError> {
    number("limit", "Limit", value).map(|digits| digits.parse().unwrap_or(u64::MAX))
}

/// Parses `offset`, which PostgreSQL takes as a `bigint`.
pub(super) fn offset(value: &str) -> Result<u64, RecordError> {
    let digits = number("offset", "Offset", value)?;
    let rows: Option<i64> = digits.parse().ok();
    rows.and_then(|rows| u64::try_from(rows).ok())
        .ok_or_else(|| RecordError::InvalidRange {
            details: format!("Offset should be at most {}", i64::MAX),
        })
}

fn number<'a>(parameter: &str, label: &str, value: &'a str) -> Result<&'a str, RecordError> {
    let (negative, digits) = value
        .strip_prefix('-')
        .map_or((false, value), |digits| (true, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RecordError::syntax(
            parameter,
            value,
            "expected a whole number of rows",
        ));
    }
    if negative {
        let details = format!("{label} should be greater than or equal to zero.");
        return Err(RecordError::InvalidRange { details });
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        assert_eq!(limit("25").unwrap(), 25);
        assert_eq!(limit("99999999999999999999999").unwrap(), u64::MAX);
        assert_eq!(offset("9223372036854775807").unwrap(), 9_223_372_036_854_775_807);
    }

    #[test]
    fn refuses_what_no_page_has() {
        assert_eq!(limit("-1").unwrap_err().code(), "PGRST103");
        assert_eq!(offset("9223372036854775808").unwrap_err().status(), 416);
        for broken in ["", "-", "1.5", "1e3", "ten", " 1", "+1", "٣"] {
            assert_eq!(limit(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }
}
