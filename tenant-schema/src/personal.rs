//! The template's word on which columns are about people: a line `@personal …` in the column's comment, above the line
//! `@access …` if there is one.
//!
//! | line | the column holds | in an anonymised copy |
//! | --- | --- | --- |
//! | `@personal name` | what somebody is called | a word or two that mean nothing |
//! | `@personal email` | an e-mail address | one under `example.invalid`, where no mail arrives |
//! | `@personal phone` | a telephone number | one behind +999, which no country has |
//! | `@personal text` | words of people, or about them | filler of the same length |
//! | `@personal address` | a postal address | a street that is nowhere |
//! | `@personal date` | a day in somebody's life | the days of a row, all earlier by the same one to nine years |
//! | `@personal url` | the address of a page | one under `.invalid` |
//! | `@personal json` | a document about people | one of the same form, with other texts and numbers |
//! | `@personal account` | who somebody is to the platform: an id, `user:<id>` | another id, the same one wherever it stands |
//! | `@personal keep` | something about people | as it is |
//!
//! `linked` behind one of them (`@personal email linked`): what is equal stays equal, in the table and between tables.
//! `@personal none` in the comment of a table says that nothing in it is about people.
//!
//! The one reading of it: copies are anonymised by it, and so can what is known about a person be found, given and erased.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What somebody is called.
    Name,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// Words of people, or about them.
    Text,
    /// A postal address.
    Address,
    /// A day in somebody's life.
    Date,
    /// The address of a page.
    Url,
    /// A document about people.
    Json,
    /// Who somebody is to the platform: an id, or a text such as `user:<id>`.
    Account,
    /// Something about people that a copy may have.
    Keep,
}

/// What the template says about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// What it holds.
    pub kind: Kind,
    /// Equal values stay equal, in whichever column that is linked too and of the same kind.
    pub is_linked: bool,
}

/// What a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The column is about people.
    Marked(Mark),
    /// Nothing of the table is.
    Nothing,
    /// What it says is not known.
    Unknown(String),
}

const TAG: &str = "@personal";

const KINDS: [(&str, Kind); 10] = [
    ("name", Kind::Name),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("text", Kind::Text),
    ("address", Kind::Address),
    ("date", Kind::Date),
    ("url", Kind::Url),
    ("json", Kind::Json),
    ("account", Kind::Account),
    ("keep", Kind::Keep),
];

/// What to write, for messages.
pub(crate) const ADVICE: &str = "write `@personal` and one of name, email, phone, text, address, date, url, json, account, keep in a \
    column's comment, `linked` behind it or not, and `@personal none` in the comment of a table without any";

/// What a comment says about people, if anything.
pub(crate) fn said(comment: Option<&str>) -> Option<Said> {
    let mut lines = comment?.lines().filter_map(after_tag);
    let text = lines.next()?;
    if lines.next().is_some() {
        return Some(Said::Unknown("two lines".to_owned()));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let kind = |word: &str| KINDS.iter().find(|(known, _)| *known == word);
    Some(match words.as_slice() {
        ["none"] => Said::Nothing,
        [word, more @ ..] if more.is_empty() || *more == ["linked"] => match kind(word) {
            // An account is the same one wherever it stands.
            Some((_, kind)) => Said::Marked(Mark {
                kind: *kind,
                is_linked: !more.is_empty() || *kind == Kind::Account,
            }),
            None => Said::Unknown(text.trim().to_owned()),
        },
        _ => Said::Unknown(text.trim().to_owned()),
    })
}

/// The mark of a column, if its comment has one that is understood.
pub(crate) fn mark(comment: Option<&str>) -> Option<Mark> {
    match said(comment)? {
        Said::Marked(mark) => Some(mark),
        Said::Nothing | Said::Unknown(_) => None,
    }
}

/// The comment without these lines.
pub(crate) fn without(comment: &str) -> String {
    if comment.lines().all(|line| after_tag(line).is_none()) {
        return comment.to_owned();
    }
    let others = comment.split_inclusive('\n');
    others.filter(|line| after_tag(line).is_none()).collect()
}

/// On which line of a comment its first tag is, counted from zero.
pub(crate) fn line(comment: &str) -> Option<usize> {
    comment.lines().position(|line| after_tag(line).is_some())
}

/// What stands behind the tag; nothing where the line does not begin with it.
fn after_tag(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(TAG)
}

/// Words of a column's name that are mostly about people.
const TELLING: [&str; 26] = [
    "email",
    "mail",
    "phone",
    "telephone",
    "mobile",
    "fax",
    "surname",
    "firstname",
    "lastname",
    "fullname",
    "nickname",
    "nicknames",
    "birth",
    "birthday",
    "birthdate",
    "birthplace",
    "dob",
    "street",
    "address",
    "addresses",
    "postcode",
    "zip",
    "passport",
    "ssn",
    "iban",
    "gender",
];

/// The same, of two words.
const TELLING_PAIRS: [&str; 9] = [
    "first_name",
    "last_name",
    "full_name",
    "middle_name",
    "given_name",
    "family_name",
    "display_name",
    "maiden_name",
    "postal_code",
];

/// Whether a column of this name is likely about people. A hint: `contact` says nothing, and `delivery_address` may be a ship's.
pub(crate) fn looks_personal(column: &str) -> bool {
    let name = column.to_lowercase().replace([' ', '-'], "_");
    let words: Vec<&str> = name.split('_').collect();
    words.iter().any(|word| TELLING.contains(word))
        || words
            .windows(2)
            .any(|pair| TELLING_PAIRS.contains(&pair.join("_").as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(kind: Kind, is_linked: bool) -> Said {
        Said::Marked(Mark { kind, is_linked })
    }

    #[test]
    fn a_line_is_read_wherever_it_stands_and_taken_off() {
        for (comment, expected, rest) in [
            (
                "The address.\n@personal email",
                Some(marked(Kind::Email, false)),
                "The address.\n",
            ),
            ("@personal name", Some(marked(Kind::Name, false)), ""),
            (
                "Who.\n  @personal email linked \n@access read",
                Some(marked(Kind::Email, true)),
                "Who.\n@access read",
            ),
            (
                "Who.\n@personal account",
                Some(marked(Kind::Account, true)),
                "Who.\n",
            ),
            ("Things.\n@personal none", Some(Said::Nothing), "Things.\n"),
            ("See @personal email", None, "See @personal email"),
            ("Things.", None, "Things."),
        ] {
            assert_eq!(said(Some(comment)), expected, "{comment:?}");
            assert_eq!(without(comment), rest, "{comment:?}");
        }
        assert_eq!(said(None), None);
    }

    #[test]
    fn what_is_not_understood_is_told_and_not_taken_for_nothing() {
        for odd in [
            "@personal",
            "@personal emial",
            "@personal Email",
            "@personalemail2",
            "@personal: email",
            "@personal email likned",
            "@personal email linked twice",
            "@personal email\n@personal name",
        ] {
            assert!(matches!(said(Some(odd)), Some(Said::Unknown(_))), "{odd:?}");
            assert_eq!(mark(Some(odd)), None);
        }
    }

    #[test]
    fn names_of_columns_tell() {
        for telling in [
            "email",
            "work_email",
            "first_name",
            "Date of birth",
            "postal_code",
            "Phone",
        ] {
            assert!(looks_personal(telling), "{telling}");
        }
        for not in [
            "name",
            "emailed",
            "company_name",
            "title",
            "addressed_at",
            "zipped",
        ] {
            assert!(!looks_personal(not), "{not}");
        }
    }
}
