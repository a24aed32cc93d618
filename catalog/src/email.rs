//! E-mail addresses as account names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address of at most 254 characters (RFC 5321, section 4.5.3.1), trimmed and in lower case, so that one person
/// cannot hold two accounts that differ in letter case only.
///
/// The form is checked loosely on purpose (one `@`, something before it, a dot after it, no spaces or control
/// characters): whether an address exists is only known once a message to it was answered.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(Box<str>);

/// A text that is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address: name@example.com is the form, at most 254 characters")]
pub struct EmailAddressError;

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, EmailAddressError> {
        let text = text.trim().to_lowercase();
        let (name, host) = text.split_once('@').ok_or(EmailAddressError)?;
        let ok = text.len() <= 254
            && !name.is_empty()
            && name.len() <= 64
            && !host.contains('@')
            && host.split('.').count() >= 2
            && host.split('.').all(|label| !label.is_empty())
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
        if ok {
            Ok(Self(text.into()))
        } else {
            Err(EmailAddressError)
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailAddressError;

    fn try_from(text: String) -> Result<Self, EmailAddressError> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0.into()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_lowered() {
        assert_eq!(
            " Ann@Example.COM "
                .parse::<EmailAddress>()
                .expect("an address")
                .as_str(),
            "ann@example.com"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@host",
            "a@b@c.d",
            "a b@c.d",
            "a@b..c",
            "a\u{0}@b.c",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?} must be refused");
        }
    }
}
