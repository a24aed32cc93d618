//! Passwords: the rules for choosing one, and Argon2id behind a small, bounded queue.

mod invented;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::invented::invent;
use crate::clock::Source;
use crate::email::EmailAddress;
use crate::ids::OrganizationId;

/// The shortest password a person may choose, in characters (NIST SP 800-63B, section 5.1.1.2, which also forbids
/// composition rules; its fourth revision asks for fifteen where nothing but the password is asked for).
pub const SHORTEST: usize = 8;

/// The longest password taken, in characters (the same section asks for at least 64): bounds the work of hashing.
pub const LONGEST: usize = 256;

/// Hashes computed at the same time: each holds 19 MiB and one core for about 45 ms.
const RUNNING: usize = 2;

/// Callers that may wait for their turn; with two at a time the last one waits about 1.5 s.
const WAITING: usize = 64;

/// Places, running or waiting, that callers of one organization may hold: a flood at one leaves the others half.
const SHARE: usize = 33;

/// Bytes of salt (RFC 9106, section 3.1, recommends 16).
const SALT_BYTES: usize = 16;

/// A password in clear, for the moment between the request's body and the hash. Wiped from memory when dropped.
#[derive(Clone)]
pub struct PlainPassword(SecretString);

/// Why a chosen password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Fewer than [`SHORTEST`] characters.
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    /// More than [`LONGEST`] characters.
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    /// It holds U+0000, which programs on the way may take for the end of the text.
    #[error("a password cannot contain the character U+0000")]
    Nul,
    /// It is the account's address or the part before the `@`.
    #[error("a password must not be the account's own address")]
    SameAsAddress,
}

impl PlainPassword {
    /// A password somebody chooses for the account of `email`.
    ///
    /// Every character counts, none is required, nothing is trimmed.
    pub fn chosen(text: String, email: &EmailAddress) -> Result<Self, PasswordRefused> {
        let password = Self::presented(text)?;
        let text = password.0.expose_secret();
        let name = email.as_str().split('@').next().unwrap_or_default();
        if text.chars().count() < SHORTEST {
            Err(PasswordRefused::TooShort)
        } else if text.contains('\0') {
            Err(PasswordRefused::Nul)
        } else if text.eq_ignore_ascii_case(email.as_str()) || text.eq_ignore_ascii_case(name) {
            Err(PasswordRefused::SameAsAddress)
        } else {
            Ok(password)
        }
    }

    /// A password somebody presents to prove who they are. Only the length is bounded: whether it was a good choice
    /// was a question of the day it was chosen.
    pub fn presented(text: String) -> Result<Self, PasswordRefused> {
        let text = SecretString::from(text);
        if text.expose_secret().chars().count() > LONGEST {
            return Err(PasswordRefused::TooLong);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword(…)")
    }
}

/// A stored hash as a PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), which carries its own parameters.
#[derive(Clone)]
pub struct PasswordHash(Box<str>);

/// A stored text that is not a PHC string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored password hash is not a PHC string")]
pub struct PasswordHashError;

impl PasswordHash {
    /// The text that is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn parsed(&self) -> Result<argon2::PasswordHash, PasswordHashError> {
        argon2::PasswordHash::new(&self.0).map_err(|_| PasswordHashError)
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = PasswordHashError;

    fn try_from(text: String) -> Result<Self, PasswordHashError> {
        let hash = Self(text.into());
        hash.parsed()?;
        Ok(hash)
    }
}

impl fmt::Debug for PasswordHash {
    /// The salt and the hash are all an offline guesser needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// How much one hash costs (RFC 9106, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB, at least 8 per lane.
    pub memory_kib: u32,
    /// Passes over the memory, at least 1.
    pub passes: u32,
    /// Lanes, at least 1.
    pub lanes: u32,
}

impl Argon2Params {
    /// The OWASP minimum for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
    pub const RECOMMENDED: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// The least the algorithm takes: for tests, where hashing is not the subject.
    pub const CHEAPEST: Self = Self {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the one the hash was made of.
    pub ok: bool,
    /// It is, and the hash was made with other parameters than today's.
    pub needs_rehash: bool,
}

/// Why no hash was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// Too many callers wait already: shed this one (503 with `Retry-After`).
    #[error("too many passwords are being checked at this moment")]
    Busy,
    /// The computation did not come to an end: out of memory, or the runtime is stopping.
    #[error("the password could not be hashed")]
    Failed,
}

/// Computes hashes on blocking threads, two at a time, for at most 64 waiting callers, of whom those of one
/// organization may be half. Cheap to clone; all clones share one queue.
#[derive(Clone)]
pub struct PasswordHasher {
    inner: Arc<Inner>,
    organization: Option<OrganizationId>,
}

struct Inner {
    argon2: Argon2<'static>,
    params: Params,
    dummy: PasswordHash,
    source: Source,
    /// One permit per caller, running or waiting.
    queue: Arc<Semaphore>,
    /// How many of them are held for whom; nobody with none.
    shares: Mutex<HashMap<OrganizationId, usize>>,
    /// One permit per running computation.
    running: Arc<Semaphore>,
}

/// All of one computation's permits. They travel into the blocking thread, so that a caller who goes away does not let
/// the next one in while its own hash is still being computed.
struct Turn {
    _share: Option<Share>,
    _place: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

/// A place that counts for an organization, until it is dropped.
struct Share {
    inner: Arc<Inner>,
    organization: OrganizationId,
}

impl Share {
    fn take(inner: &Arc<Inner>, organization: OrganizationId) -> Result<Self, HashingError> {
        let mut shares = inner.shares();
        let held = shares.entry(organization).or_default();
        if *held >= SHARE {
            return Err(HashingError::Busy);
        }
        *held += 1;
        Ok(Self {
            inner: Arc::clone(inner),
            organization,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.inner.shares();
        if let Some(held) = shares.get_mut(&self.organization) {
            *held -= 1;
            if *held == 0 {
                shares.remove(&self.organization);
            }
        }
    }
}

impl PasswordHasher {
    /// A hasher with these parameters; salts come from `source`.
    ///
    /// # Errors
    /// [`HashingError::Failed`] when Argon2 does not take the parameters.
    pub fn new(params: Argon2Params, source: Source) -> Result<Self, HashingError> {
        let params = Params::new(params.memory_kib, params.passes, params.lanes, None)
            .map_err(|_| HashingError::Failed)?;
        let inner = Inner {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()),
            dummy: dummy(&params, &source).map_err(|_| HashingError::Failed)?,
            params,
            source,
            queue: Arc::new(Semaphore::new(RUNNING + WAITING)),
            shares: Mutex::default(),
            running: Arc::new(Semaphore::new(RUNNING)),
        };
        Ok(Self {
            inner: Arc::new(inner),
            organization: None,
        })
    }

    /// The same hasher, whose work counts for this organization's share of the queue.
    #[must_use]
    pub fn on_behalf_of(&self, organization: OrganizationId) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            organization: Some(organization),
        }
    }

