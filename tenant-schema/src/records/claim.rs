//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a write that is sent twice is done once.
//!
//! A tenant's table `_idempotency_keys` belongs to the engine and not to the template. A write with a key is one
//! transaction, still one flight, of three statements:
//!
//! 1. [`LOCK`] tries a lock on the key and waits for nobody: whoever has it is writing just now (409).
//! 2. [`CHECK`] looks whether an answer to the key was kept. It is a statement of its own, because a statement sees what
//!    was committed before it began: only one that begins behind the lock sees all that was written under it. It also
//!    removes a few keys whose time is over.
//! 3. The write keeps the row that its answer is made of by the same statement. So records and answer are there together,
//!    or neither, wherever either side dies.
//!
//! When there is an answer, the transaction fails, and a second flight reads it with [`READ`]. It is rendered as it was the
//! first time, by the same request: the *fingerprint* says that it is the same one.
//!
//! A key is good for 24 hours, within one tenant and for one caller: it is looked up by a digest of both. The table's one
//! index serves this and finds the old ones, because it begins with the day.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use catalog::actor::Actor;
use catalog::schema_name::SchemaName;

use super::error::RecordError;
use super::{Param, Query};

/// The header, as errors name it.
const HEADER: &str = "Idempotency-Key";

/// Characters of a key.
const MAX_KEY: usize = 255;

/// Bytes of an answer's body that is kept.
pub(super) const MAX_BODY: u64 = 1024 * 1024;

/// Takes the lock on a key until the transaction ends, or fails. Its number is of the key's digest, in which the tenant
/// and the caller are counted, so keys of different tenants and callers have different numbers, but for one chance in
/// 2^64: those would be told to try again. Advisory locks are of the whole database. The migrator's and those of the
/// catalog have one key of 64 bits; this one has two of 32, and these two kinds never meet (PostgreSQL
/// documentation, "Advisory Lock Functions").
pub(crate) const LOCK: &str = "\
select case when not l.is_free then (l.is_free || ' request with this key is being answered')::bigint end as nothing
  from (select pg_catalog.pg_try_advisory_xact_lock(
                 ($1::bigint >> 32)::integer, ($1::bigint << 32 >> 32)::integer) as is_free offset 0) l";

/// Fails if an answer to the key was kept, and removes a few old keys, none that somebody else is removing.
pub(crate) const CHECK: &str = "\
with _over as (
  select k.day, k.digest from _idempotency_keys k
   where k.day < floor(extract(epoch from now()) / 86400)::integer - 1
   order by k.day, k.digest limit 8 for update skip locked
),
_gone as (delete from _idempotency_keys k using _over o where k.day = o.day and k.digest = o.digest)
select case when k.kept > 0 then (k.kept || ' answer to this key was kept')::bigint end as nothing
  from (select count(*) as kept from _idempotency_keys k
         where k.day in (floor(extract(epoch from now()) / 86400)::integer,
                         floor(extract(epoch from now()) / 86400)::integer - 1)
           and k.digest = decode($1::text, 'hex') and k.kept_at > now() - interval '24 hours') k";

/// The answer to a key: the columns of the engine's every statement, and whether the request is the same.
pub(crate) const READ: &str = "\
select k.body, k.count, k.version, k.key, k.extra, k.fingerprint = decode($2::text, 'hex') as is_same
  from _idempotency_keys k
 where k.day in (floor(extract(epoch from now()) / 86400)::integer,
                 floor(extract(epoch from now()) / 86400)::integer - 1)
   and k.digest = decode($1::text, 'hex') and k.kept_at > now() - interval '24 hours'
 order by k.day desc limit 1";

/// A key that a client chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header: a Structured Field string (RFC 8941, section 3.3.3), or the same text without quotes, as many
    /// clients send it.
    ///
    /// # Errors
    /// Anything else, and what is empty or too long.
    pub fn parse(value: &str) -> Result<Self, RecordError> {
        let malformed = || RecordError::BadHeader {
            header: HEADER,
            details: format!(
                "expected one text of 1 to {MAX_KEY} characters of visible ASCII, in double quotes or without spaces, \
                 commas and quotes"
            ),
        };
        let value = value.trim_matches([' ', '\t']);
        let key = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"').and_then(unescaped),
            None => is_bare(value).then(|| value.to_owned()),
        };
        key.filter(|key| (1..=MAX_KEY).contains(&key.len()))
            .map(Self)
            .ok_or_else(malformed)
    }
}

/// What stands between the quotes of a Structured Field string.
fn unescaped(quoted: &str) -> Option<String> {
    let (mut text, mut chars) = (String::with_capacity(quoted.len()), quoted.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            ' '..='~' => text.push(c),
            _ => return None,
        }
    }
    Some(text)
}

fn is_bare(value: &str) -> bool {
    value
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\'))
}

