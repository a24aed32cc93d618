//! The template's word on who writes a table: the line `@access …` that ends its SQL comment.
//!
//! The one reading of it. The record engine refuses by it, and the grants of a tenant's role follow it.

use catalog::access::ObjectWrite;

const TAG: &str = "@access";

/// Takes the tag off a comment. Without one, every member writes.
///
/// Whatever is not as it should be (another word, words after it, a tag that is not the last line) closes the table
/// to writes: a typing error must not open it.
pub(crate) fn take(comment: Option<String>) -> (Option<String>, ObjectWrite) {
    let Some(text) = comment else {
        return (None, ObjectWrite::Members);
    };
    let Some(start) = tag(&text) else {
        return (Some(text.trim_end().to_owned()), ObjectWrite::Members);
    };
    let write = match text[start + TAG.len()..].trim() {
        "member:read" => ObjectWrite::Admins,
        _ => ObjectWrite::Nobody,
    };
    let before = text[..start].trim_end();
    ((!before.is_empty()).then(|| before.to_owned()), write)
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
        take(Some(text.to_owned()))
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
        assert_eq!(take(None), (None, ObjectWrite::Members));
    }

    #[test]
    fn what_is_not_understood_closes_the_table() {
        for odd in [
            "@access",
            "@access member:raed",
            "@access Read",
            "@access: member:read",
            "@accessmember",
            "@access member:read, please",
            "@access member:read\nMore words.",
            "@access member:read\n@access read",
            "\t@access\tall",
        ] {
            assert_eq!(read(odd).1, ObjectWrite::Nobody, "{odd:?}");
        }
    }
}
