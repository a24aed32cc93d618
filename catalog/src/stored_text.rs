//! Closed sets of words that are stored as text: one list makes the enum, its spelling and its reading.

/// Declares such a set: variant and stored word. The words are also its `Display`, `FromStr` and serde forms.
macro_rules! stored_text {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::stored_text::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|value| value.as_str() == word);
                known.ok_or($crate::stored_text::UnknownWord(&[$($word),+]))
            }
        }
    };
}

pub(crate) use stored_text;

/// A word that is not in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the word is not one of: {}", .0.join(", "))]
pub struct UnknownWord(pub(crate) &'static [&'static str]);

#[cfg(test)]
mod tests {
    use crate::memberships::MemberRole;

    #[test]
    fn every_value_reads_back_from_its_word() {
        for role in MemberRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
            assert_eq!(serde_json::to_value(role).expect("a word is JSON"), role.as_str());
        }
    }

    #[test]
    fn another_word_is_refused_with_the_list_of_the_right_ones() {
        let error = "Admin".parse::<MemberRole>().expect_err("letter case counts");
        assert_eq!(error.to_string(), "the word is not one of: admin, member");
    }
}