/// What tells a request from others under the same key.
#[derive(Clone)]
pub struct Fingerprint(Context);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Fingerprint {
    /// Counts a part of the request; parts do not run into each other.
    pub fn count(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}

/// A key as the engine claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Of the tenant, the caller and the key, in hexadecimal.
    pub(super) digest: String,
    /// The number of its lock.
    pub(super) lock: String,
    /// Of the request, in hexadecimal.
    pub(super) fingerprint: String,
}

impl Claim {
    /// Claims a key of this caller's for a request.
    pub fn new(tenant: &SchemaName, caller: &Actor, key: &IdempotencyKey, fingerprint: Fingerprint) -> Self {
        let mut owned = Fingerprint::default();
        owned.count(tenant.as_str().as_bytes());
        owned.count(caller.to_string().as_bytes());
        owned.count(key.0.as_bytes());
        let digest = owned.0.finish();
        let mut lock = [0; 8];
        lock.copy_from_slice(&digest.as_ref()[..8]);
        Self {
            digest: hexadecimal(&digest),
            lock: i64::from_be_bytes(lock).to_string(),
            fingerprint: hexadecimal(&fingerprint.0.finish()),
        }
    }
}

impl Claim {
    /// Lets a statement that ends in `answer`, the reading of a row `_answer a`, keep that row under the key, unless its
    /// count says that nothing was done.
    pub(crate) fn keep(&self, query: &mut Query, answer: &str) {
        let body = query.text.trim_end_matches(answer).len();
        let (digest, fingerprint) = (query.params.len() + 1, query.params.len() + 2);
        query.text.truncate(body);
        let kept = format!(
            ", _kept as (insert into _idempotency_keys \
             (day, digest, fingerprint, kept_at, body, count, version, key) \
             select floor(extract(epoch from now()) / 86400)::integer, decode(${digest}::text, 'hex'), \
             decode(${fingerprint}::text, 'hex'), now(), a.body, a.count, a.version, a.key \
             from _answer a where a.count > 0){answer}"
        );
        query.text.push_str(&kept);
        let params = [&self.digest, &self.fingerprint].map(|value| Param {
            value: Some(value.clone()),
            column: None,
        });
        query.params.extend(params);
    }
}

fn hexadecimal(digest: &Digest) -> String {
    let bytes = digest.as_ref().iter();
    bytes.fold(String::with_capacity(64), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use catalog::ids::UserId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_is_a_string_with_quotes_or_without() {
        let key = |value: &str| IdempotencyKey::parse(value).ok().map(|key| key.0);
        for (value, expected) in [
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            (" 8e03978e-40d5\t", Some("8e03978e-40d5")),
            ("\"a b, \\\"c\\\\\"", Some("a b, \"c\\")),
            ("x", Some("x")),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"a", None),
            ("a\"", None),
            ("\"a\"; x=1", None),
            ("\"a\" \"b\"", None),
            ("\"a\\n\"", None),
            ("\"a\\\"", None),
            ("a b", None),
            ("a,b", None),
            ("ä", None),
            ("\"ä\"", None),
            ("\"a\tb\"", None),
        ] {
            assert_eq!(key(value).as_deref(), expected, "{value}");
        }
        assert!(key(&"x".repeat(255)).is_some());
        assert!(key(&"x".repeat(256)).is_none());
        let error = IdempotencyKey::parse("a b").unwrap_err();
        assert_eq!((error.status(), error.code()), (400, "bad_header"));
    }

    #[test]
    fn a_claim_is_of_one_tenant_one_caller_and_one_key() {
        let claim = |tenant: u128, caller: u128, key: &str| {
            let tenant = SchemaName::from_opaque(Uuid::from_u128(tenant));
            let caller = Actor::User(UserId::from(Uuid::from_u128(caller)));
            let key = IdempotencyKey::parse(key).unwrap();
            Claim::new(&tenant, &caller, &key, Fingerprint::default())
        };
        let one = claim(1, 1, "a");
        assert_eq!(one, claim(1, 1, "\"a\""));
        for other in [claim(2, 1, "a"), claim(1, 2, "a"), claim(1, 1, "b")] {
            assert_ne!(one.digest, other.digest);
            assert_ne!(one.lock, other.lock);
        }
    }

    #[test]
    fn parts_of_a_fingerprint_do_not_run_into_each_other() {
        let print = |parts: &[&str]| {
            let mut print = Fingerprint::default();
            for part in parts {
                print.count(part.as_bytes());
            }
            hexadecimal(&print.0.finish())
        };
        assert_eq!(print(&["ab", "c"]), print(&["ab", "c"]));
        assert_ne!(print(&["ab", "c"]), print(&["a", "bc"]));
        assert_ne!(print(&["a", ""]), print(&["a"]));
    }
}
