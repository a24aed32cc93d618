//! Tokens that were not made here, or not for this.

use catalog::ids::{OrganizationId, SessionId, UserId};
use catalog::memberships::MemberRole::Member;
use serde_json::{Value, json};
use server::token::Subject;
use tests::TestApp;

/// The alphabet of base64url (RFC 4648, section 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0);
    for c in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == c).expect("base64url");
        bits = bits << 6 | u32::try_from(value).expect("less than 64");
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits & 255) as u8);
        }
    }
    bytes
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("three parts");
    serde_json::from_slice(&decode(part)).expect("JSON")
}

/// The header of a token.
pub(super) fn header(token: &str) -> Value {
    part(token, 0)
}

/// What a token says.
pub(super) fn claims(token: &str) -> Value {
    part(token, 1)
}

#[tokio::test]
async fn the_public_keys_are_served_and_name_the_tokens_key() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let header = header(&ann.token);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("at+jwt"))
    );
    for host in [acme.host().as_str(), "tenantry.test", "elsewhere.example"] {
        let answer = app
            .client(host)
            .get("/.well-known/jwks.json")
            .await
            .expect_status(200);
        assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
        let keys = answer.json()["keys"].clone();
        let key = &keys[0];
        assert_eq!(key["kid"], header["kid"]);
        assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
        assert_eq!(key.get("d"), None, "the private part stays inside");
    }
    let claims = claims(&ann.token);
    assert_eq!(claims["iss"], "http://acme.tenantry.test");
    assert_eq!(claims["org"], acme.organization().to_string());
    assert_eq!(claims["sub"], ann.user.id.to_string());
}

#[tokio::test]
async fn a_changed_token_is_no_token() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let parts: Vec<&str> = ann.token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    let mut forged = Vec::new();
    for at in (0..ann.token.len()).step_by(7) {
        let mut bytes = ann.token.clone().into_bytes();
        if bytes[at] != b'.' {
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            forged.push(String::from_utf8(bytes).expect("ASCII"));
        }
    }
    for alg in ["none", "None", "HS256", "RS256", "ES256", ""] {
        let mut changed = part(&ann.token, 0);
        changed["alg"] = json!(alg);
        let head = encode(changed.to_string().as_bytes());
        forged.push(format!("{head}.{payload}.{signature}"));
        forged.push(format!("{head}.{payload}."));
    }
    let mut elder = claims(&ann.token);
    elder["exp"] = json!(4_000_000_000_i64);
    forged.push(format!(
        "{header}.{}.{signature}",
        encode(elder.to_string().as_bytes())
    ));
    forged.extend([
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}A"),
    ]);
    for token in &forged {
        let answer = acme.nobody().bearer(token).get("/auth/v1/user").await;
        assert_eq!(answer.status(), 401, "{token}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer error="invalid_token""#)
        );
    }
    ann.get("/auth/v1/user").await.expect_status(200);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn a_token_signed_by_us_must_still_name_what_is_true() {
    let app = TestApp::new().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let ann = acme.member("ann", Member).await;
    let bob = acme.member("bob", Member).await;
    let claimed = claims(&ann.token);
    let session: SessionId = claimed["sid"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("a session");
    let right = Subject {
        user: ann.user.id,
        session,
        organization: acme.organization(),
    };
    let (no_user, no_session): (UserId, SessionId) = (app.db().source().id(), app.db().source().id());
    let no_organization: OrganizationId = app.db().source().id();
    let ours = "http://acme.tenantry.test";
    for (case, subject, issuer, expected) in [
        ("all is right", right, ours, 200),
        ("another scheme", right, "https://acme.tenantry.test", 401),
        ("another issuer", right, "http://globex.tenantry.test", 401),
        // The session lives, but is not theirs: as little is told as to any stranger.
        (
            "another person's session",
            Subject {
                user: bob.user.id,
                ..right
            },
            ours,
            404,
        ),
        (
            "nobody's session",
            Subject {
                user: no_user,
                ..right
            },
            ours,
            404,
        ),
        (
            "no session",
            Subject {
                session: no_session,
                ..right
            },
            ours,
            401,
        ),
        (
            "another tenant",
            Subject {
                organization: globex.organization(),
                ..right
            },
            ours,
            404,
        ),
        (
            "no tenant",
            Subject {
                organization: no_organization,
                ..right
            },
            ours,
            404,
        ),
    ] {
        let minted = app
            .keys()
            .mint(subject, issuer, app.db().source())
            .expect("signed");
        let answer = acme.nobody().bearer(&minted.token).get("/auth/v1/user").await;
        assert_eq!(answer.status(), expected, "{case}");
    }
}
