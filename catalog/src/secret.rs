//! Machine-made secrets: 256 random bits, shown once as text, stored as a SHA-256 digest.
//!
//! The text is a purpose prefix, 43 characters of base64url (RFC 4648, section 5, without padding) and a checksum of
//! six more. The prefix lets scanners find leaked secrets and keeps a refresh token from passing as an API key; the
//! checksum lets a mistyped or made-up text be refused before anything is looked up. A plain digest is enough to
//! store, since nobody can guess 256 random bits: slow hashing is for what people choose.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::types::{IsNull, ToSql, Type};

use crate::clock::Source;

/// Characters of a secret that listings show, to tell keys apart: too few to help a guesser.
const SHOWN: usize = 8;

/// Characters of base64url for 32 bytes.
const BODY: usize = 43;

/// Characters of checksum: 36 bits of the SHA-256 of everything before it.
const CHECKSUM: usize = 6;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A refresh token: `tr_…`.
    Refresh,
    /// An API key: `tk_…`.
    ApiKey,
}

impl Purpose {
    /// The first characters of such a secret.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "tr_",
            Self::ApiKey => "tk_",
        }
    }
}

/// A secret in clear. Wiped from memory when dropped, absent from Debug.
#[derive(Clone)]
pub struct PlainSecret(SecretString);

/// A text that cannot be a secret of that purpose: wrong prefix, length, alphabet or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this text is not a secret of the expected form")]
pub struct NotASecret;

impl PlainSecret {
    /// A new secret.
    pub fn generate(purpose: Purpose, source: &Source) -> Self {
        let mut text = String::with_capacity(purpose.prefix().len() + BODY + CHECKSUM);
        text.push_str(purpose.prefix());
        URL_SAFE_NO_PAD.encode_string(source.bytes::<32>(), &mut text);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text.into())
    }

    /// Reads a secret somebody presents.
    pub fn parse(purpose: Purpose, text: &str) -> Result<Self, NotASecret> {
        let body = text.strip_prefix(purpose.prefix()).ok_or(NotASecret)?;
        if body.len() != BODY + CHECKSUM || !body.is_ascii() {
            return Err(NotASecret);
        }
        let (before, sum) = text.split_at(text.len() - CHECKSUM);
        let decodes = URL_SAFE_NO_PAD.decode(&body[..BODY]).is_ok();
        if decodes && checksum(before) == sum {
            Ok(Self(text.into()))
        } else {
            Err(NotASecret)
        }
    }

    /// The text, to be handed to its owner.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored and looked up.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(sha256(&[self.reveal().as_bytes()]))
    }

    /// The first eight characters, for listings.
    pub fn prefix(&self) -> &str {
        &self.reveal()[..SHOWN]
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

/// The SHA-256 of a secret's whole text, prefix included. It need not be compared in constant time: who does not know
/// the secret cannot choose its digest byte by byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

impl ToSql for SecretDigest {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.as_slice().to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <&[u8] as ToSql>::accepts(ty)
    }

    tokio_postgres::types::to_sql_checked!();
}

/// The SHA-256 of several parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn checksum(text: &str) -> String {
    let mut sum = URL_SAFE_NO_PAD.encode(sha256(&[text.as_bytes()]));
    sum.truncate(CHECKSUM);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_reads_back_for_its_own_purpose_only() {
        let secret = PlainSecret::generate(Purpose::ApiKey, &Source::system());
        assert_eq!(secret.reveal().len(), 3 + BODY + CHECKSUM);
        let again = PlainSecret::parse(Purpose::ApiKey, secret.reveal()).expect("what was made parses");
        assert_eq!(again.digest(), secret.digest());
        assert!(secret.reveal().starts_with(secret.prefix()));
        assert_eq!(secret.prefix().len(), 8);
        assert_eq!(
            PlainSecret::parse(Purpose::Refresh, secret.reveal()).err(),
            Some(NotASecret)
        );
    }

    #[test]
    fn one_wrong_character_anywhere_is_refused() {
        let secret = PlainSecret::generate(Purpose::Refresh, &Source::system());
        for at in 0..secret.reveal().len() {
            let mut bytes = secret.reveal().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(bytes).expect("ASCII");
            assert!(
                PlainSecret::parse(Purpose::Refresh, &text).is_err(),
                "position {at}"
            );
        }
    }

    #[test]
    fn two_secrets_differ_and_show_nothing() {
        let source = Source::system();
        let one = PlainSecret::generate(Purpose::ApiKey, &source);
        let two = PlainSecret::generate(Purpose::ApiKey, &source);
        assert_ne!(one.digest(), two.digest());
        assert_eq!(
            format!("{one:?} {:?}", one.digest()),
            "PlainSecret(…) SecretDigest(…)"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "(tk_)?\\PC{0,60}") {
            let _ = PlainSecret::parse(Purpose::ApiKey, &text);
        }
    }
}
