//! Conditions of a request on the state of its record: `If-Match` and `If-None-Match` (RFC 9110, section 13).
//!
//! The entity tag of a record is its version: `"7"`. A representation that does not follow from the version alone (CSV,
//! nulls stripped, another time zone, embedded records, computed columns, views) has a tag of its own beside it, made
//! of the answer's bytes: `"7-3f0c9a7d52e18b64"`. So all tags are strong ones (section 8.8.1). Whether a copy is still
//! good (`If-None-Match` of a read) is decided by the whole tag. Which *state* a request means is decided by the version
//! in it, whatever the form in which the client got to know it.

use aws_lc_rs::digest::{SHA256, digest};

use super::error::RecordError;

/// `If-Match`, as errors name it.
pub(super) const IF_MATCH: &str = "If-Match";

/// `If-None-Match`, as errors name it.
pub(super) const IF_NONE_MATCH: &str = "If-None-Match";

/// The most tags of a header. Nobody has so many copies of one record.
const MAX_TAGS: usize = 100;

/// What a request says about the state of its record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// `If-Match`: do it only if the record is in one of these states.
    pub if_match: Option<Tags>,
    /// `If-None-Match`: do it only if it is in none of them.
    pub if_none_match: Option<Tags>,
}

/// The value of such a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any state, as long as there is a record.
    Any,
    /// These; at least one.
    Listed(Vec<Tag>),
}

/// An entity tag (RFC 9110, section 8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    is_weak: bool,
    /// What stands between the quotes.
    opaque: String,
}

/// What becomes of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Answered,
    /// 304: the client has it already.
    NotModified,
    /// 412
    Failed,
}

impl Conditions {
    /// Nothing is said.
    pub const NONE: Self = Self {
        if_match: None,
        if_none_match: None,
    };

    /// Reads the two headers, each with several lines of it joined by a comma (RFC 9110, section 5.3).
    ///
    /// # Errors
    /// A value that is neither `*` nor a list of tags.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, RecordError> {
        let read = |header, value: Option<&str>| value.map(|value| Tags::parse(header, value)).transpose();
        Ok(Self {
            if_match: read(IF_MATCH, if_match)?,
            if_none_match: read(IF_NONE_MATCH, if_none_match)?,
        })
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Refuses all conditions: there is no record yet.
    ///
    /// # Errors
    /// If there is one.
    pub fn refuse(&self) -> Result<(), RecordError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(RecordError::MisplacedCondition)
        }
    }

    /// The versions that a verb's record may have, as an array of PostgreSQL's; nothing where any will do.
    pub(crate) fn versions(&self) -> Result<Option<String>, RecordError> {
        if self.if_none_match.is_some() {
            return Err(RecordError::BadHeader {
                header: IF_NONE_MATCH,
                details: "a verb takes If-Match, and not this".to_owned(),
            });
        }
        let Some(Tags::Listed(tags)) = &self.if_match else {
            return Ok(None);
        };
        let versions = tags.iter().filter_map(Tag::strong_version);
        let versions: Vec<String> = versions.map(|version| version.to_string()).collect();
        Ok(Some(format!("{{{}}}", versions.join(","))))
    }

    /// Decides on a read of a record with this version and tag, in the order of RFC 9110, section 13.2.2.
    pub(super) fn of_read(&self, version: &str, tag: &str) -> Verdict {
        let is_meant = match &self.if_match {
            Some(Tags::Listed(tags)) => tags.iter().any(|tag| tag.strong() == Some(version)),
            Some(Tags::Any) | None => true,
        };
        if !is_meant {
            return Verdict::Failed;
        }
        match &self.if_none_match {
            Some(Tags::Any) => Verdict::NotModified,
            // The weak comparison (section 8.8.3.2).
            Some(Tags::Listed(tags)) if tags.iter().any(|known| known.opaque == tag) => Verdict::NotModified,
            Some(Tags::Listed(_)) | None => Verdict::Answered,
        }
    }
}

impl Tags {
    fn parse(header: &'static str, value: &str) -> Result<Self, RecordError> {
        let expected = "expected * or entity tags such as \"7\", separated by commas";
        let malformed = |details: &str| RecordError::BadHeader {
            header,
            details: details.to_owned(),
        };
        if value.trim() == "*" {
            return Ok(Self::Any);
        }
        let (mut tags, mut rest) = (Vec::new(), value);
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (tag, after) = Tag::take(rest).ok_or_else(|| malformed(expected))?;
            tags.push(tag);
            rest = after.trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(malformed(expected));
            }
        }
        match tags.len() {
            0 => Err(malformed(expected)),
            1..=MAX_TAGS => Ok(Self::Listed(tags)),
            _ => Err(malformed("it may have at most 100 entity tags")),
        }
    }
}

impl Tag {
    /// The tag at the beginning of a text, and what follows it.
    fn take(text: &str) -> Option<(Self, &str)> {
        let (is_weak, quoted) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        let is_tag = opaque.bytes().all(|b| b == 0x21 || (0x23..=0x7e).contains(&b));
        let opaque = opaque.to_owned();
        is_tag.then_some((Self { is_weak, opaque }, after))
    }

