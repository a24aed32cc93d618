//! Scopes: what an API key may do, written `object:action`.

use std::fmt;
use std::str::FromStr;

use crate::access::Action;

/// The most scopes one key carries: bounds the row and the check.
const MOST: usize = 64;

/// The longest name of an object, in characters (PostgreSQL's identifiers, documentation section 4.1.1).
const LONGEST_NAME: usize = 63;

/// Some actions of [`Action`], as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Actions(u8);

impl Actions {
    const READ: Self = Self(1);
    const INSERT: Self = Self(2);
    const UPDATE: Self = Self(4);
    const DELETE: Self = Self(8);
    const PURGE: Self = Self(16);
    const WRITE: Self = Self(Self::INSERT.0 | Self::UPDATE.0 | Self::DELETE.0);
    /// All but to purge, which no one gets without naming it: what a key did to records by mistake can be undone.
    const STAR: Self = Self(Self::READ.0 | Self::WRITE.0);

    /// Every word a scope may say after the colon.
    const WORDS: [(&'static str, Self); 7] = [
        ("read", Self::READ),
        ("insert", Self::INSERT),
        ("update", Self::UPDATE),
        ("delete", Self::DELETE),
        ("purge", Self::PURGE),
        ("write", Self::WRITE),
        ("*", Self::STAR),
    ];

    const fn one(action: Action) -> Self {
        match action {
            Action::Read => Self::READ,
            Action::Insert => Self::INSERT,
            Action::Update => Self::UPDATE,
            Action::Delete => Self::DELETE,
            Action::Purge => Self::PURGE,
        }
    }

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One scope: an object's name or `*` for all of them, a colon, and `read`, `insert`, `update`, `delete`, `purge`,
/// `write` (insert, update and delete) or `*` (those and read, but not purge).
#[derive(Clone, PartialEq, Eq)]
pub struct Scope {
    /// `None` is every object.
    object: Option<Box<str>>,
    actions: Actions,
}

/// Why texts are not scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// One text is not `object:action`.
    #[error(
        "{0:?} is not a scope: object:action is the form, with an object's name or *, and read, insert, update, \
         delete, purge, write or *"
    )]
    Form(String),
    /// There is none, or more than 64.
    #[error("a key has 1 to {MOST} scopes, not {0}")]
    Count(usize),
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let form = || ScopeError::Form(text.chars().take(80).collect());
        let (object, word) = text.split_once(':').ok_or_else(form)?;
        let (_, actions) = Actions::WORDS
            .into_iter()
            .find(|(known, _)| *known == word)
            .ok_or_else(form)?;
        let object = match object {
            "*" => None,
            name if is_name(name) => Some(name.into()),
            _ => return Err(form()),
        };
        Ok(Self { object, actions })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = self.object.as_deref().unwrap_or("*");
        let word = Actions::WORDS
            .iter()
            .find(|(_, actions)| *actions == self.actions);
        write!(f, "{object}:{}", word.map_or("", |(word, _)| word))
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

/// The scopes of one key: what none of them allows is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Box<[Scope]>);

impl Scopes {
    /// Reads a key's scopes.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, ScopeError> {
        if texts.is_empty() || texts.len() > MOST {
            return Err(ScopeError::Count(texts.len()));
        }
        texts
            .iter()
            .map(|text| text.as_ref().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether one of the scopes allows `action` on `object`.
    pub fn allow(&self, object: &str, action: Action) -> bool {
        self.0.iter().any(|scope| {
            scope.object.as_deref().is_none_or(|name| name == object)
                && scope.actions.contains(Actions::one(action))
        })
    }

    /// The scopes as texts, in their order.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(Scope::to_string).collect()
    }
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=LONGEST_NAME).contains(&bytes.len())
        && !bytes[0].is_ascii_digit()
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Scopes {
        Scopes::parse(texts).expect("scopes")
    }

    #[test]
    fn a_scope_allows_what_it_says_and_nothing_else() {
        let cases = [
            ("contacts:read", [true, false, false, false, false]),
            ("contacts:insert", [false, true, false, false, false]),
            ("contacts:update", [false, false, true, false, false]),
            ("contacts:delete", [false, false, false, true, false]),
            ("contacts:purge", [false, false, false, false, true]),
            ("contacts:write", [false, true, true, true, false]),
            ("contacts:*", [true, true, true, true, false]),
        ];
        for (text, expected) in cases {
            let scopes = scopes(&[text]);
            assert_eq!(
                Action::ALL.map(|action| scopes.allow("contacts", action)),
                expected,
                "{text}"
            );
            assert_eq!(
                Action::ALL.map(|action| scopes.allow("contact", action)),
                [false; 5],
                "{text}"
            );
        }
    }

    #[test]
    fn a_star_is_every_object_and_scopes_add_up() {
        let scopes = scopes(&["*:read", "deals:write"]);
        assert!(scopes.allow("anything", Action::Read));
        assert!(scopes.allow("deals", Action::Delete));
        assert!(!scopes.allow("contacts", Action::Delete));
        assert_eq!(scopes.texts(), ["*:read", "deals:write"]);
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("{}:read", "a".repeat(64));
        for text in [
            "",
            ":",
            "contacts",
            "contacts:",
            ":read",
            "contacts:READ",
            "Contacts:read",
            "1a:read",
            "a b:read",
        ]
        .into_iter()
        .chain([
            "contacts:read:x",
            "contacts :read",
            "a.b:read",
            "**:read",
            "contacts:read ",
            long.as_str(),
        ]) {
            assert!(Scopes::parse(&[text]).is_err(), "{text:?} must be refused");
        }
        assert_eq!(Scopes::parse::<&str>(&[]), Err(ScopeError::Count(0)));
        assert_eq!(Scopes::parse(&vec!["*:read"; 65]), Err(ScopeError::Count(65)));
    }
}