    /// The hash of a password under a new salt.
    pub async fn hash(&self, password: &PlainPassword) -> Result<PasswordHash, HashingError> {
        let salt = self.inner.source.bytes::<SALT_BYTES>();
        let password = password.clone();
        self.run(move |inner| {
            let hash = inner
                .argon2
                .hash_password_with_salt(password.0.expose_secret().as_bytes(), &salt);
            hash.map(|hash| PasswordHash(hash.to_string().into()))
                .map_err(|_| HashingError::Failed)
        })
        .await
    }

    /// Whether `password` belongs to `hash`. `None` stands for an account that does not exist: it costs what a
    /// verification under today's parameters costs and is never right, so that the time of an answer does not tell
    /// which addresses have an account.
    pub async fn verify(
        &self,
        hash: Option<&PasswordHash>,
        password: &PlainPassword,
    ) -> Result<Verdict, HashingError> {
        let known = hash.is_some();
        let hash = hash
            .unwrap_or(&self.inner.dummy)
            .parsed()
            .map_err(|_| HashingError::Failed)?;
        let password = password.clone();
        self.run(move |inner| {
            match inner
                .argon2
                .verify_password(password.0.expose_secret().as_bytes(), &hash)
            {
                Ok(()) => Ok(Verdict {
                    ok: known,
                    needs_rehash: known && !inner.made_today(&hash),
                }),
                Err(password_hash::Error::PasswordInvalid) => Ok(Verdict {
                    ok: false,
                    needs_rehash: false,
                }),
                Err(_) => Err(HashingError::Failed),
            }
        })
        .await
    }

    async fn run<T, F>(&self, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, HashingError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let share = match self.organization {
            Some(organization) => Some(Share::take(&inner, organization)?),
            None => None,
        };
        let place = Arc::clone(&inner.queue)
            .try_acquire_owned()
            .map_err(|_| HashingError::Busy)?;
        let slot = Arc::clone(&inner.running)
            .acquire_owned()
            .await
            .map_err(|_| HashingError::Failed)?;
        let turn = Turn {
            _share: share,
            _place: place,
            _slot: slot,
        };
        tokio::task::spawn_blocking(move || {
            let result = work(&inner);
            drop(turn);
            result
        })
        .await
        .map_err(|_| HashingError::Failed)?
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHasher({:?})", self.inner.params)
    }
}

impl Inner {
    fn shares(&self) -> std::sync::MutexGuard<'_, HashMap<OrganizationId, usize>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made_today(&self, hash: &argon2::PasswordHash) -> bool {
        let version = hash.version == Some(Version::V0x13.into());
        hash.algorithm == ARGON2ID_IDENT
            && version
            && Params::try_from(hash).is_ok_and(|params| {
                params.m_cost() == self.params.m_cost()
                    && params.t_cost() == self.params.t_cost()
                    && params.p_cost() == self.params.p_cost()
            })
    }
}

/// A hash of no password: random output under a random salt, with the parameters that make it cost the same.
fn dummy(params: &Params, source: &Source) -> Result<PasswordHash, password_hash::Error> {
    let hash = argon2::PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(&source.bytes::<SALT_BYTES>())?),
        hash: Some(Output::new(&source.bytes::<{ Params::DEFAULT_OUTPUT_LEN }>())?),
    };
    Ok(PasswordHash(hash.to_string().into()))
}

#[cfg(test)]
mod tests;