    /// The version in it, which may be none that a record can have.
    fn version(&self) -> &str {
        self.opaque.split('-').next().unwrap_or_default()
    }

    /// The same, unless the tag is weak: for the strong comparison (RFC 9110, section 8.8.3.2).
    fn strong(&self) -> Option<&str> {
        Some(self.version()).filter(|_| !self.is_weak)
    }

    /// The version for the strong comparison as a number.
    pub(super) fn strong_version(&self) -> Option<i64> {
        number(self.strong()?)
    }

    /// The version for the weak comparison as a number.
    pub(super) fn weak_version(&self) -> Option<i64> {
        number(self.version())
    }
}

/// A number that is written as PostgreSQL writes it; another text is no record's version.
fn number(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// What stands between the quotes of a record's tag. `bytes` is the representation, where it does not follow from the
/// version.
pub(super) fn opaque(version: &str, bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return version.to_owned();
    };
    let hash = digest(&SHA256, bytes);
    let short = hash.as_ref().iter().take(8);
    short.fold(format!("{version}-"), |tag, byte| format!("{tag}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(value: &str) -> Option<Vec<(bool, String)>> {
        match Tags::parse(IF_MATCH, value).ok()? {
            Tags::Any => None,
            Tags::Listed(tags) => Some(tags.into_iter().map(|tag| (tag.is_weak, tag.opaque)).collect()),
        }
    }

    #[test]
    fn tags_are_read_as_rfc_9110_writes_them() {
        assert_eq!(Tags::parse(IF_MATCH, " * ").unwrap(), Tags::Any);
        assert_eq!(listed("\"7\""), Some(vec![(false, "7".to_owned())]));
        assert_eq!(
            listed(",\"a,b\" ,\tW/\"\",,\"x-1\" "),
            Some(vec![
                (false, "a,b".to_owned()),
                (true, String::new()),
                (false, "x-1".to_owned())
            ])
        );
        for bad in [
            "",
            " ",
            ",",
            "7",
            "\"7",
            "w/\"7\"",
            "W/7",
            "\"a b\"",
            "\"7\"\"8\"",
            "\"7\" x",
            "*,\"7\"",
            "\"ä\"",
        ] {
            let error = Tags::parse(IF_MATCH, bad).unwrap_err();
            assert_eq!((error.status(), error.code()), (400, "bad_header"), "{bad}");
        }
        let many = |count| vec!["\"1\""; count].join(",");
        assert!(Tags::parse(IF_MATCH, &many(100)).is_ok());
        assert!(Tags::parse(IF_MATCH, &many(101)).is_err());
    }

    #[test]
    fn a_tag_names_a_version_before_anything_else() {
        let versions = |value: &str| match Tags::parse(IF_MATCH, value).unwrap() {
            Tags::Any => unreachable!("it is a list"),
            Tags::Listed(tags) => (tags[0].strong_version(), tags[0].weak_version()),
        };
        assert_eq!(versions("\"7\""), (Some(7), Some(7)));
        assert_eq!(versions("\"7-0a1b\""), (Some(7), Some(7)));
        assert_eq!(versions("W/\"7\""), (None, Some(7)));
        for none in [
            "\"07\"",
            "\"+7\"",
            "\"\"",
            "\"x\"",
            "\"-7\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(versions(none), (None, None), "{none}");
        }
    }

    #[test]
    fn reads_follow_the_order_of_the_rfc() {
        let verdict = |if_match, if_none_match| {
            Conditions::parse(if_match, if_none_match)
                .unwrap()
                .of_read("7", "7-ab")
        };
        for (if_match, if_none_match, expected) in [
            (None, None, Verdict::Answered),
            (None, Some("\"7-ab\""), Verdict::NotModified),
            (None, Some("W/\"7-ab\""), Verdict::NotModified),
            (None, Some("\"6\", \"7-ab\""), Verdict::NotModified),
            // The record is the same, but not what is answered of it.
            (None, Some("\"7\""), Verdict::Answered),
            (None, Some("*"), Verdict::NotModified),
            (Some("*"), None, Verdict::Answered),
            (Some("\"7\""), None, Verdict::Answered),
            (Some("W/\"7\""), None, Verdict::Failed),
            (Some("\"8\""), Some("\"7-ab\""), Verdict::Failed),
            (Some("\"7-ab\""), Some("\"7-ab\""), Verdict::NotModified),
        ] {
            assert_eq!(
                verdict(if_match, if_none_match),
                expected,
                "{if_match:?} {if_none_match:?}"
            );
        }
    }

    #[test]
    fn representations_of_one_version_have_different_tags() {
        assert_eq!(opaque("7", None), "7");
        assert_eq!(opaque("7", Some(b"abc")), "7-ba7816bf8f01cfea");
    }
}
