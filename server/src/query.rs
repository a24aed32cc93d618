//! The few query parameters that are read here; the record engine reads its own.

use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// The value of a parameter that may stand once (`application/x-www-form-urlencoded`, URL Standard, section 5.1).
pub(crate) fn single_value(query: &str, name: &str) -> Result<Option<String>, ApiError> {
    let mut found = None;
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(key).as_deref() == Some(name) {
            let refused =
                |what| ApiError::bad_request("validation_failed", format!("The parameter {name} {what}"));
            let value = decode(value).ok_or_else(|| refused("is not UTF-8"))?;
            if found.replace(value).is_some() {
                return Err(refused("may stand once"));
            }
        }
    }
    Ok(found)
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_found_and_two_are_refused() {
        let value = |query| single_value(query, "scope").map_err(|error| error.status().as_u16());
        assert_eq!(value(""), Ok(None));
        assert_eq!(value("a=b&scope=local"), Ok(Some("local".to_owned())));
        assert_eq!(value("sc%6fpe=a+b%21"), Ok(Some("a b!".to_owned())));
        assert_eq!(value("scope"), Ok(Some(String::new())));
        assert_eq!(value("scope=a&scope=a"), Err(400));
        assert_eq!(value("scope=%ff"), Err(400));
    }
}
