//! Sealing: what must be stored and read back in clear (signing keys) is encrypted under a key that is not in the
//! database, so that a dump or a backup gives nothing away.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits: section 8.3 bounds one key to 2^32 seals, which a
//! table of signing keys does not come near. The place of a value (table, column, row and sealing key) is
//! authenticated with it, so that a sealed value cannot be moved to another row.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{SecretSlice, SecretString};

use crate::clock::Source;

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table with its schema.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key as text.
    pub row: &'a str,
}

/// A sealed value and the key that opens it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The id of the sealing key within the ring.
    pub key_id: String,
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    pub bytes: Vec<u8>,
}

/// The sealing keys: the first seals, all of them open. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<[RingKey]>);

struct RingKey {
    id: Box<str>,
    key: LessSafeKey,
    /// What other keys are derived from (RFC 5869).
    root: hkdf::Prk,
}

/// Keeps what is derived here apart from what anything else derives from the same bytes.
const DERIVED: &[u8] = b"tenantry: keys derived from the key ring";

/// Why a text is not a key ring. Nothing of the text is repeated except ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// There is no key in it.
    #[error("the key ring is empty: id:base64 is the form, 32 bytes per key, keys separated by commas")]
    Empty,
    /// An entry is not `id:base64`, counted from one.
    #[error("entry {0} of the key ring is not id:base64 (an id has 1 to 32 of a-z, A-Z, 0-9, _ and -)")]
    Form(usize),
    /// A key does not decode to 32 bytes.
    #[error("key {0:?} of the key ring is not base64 of 32 bytes")]
    Length(String),
    /// Two keys have one id.
    #[error("the key ring has two keys called {0:?}")]
    Duplicate(String),
}

/// Why a value was not sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The ring has no key of that id: it was removed while values under it were left.
    #[error("the key ring has no key {0:?}; put it back to open what it sealed")]
    UnknownKey(String),
    /// The value was changed, moved, or sealed by another key of the same id.
    #[error("the sealed value does not open with key {0:?}")]
    Refused(String),
}

impl KeyRing {
    /// A ring of one new key, as text: what an operator puts into the environment.
    pub fn generate_text(id: &str, source: &Source) -> SecretString {
        format!("{id}:{}", STANDARD.encode(source.bytes::<32>())).into()
    }

    /// Seals `plaintext` for its place under the active key.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8], source: &Source) -> Result<Sealed, SealError> {
        let active = &self.0[0];
        let refused = || SealError::Refused(active.id.to_string());
        let nonce = source.bytes::<NONCE_LEN>();
        let mut text = plaintext.to_vec();
        active
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.bound_to(&active.id)),
                &mut text,
            )
            .map_err(|_| refused())?;
        let bytes = [nonce.as_slice(), &text].concat();
        Ok(Sealed {
            key_id: active.id.to_string(),
            bytes,
        })
    }

    /// A key for HMAC-SHA256 from each of the ring's, for one purpose (HKDF, RFC 5869): the first signs, all of them
    /// verify. Every instance with this ring has the same, today and after a restart, and none of them tells anything
    /// of the key it comes from or of those for other purposes.
    pub fn macs(&self, purpose: &'static str) -> Vec<hmac::Key> {
        let derive = |key: &RingKey| {
            let info = [purpose.as_bytes()];
            let derived = key.root.expand(&info, hmac::HMAC_SHA256);
            derived.expect("one hash is within what HKDF gives").into()
        };
        self.0.iter().map(derive).collect()
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place<'_>, key_id: &str, bytes: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        let found = self.0.iter().find(|key| &*key.id == key_id);
        let key = found.ok_or_else(|| SealError::UnknownKey(key_id.to_owned()))?;
        let refused = || SealError::Refused(key_id.to_owned());
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(refused)?;
        let mut text = text.to_vec();
        let opened = key
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(place.bound_to(key_id)),
                &mut text,
            )
            .map_err(|_| refused())?
            .len();
        text.truncate(opened);
        Ok(SecretSlice::from(text))
    }
}

