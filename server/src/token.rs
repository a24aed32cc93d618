//! Access tokens: short-lived JWTs (RFC 9068) that name a user, a session and one organization.
//!
//! Signed with Ed25519 (RFC 8037) and nothing else: the algorithm belongs to the key, a token's header is only
//! compared with it. Times are checked against the injected clock.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use catalog::clock::Source;
use catalog::ids::{OrganizationId, SessionId, UserId};
use catalog::jwks::KeySet;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an access token is good for.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How far two clocks may be apart.
pub(crate) const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// The `aud` Supabase's clients expect.
pub const AUDIENCE: &str = "authenticated";

/// The `role` Supabase's clients expect of whoever has signed in.
pub const ROLE: &str = "authenticated";

/// The media type in the header (RFC 9068, section 2.1): keeps other JWTs signed by the same key out.
const TYPE: &str = "at+jwt";

/// The keys access tokens are signed and checked with; replaced whole when they rotate.
#[derive(Clone)]
pub struct TokenKeys(Arc<Keys>);

struct Keys {
    signing: (String, EncodingKey),
    verifying: HashMap<String, DecodingKey>,
    document: Bytes,
}

/// Who and what an access token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The person.
    pub user: UserId,
    /// The signed-in device.
    pub session: SessionId,
    /// The one organization the token is good for.
    pub organization: OrganizationId,
}

/// A token that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whom it names.
    pub subject: Subject,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// A token just made.
pub struct Minted {
    /// The token.
    pub token: String,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not ours, changed on the way, or made for something else.
    #[error("the access token is not valid")]
    Invalid,
    /// Ours, but too old.
    #[error("the access token has expired")]
    Expired,
    /// Ours and good, for another organization.
    #[error("the access token is for another organization")]
    OtherOrganization,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: UserId,
    aud: &'a str,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: Uuid,
    sid: SessionId,
    org: OrganizationId,
    role: &'a str,
}

#[derive(Deserialize)]
struct Read {
    iss: String,
    sub: UserId,
    aud: String,
    exp: i64,
    nbf: i64,
    sid: SessionId,
    org: OrganizationId,
}

impl TokenKeys {
    /// The keys of the catalog at one moment.
    pub fn of(set: &KeySet) -> Result<Self, UnusableKey> {
        let public = set.public.values().map(|key| (key.kid.as_str(), key.x.as_str()));
        Self::assemble(
            (set.active.kid(), set.active.pkcs8()),
            public,
            set.to_json().to_string(),
        )
    }

    /// The key that signs (its id and PKCS #8 document, RFC 8410) and every one that may have signed (its id and the
    /// base64url of its 32 bytes, RFC 8037, section 2).
    fn assemble<'a>(
        (kid, pkcs8): (&str, &[u8]),
        public: impl Iterator<Item = (&'a str, &'a str)>,
        document: String,
    ) -> Result<Self, UnusableKey> {
        let decoding = |(kid, x): (&str, &str)| Ok((kid.to_owned(), DecodingKey::from_ed_components(x)?));
        let verifying = public
            .map(decoding)
            .collect::<Result<_, jsonwebtoken::errors::Error>>()?;
        let signing = (kid.to_owned(), EncodingKey::from_ed_der(pkcs8));
        Ok(Self(Arc::new(Keys {
            signing,
            verifying,
            document: document.into(),
        })))
    }

    /// The name of the key that signs.
    pub fn kid(&self) -> &str {
        &self.0.signing.0
    }

    /// The public keys as `/.well-known/jwks.json` serves them.
    pub fn document(&self) -> Bytes {
        self.0.document.clone()
    }

    /// A token for `subject`, issued by the tenant's origin `issuer`.
    pub fn mint(&self, subject: Subject, issuer: &str, source: &Source) -> Result<Minted, MintError> {
        let now = source.now();
        let expires_at = now + LIFETIME;
        let claims = Claims {
            iss: issuer,
            sub: subject.user,
            aud: AUDIENCE,
            exp: expires_at.timestamp(),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            jti: source.uuid(),
            sid: subject.session,
            org: subject.organization,
            role: ROLE,
        };
        let (kid, key) = &self.0.signing;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, key)?;
        Ok(Minted { token, expires_at })
    }

    /// Checks a token presented to `organization`, whose origin is `issuer`.
    pub fn verify(
        &self,
        token: &str,
        organization: OrganizationId,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Verified, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let ours =
            header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(TYPE) && header.crit.is_none();
        let key = header
            .kid
            .as_ref()
            .and_then(|kid| self.0.verifying.get(kid))
            .filter(|_| ours);
        // The claims are checked below, against our clock and one by one.
        let mut signature_only = Validation::new(Algorithm::EdDSA);
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        signature_only.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Read>(token, key.ok_or(TokenError::Invalid)?, &signature_only)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let at = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenError::Invalid);
        let (not_before, expires_at) = (at(claims.nbf)?, at(claims.exp)?);
        if claims.aud != AUDIENCE || now + LEEWAY < not_before {
            return Err(TokenError::Invalid);
        }
        if now >= expires_at + LEEWAY {
            return Err(TokenError::Expired);
        }
        if claims.org != organization {
            return Err(TokenError::OtherOrganization);
        }
        if claims.iss != issuer {
            return Err(TokenError::Invalid);
        }
        let subject = Subject {
            user: claims.sub,
            session: claims.sid,
            organization,
        };
        Ok(Verified { subject, expires_at })
    }
}

/// A public key in the catalog that is no Ed25519 key.
#[derive(Debug, thiserror::Error)]
#[error("a public key of the catalog cannot be read")]
pub struct UnusableKey(#[from] jsonwebtoken::errors::Error);

/// A token that could not be signed: the signing key is unusable.
#[derive(Debug, thiserror::Error)]
#[error("the access token could not be signed")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

impl PartialEq for TokenKeys {
    /// The same key signs, and the same keys verify.
    fn eq(&self, other: &Self) -> bool {
        self.0.signing.0 == other.0.signing.0 && self.0.document == other.0.document
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKeys({})", self.0.signing.0)
    }
}

#[cfg(test)]
pub(crate) use tests::keys as for_tests;

#[cfg(test)]
mod tests;
