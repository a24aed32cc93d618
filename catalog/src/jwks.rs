//! Signing keys of access tokens: Ed25519, public parts for everybody, private parts sealed.
//!
//! A key signs from `not_before` until it is retired, and verifies until it expires, so that tokens signed just
//! before a change of keys stay good.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json;

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::error::CatalogError;
use crate::row::Columns;
use crate::seal::{KeyRing, Place, SealError};
use crate::sessions::Device;
use crate::tx::CatalogTx;

/// The signature algorithm, as a JWT's header names it (RFC 8037, section 3.1).
pub const ALGORITHM: &str = "EdDSA";

/// The public half of a key as a JWK (RFC 7517; the form of RFC 8037, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    kty: String,
    crv: String,
    /// The public key: base64url of 32 bytes.
    pub x: String,
    /// The key's name: its thumbprint (RFC 7638).
    pub kid: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
}

impl PublicJwk {
    fn of(public: &[u8]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(public);
        // RFC 7638, section 3: the required members in the order of their names, without spaces. Base64url needs no
        // escapes.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            kid,
            alg: ALGORITHM.to_owned(),
            usage: "sig".to_owned(),
        }
    }
}

/// The key that signs now.
#[derive(Clone)]
pub struct SigningKey {
    public: PublicJwk,
    pkcs8: SecretSlice<u8>,
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// No key may sign at present: `tenantry init` makes the first.
    #[error("no signing key is active")]
    NoneActive,
    /// A private part does not open.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// The library did not make or read a key.
    #[error("the signing key is not an Ed25519 key")]
    Malformed,
    /// The catalog could not be read or written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<crate::pg::sqlstate::PgError> for KeysError {
    fn from(error: crate::pg::sqlstate::PgError) -> Self {
        Self::Catalog(error.into())
    }
}

impl SigningKey {
    /// A new key out of 32 random bytes, which are the private key (RFC 8032, section 5.1.5).
    fn generate(source: &Source) -> Result<Self, KeysError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&source.bytes::<32>()).map_err(|_| KeysError::Malformed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeysError::Malformed)?;
        Ok(Self {
            public: PublicJwk::of(pair.public_key().as_ref()),
            pkcs8: SecretSlice::from(pkcs8.as_ref().to_vec()),
        })
    }

    /// The key's name, for a JWT's header.
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The private key in PKCS #8 (RFC 8410), for the library that signs.
    pub fn pkcs8(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid())
    }
}

/// All keys of one moment.
#[derive(Debug, Clone)]
pub struct KeySet {
    /// Signs.
    pub active: SigningKey,
    /// Verify, by name: the active key, retired ones that have not expired, and the one that comes next.
    pub public: BTreeMap<String, PublicJwk>,
}

impl KeySet {
    /// The JWK set (RFC 7517, section 5) for `/.well-known/jwks.json`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.public.values().collect::<Vec<_>>() })
    }
}

/// Operators who make the first key at the same time wait for one another, until their transactions end.
const LOCK: &str = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('catalog.jwks', 0))";

const FIND_ACTIVE: &str = "\
    select kid from catalog.jwks \
    where retired_at is null and not_before <= $1 and (expires_at is null or expires_at > $1) \
    limit 1";

const INSERT: &str = "\
    insert into catalog.jwks \
      (kid, alg, public_jwk, private_sealed, sealing_key_id, not_before, created_at) \
    values ($1, $2, $3, $4, $5, $6, $6)";

/// Makes the first signing key, unless there is one that may sign. Operator's side: the server may only read keys.
pub async fn ensure_active(
    tx: &mut CatalogTx,
    ring: &KeyRing,
    actor: &Actor,
    source: &Source,
) -> Result<(), KeysError> {
    tx.row(LOCK, &[]).await?;
    if tx.row(FIND_ACTIVE, &[&source.now()]).await?.is_none() {
        insert(tx, ring, actor, source).await?;
    }
    Ok(())
}

/// Makes a key that signs from now on, and returns its name. The keys before it go on verifying, so that the tokens they
/// signed stay good. Servers take it over when they hear of it.
pub async fn insert(
    tx: &mut CatalogTx,
    ring: &KeyRing,
    actor: &Actor,
    source: &Source,
) -> Result<String, KeysError> {
    let key = SigningKey::generate(source)?;
    let sealed = ring.seal(place(key.kid()), key.pkcs8(), source)?;
    tx.execute(
        INSERT,
        &[
            &key.kid(),
            &ALGORITHM,
            &Json(&key.public),
            &sealed.bytes,
            &sealed.key_id,
            &source.now(),
        ],
    )
    .await?;
    let kid = key.kid().to_owned();
    let created = AuditEvent::SigningKeyCreated { kid: kid.clone() };
    audit::record(tx, actor, None, &created, &Device::NONE, source).await?;
    Ok(kid)
}

/// The newest key that may sign comes first.
const LOAD: &str = "\
    select public_jwk, private_sealed, sealing_key_id, retired_at is null and not_before <= $1 as signs \
    from catalog.jwks \
    where alg = $2 and (expires_at is null or expires_at > $1) \
    order by signs desc, not_before desc, kid";

/// The keys of this moment. Only the one that signs is opened, so that a ring which has lost the key of a retired
/// one still serves.
pub async fn load(tx: &mut CatalogTx, ring: &KeyRing, now: DateTime<Utc>) -> Result<KeySet, KeysError> {
    let rows = tx.rows(LOAD, &[&now, &ALGORITHM]).await?;
    let first = rows
        .first()
        .filter(|row| row.try_get("signs").unwrap_or(false))
        .ok_or(KeysError::NoneActive)?;
    let mut public = BTreeMap::new();
    for row in &rows {
        let jwk = public_jwk(row)?;
        public.insert(jwk.kid.clone(), jwk);
    }
    let jwk = public_jwk(first)?;
    let columns = Columns::new(first, "jwks");
    let key_id: String = columns.get("sealing_key_id")?;
    let sealed: Vec<u8> = columns.get("private_sealed")?;
    let pkcs8 = ring.open(place(&jwk.kid), &key_id, &sealed)?;
    Ok(KeySet {
        active: SigningKey { public: jwk, pkcs8 },
        public,
    })
}

fn public_jwk(row: &tokio_postgres::Row) -> Result<PublicJwk, CatalogError> {
    let Json(jwk) = Columns::new(row, "jwks").get("public_jwk")?;
    Ok(jwk)
}

fn place(kid: &str) -> Place<'_> {
    Place {
        table: "catalog.jwks",
        column: "private_sealed",
        row: kid,
    }
}

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[LOCK, FIND_ACTIVE, INSERT, LOAD];

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 8037, appendix A.2 and A.3.
        let public = URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .expect("base64url");
        assert_eq!(
            PublicJwk::of(&public).kid,
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn a_new_key_signs_what_its_public_half_verifies() {
        let key = SigningKey::generate(&Source::system()).expect("a key");
        let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8()).expect("PKCS #8");
        let public = URL_SAFE_NO_PAD.decode(&key.public.x).expect("base64url");
        let signature = pair.sign(b"claims");
        assert!(
            UnparsedPublicKey::new(&ED25519, public)
                .verify(b"claims", signature.as_ref())
                .is_ok()
        );
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.kid()));
    }

    #[test]
    fn the_key_set_holds_public_members_only() {
        let active = SigningKey::generate(&Source::system()).expect("a key");
        let public = BTreeMap::from([(active.kid().to_owned(), active.public.clone())]);
        let json = KeySet { active, public }.to_json();
        let key = json["keys"][0].as_object().expect("an object");
        let mut members: Vec<_> = key.keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    }
}
