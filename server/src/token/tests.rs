//! The round trip, and every way a token can be wrong.

use std::sync::Mutex;

use catalog::clock::{Clock, Entropy};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "http://acme.example.com";

/// Two Ed25519 keys in PKCS #8 (RFC 8410): 32 bytes of private key behind a fixed prefix.
fn pkcs8(private: [u8; 32]) -> Vec<u8> {
    let prefix = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    [&prefix[..], &private].concat()
}

/// RFC 8032, section 7.1, tests 1 and 2.
const ONE: (&str, &str) = (
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
);
const TWO: (&str, &str) = (
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
);

fn bytes(hex: &str) -> [u8; 32] {
    let digits = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal");
    std::array::from_fn(digits)
}

fn x(key: (&str, &str)) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes(key.1))
}

fn signing_with(kid: &str, key: (&str, &str)) -> TokenKeys {
    let public = [("one", x(ONE)), ("two", x(TWO))];
    let public = public.iter().map(|(kid, x)| (*kid, x.as_str()));
    TokenKeys::assemble((kid, &pkcs8(bytes(key.0))), public, "{}".to_owned()).expect("public keys")
}

pub(crate) fn keys() -> TokenKeys {
    signing_with("one", ONE)
}

struct At(Mutex<DateTime<Utc>>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("not poisoned")
    }
}

struct Counting;

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")
}

fn source() -> Source {
    Source::new(At(Mutex::new(now())), Counting)
}

fn subject() -> Subject {
    Subject {
        user: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(2).into(),
        organization: Uuid::from_u128(3).into(),
    }
}

fn verify(token: &str) -> Result<Verified, TokenError> {
    keys().verify(token, subject().organization, ISSUER, now())
}

fn claims() -> Value {
    let seconds = now().timestamp();
    json!({
        "iss": ISSUER, "sub": subject().user, "aud": AUDIENCE, "exp": seconds + 600, "iat": seconds, "nbf": seconds,
        "jti": Uuid::from_u128(9), "sid": subject().session, "org": subject().organization, "role": AUDIENCE,
    })
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some("one".to_owned());
    header
}

fn signed(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(&pkcs8(bytes(ONE.0)))).expect("signs")
}

fn with_claim(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&header(), &claims)
}

#[test]
fn a_minted_token_verifies_and_names_its_subject() {
    let minted = keys().mint(subject(), ISSUER, &source()).expect("signs");
    assert_eq!(minted.expires_at, now() + LIFETIME);
    assert_eq!(
        verify(&minted.token),
        Ok(Verified {
            subject: subject(),
            expires_at: minted.expires_at
        })
    );
    assert_eq!(
        verify(&signed(&header(), &claims())).map(|v| v.subject),
        Ok(subject()),
        "as do the claims by hand"
    );
}

#[test]
fn a_retired_key_still_verifies() {
    let retired = signing_with("two", TWO);
    let old = keys().mint(subject(), ISSUER, &source()).expect("signs");
    assert!(
        retired
            .verify(&old.token, subject().organization, ISSUER, now())
            .is_ok()
    );
}

#[test]
fn times_are_checked_with_a_little_leeway() {
    let minted = keys().mint(subject(), ISSUER, &source()).expect("signs");
    let at = |seconds| {
        let then = now() + TimeDelta::seconds(seconds);
        keys()
            .verify(&minted.token, subject().organization, ISSUER, then)
            .map(drop)
    };
    for (seconds, expected) in [
        (-6, Err(TokenError::Invalid)),
        (-5, Ok(())),
        (0, Ok(())),
        (604, Ok(())),
        (605, Err(TokenError::Expired)),
        (86_400, Err(TokenError::Expired)),
    ] {
        assert_eq!(at(seconds), expected, "{seconds} s after it was made");
    }
}

#[test]
fn another_organizations_token_is_told_apart() {
    let minted = keys().mint(subject(), ISSUER, &source()).expect("signs");
    let other = Uuid::from_u128(4).into();
    let verified = keys().verify(&minted.token, other, "http://globex.example.com", now());
    assert_eq!(verified, Err(TokenError::OtherOrganization));
}

#[test]
fn wrong_claims_are_refused() {
    let seconds = now().timestamp();
    for (name, value) in [
        ("aud", json!("anon")),
        ("aud", json!([AUDIENCE, "anon"])),
        ("iss", json!("http://globex.example.com")),
        ("nbf", json!(seconds + 60)),
        ("exp", json!("tomorrow")),
        ("exp", json!(i64::MAX)),
        ("sub", json!("ann")),
        ("sid", Value::Null),
        ("org", Value::Null),
    ] {
        assert_eq!(
            verify(&with_claim(name, value.clone())),
            Err(TokenError::Invalid),
            "{name}: {value}"
        );
    }
    assert_eq!(
        verify(&with_claim("exp", json!(seconds - 60))),
        Err(TokenError::Expired)
    );
}

#[test]
fn a_missing_claim_is_refused() {
    for name in ["iss", "sub", "aud", "exp", "nbf", "sid", "org"] {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        assert_eq!(
            verify(&signed(&header(), &claims)),
            Err(TokenError::Invalid),
            "without {name}"
        );
    }
}

#[test]
fn wrong_headers_are_refused() {
    let changes: [fn(&mut Header); 6] = [
        |header| header.typ = Some("JWT".to_owned()),
        |header| header.typ = None,
        |header| header.kid = Some("three".to_owned()),
        |header| header.kid = Some("two".to_owned()),
        |header| header.kid = None,
        |header| header.crit = Some(vec!["exp".to_owned()]),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut header = header();
        change(&mut header);
        assert_eq!(
            verify(&signed(&header, &claims())),
            Err(TokenError::Invalid),
            "change {at}"
        );
    }
}

#[test]
fn other_algorithms_are_refused() {
    use base64::Engine as _;
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "None", "NONE"] {
        let header = encode(&json!({ "alg": alg, "typ": TYPE, "kid": "one" }));
        let unsigned = format!("{header}.{}.", encode(&claims()));
        assert_eq!(verify(&unsigned), Err(TokenError::Invalid), "alg {alg}");
    }
    // The classic confusion: the public key used as a secret of HMAC.
    let mut hmac = header();
    hmac.alg = Algorithm::HS256;
    let forged =
        jsonwebtoken::encode(&hmac, &claims(), &EncodingKey::from_secret(&bytes(ONE.1))).expect("signs");
    assert_eq!(verify(&forged), Err(TokenError::Invalid));
}

#[test]
fn a_changed_token_is_refused() {
    let token = signed(&header(), &claims());
    let other = with_claim("sub", json!(Uuid::from_u128(8)));
    let parts: Vec<&str> = token.split('.').collect();
    let others: Vec<&str> = other.split('.').collect();
    for text in [
        format!("{}.{}.{}", parts[0], others[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.x"),
        "..".to_owned(),
        String::new(),
    ] {
        assert_eq!(verify(&text), Err(TokenError::Invalid), "{text}");
    }
}
