//! Points in time as clients say them.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// The years in which something can be asked for, and is safe to add to.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9990;

/// An instant by RFC 3339, as PostgreSQL reads it. The plus sign of an offset may have become a space, as it does in a
/// query string.
pub(crate) fn instant(text: &str) -> Option<String> {
    let text = match text.rfind(' ') {
        Some(at) if at > 10 => format!("{}+{}", &text[..at], &text[at + 1..]),
        _ => text.to_owned(),
    };
    let read = DateTime::parse_from_rfc3339(&text).ok()?.with_timezone(&Utc);
    let is_known = YEARS.contains(&chrono::Datelike::year(&read));
    is_known.then(|| of(read))
}

/// A day.
pub(crate) fn day(text: &str) -> Option<String> {
    date(text).map(|read| read.format("%Y-%m-%d").to_string())
}

/// A day, by ISO 8601 and in full.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let is_full = text.len() == 10;
    let read = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let is_known = YEARS.contains(&chrono::Datelike::year(&read));
    (is_full && is_known).then_some(read)
}

/// The same instant for PostgreSQL.
pub(crate) fn of(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_an_offset_and_a_day_has_none() {
        let nine = Some("2026-03-29T07:00:00.000000Z".to_owned());
        for text in [
            "2026-03-29T09:00:00+02:00",
            "2026-03-29T09:00:00 02:00",
            "2026-03-29T07:00:00Z",
            "2026-03-29 07:00:00Z",
        ] {
            assert_eq!(instant(text), nine, "{text}");
        }
        for text in [
            "",
            "now",
            "2026-03-29",
            "2026-03-29T09:00:00",
            "2026-02-30T09:00:00Z",
            "0001-01-01T00:00:00Z",
            "é 2026-03-29T",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(day("2026-03-29").as_deref(), Some("2026-03-29"));
        for text in ["", "2026-02-30", "today", "2026-03-29T09:00:00Z", "9999-01-01"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
