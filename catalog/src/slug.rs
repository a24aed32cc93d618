//! Slugs: the mutable DNS label a human types for an organization.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A DNS label of 3 to 63 characters: `a-z`, `0-9` and inner hyphens, first a letter (RFC 1035, section 2.3.1),
/// never with `--` in the third and fourth place (reserved for encoded labels, RFC 5891, section 4.2.3.1).
///
/// Labels that are well-formed but kept for the platform (`www`, `api`, …) are rows of `catalog.reserved_slugs`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Box<str>);

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "slug {text:?} is not usable: a slug has 3 to 63 characters, a-z, 0-9 and inner hyphens, and begins with a letter"
)]
pub struct SlugError {
    text: String,
}

impl Slug {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let bytes = text.as_bytes();
        let ok = (3..=63).contains(&bytes.len())
            && bytes[0].is_ascii_lowercase()
            && bytes[bytes.len() - 1] != b'-'
            && bytes
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
            && bytes.get(2..4) != Some(b"--");
        if ok {
            Ok(Self(text.into()))
        } else {
            Err(SlugError {
                text: text.chars().take(80).collect(),
            })
        }
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0.into()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slug({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_of_three_to_sixty_three_characters_are_slugs() {
        let longest = "a".repeat(63);
        for text in ["abc", "a-1", "acme", "x9z", longest.as_str()] {
            assert_eq!(text.parse::<Slug>().expect(text).as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let too_long = "a".repeat(64);
        for text in [
            "",
            "ab",
            "-ab",
            "ab-",
            "1ab",
            "Abc",
            "a_b",
            "a.b",
            "ab c",
            "xn--abc",
            "abé",
            too_long.as_str(),
        ] {
            assert!(text.parse::<Slug>().is_err(), "{text:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn what_parses_prints_the_same(text in "\\PC{0,70}") {
            if let Ok(slug) = text.parse::<Slug>() {
                prop_assert_eq!(slug.to_string(), text);
            }
        }
    }
}
