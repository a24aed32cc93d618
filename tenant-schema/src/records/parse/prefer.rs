//! The `Prefer` header (RFC 7240), as far as PostgREST's vocabulary is understood.

/// What a write answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Nothing but a status.
    Minimal,
    /// Nothing but headers, with `Location` for a new record.
    HeadersOnly,
    /// The records as they are now.
    Representation,
}

impl Return {
    /// Its name in `Prefer` and `Preference-Applied`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::HeadersOnly => "headers-only",
            Self::Representation => "representation",
        }
    }
}

/// The preferences of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preferences {
    /// `return=…`, if it was said.
    pub returning: Option<Return>,
}

impl Preferences {
    /// Reads the header's value; several headers are joined by a comma first.
    ///
    /// What is not understood is ignored, and of two equal names the first counts (RFC 7240, section 2).
    pub fn parse(header: &str) -> Self {
        let mut preferences = Self::default();
        for preference in header.split(',') {
            let stated = preference.split(';').next().unwrap_or_default();
            let (name, value) = stated.split_once('=').unwrap_or((stated, ""));
            if name.trim().eq_ignore_ascii_case("return") && preferences.returning.is_none() {
                preferences.returning = match value.trim().trim_matches('"') {
                    "minimal" => Some(Return::Minimal),
                    "headers-only" => Some(Return::HeadersOnly),
                    "representation" => Some(Return::Representation),
                    _ => None,
                };
            }
        }
        preferences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_return() {
        let returning = |header: &str| Preferences::parse(header).returning;
        assert_eq!(returning("return=representation"), Some(Return::Representation));
        assert_eq!(
            returning("count=exact, Return = \"minimal\";x=1"),
            Some(Return::Minimal)
        );
        assert_eq!(
            returning("return=headers-only,return=minimal"),
            Some(Return::HeadersOnly)
        );
        assert_eq!(returning("return=everything"), None);
        assert_eq!(returning(""), None);
    }
}
