//! What is taken for a password, what verifies, and who waits.

use super::*;

fn hasher(params: Argon2Params) -> PasswordHasher {
    PasswordHasher::new(params, Source::system()).expect("parameters Argon2 takes")
}

fn presented(text: &str) -> PlainPassword {
    PlainPassword::presented(text.to_owned()).expect("a short text")
}

#[test]
fn a_choice_is_bounded_and_is_not_the_address() {
    let ann: EmailAddress = "annette@example.com".parse().expect("an address");
    let chosen = |text: &str| PlainPassword::chosen(text.to_owned(), &ann).map(|_| ());
    assert_eq!(chosen("pässwörd"), Ok(()));
    assert_eq!(chosen(&"ß".repeat(256)), Ok(()));
    assert_eq!(chosen("seven77"), Err(PasswordRefused::TooShort));
    assert_eq!(chosen(&"x".repeat(257)), Err(PasswordRefused::TooLong));
    assert_eq!(chosen("with\0zero"), Err(PasswordRefused::Nul));
    assert_eq!(chosen("Annette@Example.com"), Err(PasswordRefused::SameAsAddress));
}

#[tokio::test]
async fn only_the_right_password_verifies() {
    let hasher = hasher(Argon2Params::CHEAPEST);
    let hash = hasher.hash(&presented("correct horse")).await.expect("a hash");
    let right = hasher.verify(Some(&hash), &presented("correct horse")).await;
    let wrong = hasher.verify(Some(&hash), &presented("correct horsf")).await;
    let unknown = hasher.verify(None, &presented("correct horse")).await;
    assert_eq!(
        right,
        Ok(Verdict {
            ok: true,
            needs_rehash: false
        })
    );
    assert_eq!(
        wrong,
        Ok(Verdict {
            ok: false,
            needs_rehash: false
        })
    );
    assert_eq!(
        unknown,
        Ok(Verdict {
            ok: false,
            needs_rehash: false
        })
    );
}

#[tokio::test]
async fn a_hash_of_other_parameters_verifies_and_asks_for_a_new_one() {
    let old = hasher(Argon2Params::CHEAPEST)
        .hash(&presented("correct horse"))
        .await
        .expect("a hash");
    let today = hasher(Argon2Params {
        passes: 2,
        ..Argon2Params::CHEAPEST
    });
    let verdict = today.verify(Some(&old), &presented("correct horse")).await;
    assert_eq!(
        verdict,
        Ok(Verdict {
            ok: true,
            needs_rehash: true
        })
    );
}

#[tokio::test]
async fn a_full_queue_sheds_the_next_caller() {
    let hasher = hasher(Argon2Params::CHEAPEST);
    let all = u32::try_from(RUNNING + WAITING).expect("a small number");
    let everybody = hasher.inner.queue.acquire_many(all).await.expect("an open queue");
    assert_eq!(
        hasher.verify(None, &presented("x")).await,
        Err(HashingError::Busy)
    );
    drop(everybody);
    assert!(hasher.verify(None, &presented("x")).await.is_ok());
}

#[tokio::test]
async fn one_organization_can_take_half_of_the_queue_at_most() {
    let hasher = hasher(Argon2Params::CHEAPEST);
    let [flooded, other] = [1, 2].map(|n| OrganizationId::from(uuid::Uuid::from_u128(n)));
    let flood: Vec<_> = (0..SHARE).map(|_| Share::take(&hasher.inner, flooded)).collect();
    assert!(flood.iter().all(Result::is_ok));
    let at = |organization| hasher.on_behalf_of(organization);
    let busy = at(flooded).verify(None, &presented("x")).await;
    assert_eq!(busy, Err(HashingError::Busy));
    assert!(at(other).verify(None, &presented("x")).await.is_ok());
    drop(flood);
    assert!(at(flooded).hash(&presented("x")).await.is_ok());
    assert!(
        hasher.inner.shares().is_empty(),
        "what is given back is forgotten"
    );
}

#[test]
fn half_of_the_queue_is_left_to_others() {
    assert_eq!(SHARE * 2, RUNNING + WAITING);
}

#[test]
fn the_recommended_hash_says_its_parameters() {
    let hasher = hasher(Argon2Params::RECOMMENDED);
    assert!(
        hasher
            .inner
            .dummy
            .as_str()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
}

#[test]
fn nothing_shows_in_debug() {
    let hash = PasswordHash::try_from("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo".to_owned());
    assert_eq!(format!("{:?}", hash.expect("a PHC string")), "PasswordHash(…)");
    assert_eq!(format!("{:?}", presented("secret")), "PlainPassword(…)");
    assert!(PasswordHash::try_from("secret".to_owned()).is_err());
}
