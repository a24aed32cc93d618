//! Cursors: the place where a page of a list ended, signed so that only this service makes them.
//!
//! A cursor is base64url of a version, a digest of the list that it belongs to, the sort values of the page's last record,
//! and a signature (HMAC-SHA256, RFC 2104) of all that and the tenant. The values are those that the reader of the page
//! may sort by, so they are signed and not hidden. The keys come from the key ring: every instance has the same, and they
//! outlive a restart.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::ids::OrganizationId;
use catalog::seal::KeyRing;

use super::error::CursorError;

mod next;

pub(crate) use next::Next;

/// What the keys of the key ring are derived for.
const PURPOSE: &str = "record cursors";

/// The form of what follows.
const VERSION: u8 = 1;

/// Bytes of a list's digest: half of SHA-256's, since a signature stands above it.
const DIGEST: usize = 16;

/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// Bytes of all sort values of one cursor. Clients bound the headers of an answer (Node.js: 16 KiB together).
pub(super) const MOST_VALUES: usize = 2048;

/// Characters of a cursor: what [`MOST_VALUES`] and as many lengths as `order` may have items take.
pub(super) const MOST_TEXT: usize = 3072;

/// The length that stands for NULL.
const NULL: u16 = u16::MAX;

/// The keys that cursors are signed with; cheap to clone.
#[derive(Clone)]
pub struct CursorKeys(Arc<[hmac::Key]>);

/// The keys and the tenant whose cursors they sign.
#[derive(Clone)]
pub struct CursorSeal {
    keys: CursorKeys,
    tenant: OrganizationId,
}

/// What a cursor belongs to: an object, and all of a request that says which records there are and in what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListDigest([u8; DIGEST]);

impl CursorKeys {
    /// The keys that a key ring gives: its first signs, all of them verify.
    pub fn new(ring: &KeyRing) -> Self {
        Self(ring.macs(PURPOSE).into())
    }

    /// The same for one tenant.
    pub fn of(&self, tenant: OrganizationId) -> CursorSeal {
        let keys = self.clone();
        CursorSeal { keys, tenant }
    }
}

impl CursorSeal {
    /// The cursor of a page whose last record has these sort values, as texts. None if they are too long.
    pub(super) fn write(&self, list: ListDigest, values: &[Option<String>]) -> Option<String> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&list.0);
        for value in values {
            let text = value.as_deref().unwrap_or_default();
            let length = match value {
                Some(text) => u16::try_from(text.len()).ok().filter(|length| *length != NULL)?,
                None => NULL,
            };
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        if bytes.len() > 1 + DIGEST + MOST_VALUES {
            return None;
        }
        let key = self.keys.0.first()?;
        let signature = hmac::sign(key, &self.signed(&bytes));
        bytes.extend_from_slice(signature.as_ref());
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The sort values that a cursor of this list has.
    pub(crate) fn read(&self, list: ListDigest, text: &str) -> Result<Vec<Option<String>>, CursorError> {
        if text.len() > MOST_TEXT {
            return Err(CursorError::Invalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Invalid)?;
        let (bytes, signature) = bytes
            .split_last_chunk::<SIGNATURE>()
            .ok_or(CursorError::Invalid)?;
        let signed = self.signed(bytes);
        let verifies = |key: &hmac::Key| hmac::verify(key, &signed, signature).is_ok();
        if !self.keys.0.iter().any(verifies) {
            return Err(CursorError::Invalid);
        }
        let (version, bytes) = bytes.split_first().ok_or(CursorError::Invalid)?;
        let (of, values) = bytes.split_first_chunk::<DIGEST>().ok_or(CursorError::Invalid)?;
        if *version != VERSION {
            return Err(CursorError::Invalid);
        }
        if *of != list.0 {
            return Err(CursorError::Mismatch);
        }
        read_values(values).ok_or(CursorError::Invalid)
    }

    /// What is signed: the tenant too, though it is not in the cursor.
    fn signed(&self, bytes: &[u8]) -> Vec<u8> {
        [self.tenant.uuid().as_bytes().as_slice(), bytes].concat()
    }
}

fn read_values(mut bytes: &[u8]) -> Option<Vec<Option<String>>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let length = u16::from_be_bytes(*length);
        if length == NULL {
            values.push(None);
            bytes = rest;
            continue;
        }
        let (text, rest) = rest.split_at_checked(usize::from(length))?;
        values.push(Some(std::str::from_utf8(text).ok()?.to_owned()));
        bytes = rest;
    }
    Some(values)
}

impl ListDigest {
    /// The digest of everything that says what the list is. Each part is preceded by its length, so that no two lists
    /// read the same.
    pub(crate) fn of<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let digest = context.finish();
        let first = digest.as_ref().first_chunk();
        Self(*first.expect("SHA-256 has 32 bytes"))
    }
}

/// The same keys: only whether they are shared is asked, since nothing else says that two requests are one.
impl PartialEq for CursorSeal {
    fn eq(&self, other: &Self) -> bool {
        self.tenant == other.tenant && Arc::ptr_eq(&self.keys.0, &other.keys.0)
    }
}

impl Eq for CursorSeal {}

impl fmt::Debug for CursorKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorKeys").finish_non_exhaustive()
    }
}

impl fmt::Debug for CursorSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorSeal")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
