//! The template's word on what the API shows and who writes it: the line `@access …` that ends an SQL comment.
//!
//! | line | on a table or view | on a column | on a function that writes |
//! | --- | --- | --- | --- |
//! | none | every member writes | as PostgreSQL allows | every member calls it |
//! | `@access member:read` | admins write | nobody gives it a value | admins call it |
//! | `@access read` | nobody writes | nobody gives it a value | nobody calls it |
//! | `@access hidden` | not in the API | not in the API | not in the API |
//!
//! Three columns cannot be hidden, because records are removed and versioned by them: `deleted_at`, `deletion_id` and
//! `version` stay, and nobody gives them a value. A name of which one function is hidden is not called at all: PostgreSQL chooses among all.
//!
//! The one reading of it. The record engine refuses by it, and the grants of a tenant's role follow it.

use catalog::access::ObjectWrite;

use crate::personal;

const TAG: &str = "@access";

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// Who writes.
    pub(crate) write: ObjectWrite,
    /// The API does not know of it. The roles of the tenant keep their rights: functions and triggers run under them.
    pub(crate) is_hidden: bool,
}

impl Access {
    const fn shown(write: ObjectWrite) -> Self {
        Self {
            write,
            is_hidden: false,
        }
    }
}

/// Takes the tag off a comment on a table, view, column or function, and what is said about [people](personal). Without one,
/// every member writes.
///
/// Whatever is not as it should be (another word, words after it, a tag that is not the last line) closes it
/// altogether: a typing error must not open it.
pub(crate) fn take(comment: Option<&str>) -> (Option<String>, Access) {
    let Some(text) = comment.map(personal::without) else {
        return (None, Access::shown(ObjectWrite::Members));
    };
    let Some(start) = tag(&text) else {
        let bare = text.trim_end();
        return (
            (!bare.is_empty()).then(|| bare.to_owned()),
            Access::shown(ObjectWrite::Members),
        );
    };
    let access = match text[start + TAG.len()..].trim() {
        "member:read" => Access::shown(ObjectWrite::Admins),
        "read" => Access::shown(ObjectWrite::Nobody),
        "hidden" => Access {
            write: ObjectWrite::Members,
            is_hidden: true,
        },
        _ => Access {
            write: ObjectWrite::Nobody,
            is_hidden: true,
        },
    };
    let before = text[..start].trim_end();
    ((!before.is_empty()).then(|| before.to_owned()), access)
}

/// What is wrong with the tag of a comment, and on which of its lines, counted from zero.
pub(crate) fn mistake(text: &str) -> Option<(usize, String)> {
    let start = tag(text)?;
    let line = line(text)?;
    let said = text[start + TAG.len()..].trim();
    let known = ["member:read", "read", "hidden"];
    if known.contains(&said) {
        return None;
    }
    let (first, more) = said.split_once('\n').unwrap_or((said, ""));
    let reason = if known.contains(&first.trim()) && !more.trim().is_empty() {
        "the line @access is not the last one of its comment".to_owned()
    } else {
        format!("@access {} is nothing that is known", first.trim())
    };
    Some((line, reason))
}

/// On which line of a comment its tag is, counted from zero.
pub(crate) fn line(text: &str) -> Option<usize> {
    Some(text[..tag(text)?].matches('\n').count())
}

/// Where the first line that begins with the tag has it.
fn tag(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start();
        if bare.starts_with(TAG) {
            return Some(start + line.len() - bare.len());
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, ObjectWrite) {
        let (comment, access) = take(Some(text));
        assert!(!access.is_hidden, "{text:?}");
        (comment, access.write)
    }

    #[test]
    fn a_tag_is_taken_off_the_comment() {
        let people = Some("People.\nAll.".to_owned());
        assert_eq!(
            read("People.\nAll.\n@access member:read\n"),
            (people.clone(), ObjectWrite::Admins)
        );
        assert_eq!(
            read("People.\nAll.\n\n  @access read "),
            (people.clone(), ObjectWrite::Nobody)
        );
        assert_eq!(read("@access read"), (None, ObjectWrite::Nobody));
        assert_eq!(read("People.\nAll.\n"), (people, ObjectWrite::Members));
        let mentioned = "See @access read";
        assert_eq!(
            read(mentioned),
            (Some(mentioned.to_owned()), ObjectWrite::Members)
        );
        assert_eq!(take(None), (None, Access::shown(ObjectWrite::Members)));
        assert_eq!(
            read("People.\n@personal name\n@access read"),
            (Some("People.".to_owned()), ObjectWrite::Nobody)
        );
    }

    #[test]
    fn what_is_hidden_is_still_there_for_functions() {
        let (comment, access) = take(Some("Pay.\n@access hidden"));
        assert_eq!(comment.as_deref(), Some("Pay."));
        assert!(access.is_hidden);
        assert_eq!(access.write, ObjectWrite::Members);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, expected) in [
            ("People.\n@access read", None),
            ("People.", None),
            ("@access hidden", None),
            (
                "People.\nAll.\n@access raed",
                Some((2, "@access raed is nothing that is known")),
            ),
            (
                "@access read\nAll.",
                Some((0, "the line @access is not the last one of its comment")),
            ),
        ] {
            let found = mistake(text);
            let found = found.as_ref().map(|(line, reason)| (*line, reason.as_str()));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_understood_closes_it() {
        for odd in [
            "@access",
            "@access member:raed",
            "@access hiden",
            "@access Read",
            "@access: member:read",
            "@accessmember",
            "@access member:read, please",
            "@access member:read\nMore words.",
            "@access member:read\n@access read",
            "\t@access\tall",
        ] {
            let (_, access) = take(Some(odd));
            assert_eq!(
                (access.write, access.is_hidden),
                (ObjectWrite::Nobody, true),
                "{odd:?}"
            );
        }
    }
}
