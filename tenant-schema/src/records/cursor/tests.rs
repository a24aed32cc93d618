//! Cursors are read as they were written, and not otherwise.

use super::*;
use crate::records::fixture::cursors;

fn list(name: &str) -> ListDigest {
    ListDigest::of([name].into_iter())
}

fn values() -> Vec<Option<String>> {
    vec![
        Some("a\u{1F600}".to_owned()),
        None,
        Some(String::new()),
        Some("2026-01-01 00:00:00+00".to_owned()),
    ]
}

#[test]
fn what_is_written_is_read_again() {
    for values in [vec![], vec![None], values()] {
        let text = cursors().write(list("a"), &values).unwrap();
        assert_eq!(cursors().read(list("a"), &text), Ok(values));
    }
}

#[test]
fn a_cursor_is_that_of_its_list_and_its_tenant() {
    let text = cursors().write(list("a"), &values()).unwrap();
    assert_eq!(cursors().read(list("b"), &text), Err(CursorError::Mismatch));
    let CursorSeal { keys, .. } = cursors();
    let other = keys.of(uuid::Uuid::from_u128(8).into());
    assert_eq!(other.read(list("a"), &text), Err(CursorError::Invalid));
    let ring: KeyRing = "k:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().unwrap();
    let elsewhere = CursorKeys::new(&ring).of(uuid::Uuid::from_u128(7).into());
    assert_eq!(elsewhere.read(list("a"), &text), Err(CursorError::Invalid));
}

#[test]
fn a_cursor_outlives_the_key_that_signed_it_being_replaced() {
    let text = cursors().write(list("a"), &values()).unwrap();
    let both =
        "new:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let rotated = CursorKeys::new(&both.parse().unwrap()).of(uuid::Uuid::from_u128(7).into());
    assert_eq!(rotated.read(list("a"), &text), Ok(values()));
    let text = rotated.write(list("a"), &values()).unwrap();
    assert_eq!(cursors().read(list("a"), &text), Err(CursorError::Invalid));
}

#[test]
fn a_changed_or_cut_cursor_is_none() {
    let text = cursors().write(list("a"), &values()).unwrap();
    for at in 0..text.len() {
        let cut = &text[..at];
        assert_eq!(
            cursors().read(list("a"), cut),
            Err(CursorError::Invalid),
            "cut at {at}"
        );
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(
            cursors().read(list("a"), &changed),
            Err(CursorError::Invalid),
            "changed at {at}"
        );
    }
    for garbage in [
        "",
        "=",
        "ä",
        "first",
        "AQ",
        &"A".repeat(5000),
        &format!("{text}A"),
        &format!("{text}="),
    ] {
        assert_eq!(
            cursors().read(list("a"), garbage),
            Err(CursorError::Invalid),
            "{garbage}"
        );
    }
}

#[test]
fn a_cursor_has_an_end() {
    let of = |bytes| cursors().write(list("a"), &[Some("x".repeat(bytes))]);
    let most = of(MOST_VALUES - 2).unwrap();
    assert!(most.len() <= MOST_TEXT, "{}", most.len());
    assert!(cursors().read(list("a"), &most).is_ok());
    assert_eq!(of(MOST_VALUES - 1), None);
    assert_eq!(of(usize::from(NULL)), None);
    assert_eq!(of(100_000), None);
}