impl Place<'_> {
    /// The place and the key as authenticated data. Every part is preceded by its length, so that no two places
    /// read the same.
    fn bound_to(&self, key_id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [self.table, self.column, self.row, key_id] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

impl FromStr for KeyRing {
    type Err = KeyRingError;

    fn from_str(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<RingKey> = Vec::new();
        for (index, entry) in text
            .trim()
            .split(',')
            .enumerate()
            .filter(|(_, entry)| !entry.trim().is_empty())
        {
            let (id, key) = entry
                .trim()
                .split_once(':')
                .ok_or(KeyRingError::Form(index + 1))?;
            let well_formed = (1..=32).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if !well_formed {
                return Err(KeyRingError::Form(index + 1));
            }
            if keys.iter().any(|key| &*key.id == id) {
                return Err(KeyRingError::Duplicate(id.to_owned()));
            }
            let length = || KeyRingError::Length(id.to_owned());
            let bytes = SecretSlice::from(STANDARD.decode(key).map_err(|_| length())?);
            let bytes = secrecy::ExposeSecret::expose_secret(&bytes);
            let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| length())?;
            keys.push(RingKey {
                id: id.into(),
                key: LessSafeKey::new(key),
                root: hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVED).extract(bytes),
            });
        }
        if keys.is_empty() {
            Err(KeyRingError::Empty)
        } else {
            Ok(Self(keys.into()))
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const PLACE: Place<'static> = Place {
        table: "catalog.jwks",
        column: "private_sealed",
        row: "1",
    };

    fn ring(ids: &[&str]) -> (KeyRing, String) {
        let source = Source::system();
        let texts: Vec<_> = ids
            .iter()
            .map(|id| KeyRing::generate_text(id, &source).expose_secret().to_owned())
            .collect();
        let text = texts.join(",");
        (text.parse().expect("a ring"), text)
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only() {
        let (ring, _) = ring(&["k1"]);
        let sealed = ring.seal(PLACE, b"private", &Source::system()).expect("sealed");
        assert_ne!(&sealed.bytes[NONCE_LEN..NONCE_LEN + 7], b"private");
        let opened = ring.open(PLACE, &sealed.key_id, &sealed.bytes).expect("opened");
        assert_eq!(opened.expose_secret(), b"private");
        let elsewhere = [
            Place { row: "2", ..PLACE },
            Place {
                column: "public_jwk",
                ..PLACE
            },
            Place {
                table: "catalog.users",
                ..PLACE
            },
        ];
        for place in elsewhere {
            let refused = ring.open(place, "k1", &sealed.bytes).err();
            assert_eq!(refused, Some(SealError::Refused("k1".to_owned())), "{place:?}");
        }
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let (ring, _) = ring(&["k1"]);
        let sealed = ring.seal(PLACE, b"private", &Source::system()).expect("sealed");
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            assert!(ring.open(PLACE, "k1", &bytes).is_err(), "byte {at}");
            assert!(
                ring.open(PLACE, "k1", &sealed.bytes[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn an_older_key_still_opens_after_a_new_one_took_its_place() {
        let (old, old_text) = ring(&["k1"]);
        let sealed = old.seal(PLACE, b"private", &Source::system()).expect("sealed");
        let (new, new_text) = ring(&["k2"]);
        let both: KeyRing = format!("{new_text},{old_text}").parse().expect("a ring");
        assert!(both.open(PLACE, &sealed.key_id, &sealed.bytes).is_ok());
        assert_eq!(
            both.seal(PLACE, b"x", &Source::system()).expect("sealed").key_id,
            "k2"
        );
        let unknown = new.open(PLACE, &sealed.key_id, &sealed.bytes).err();
        assert_eq!(unknown, Some(SealError::UnknownKey("k1".to_owned())));
    }

    #[test]
    fn derived_keys_are_those_of_the_ring_and_the_purpose() {
        let (old, old_text) = ring(&["k1"]);
        let (_, new_text) = ring(&["k2"]);
        let both: KeyRing = format!("{new_text},{old_text}").parse().expect("a ring");
        let again: KeyRing = old_text.parse().expect("a ring");
        let signed = hmac::sign(&old.macs("cursors")[0], b"text");
        let verifies = |key: &hmac::Key| hmac::verify(key, b"text", signed.as_ref()).is_ok();
        assert!(verifies(&again.macs("cursors")[0]), "the same ring elsewhere");
        assert!(!verifies(&again.macs("links")[0]), "another purpose");
        let keys = both.macs("cursors");
        assert_eq!(keys.iter().map(verifies).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn malformed_rings_are_refused_without_repeating_them() {
        let short = STANDARD.encode([7; 31]);
        let right = STANDARD.encode([7; 32]);
        let cases = [
            (String::new(), KeyRingError::Empty),
            ("secret".to_owned(), KeyRingError::Form(1)),
            (format!("a:{right},:{right}"), KeyRingError::Form(2)),
            (format!("a:{short}"), KeyRingError::Length("a".to_owned())),
            ("a:???".to_owned(), KeyRingError::Length("a".to_owned())),
            (
                format!("a:{right},a:{right}"),
                KeyRingError::Duplicate("a".to_owned()),
            ),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<KeyRing>().err(), Some(error), "{text}");
        }
    }

    #[test]
    fn only_ids_show_in_debug() {
        let (ring, _) = ring(&["k2", "k1"]);
        assert_eq!(format!("{ring:?}"), r#"["k2", "k1"]"#);
    }
}
