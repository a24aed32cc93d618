//! Containers that were cut, altered, or made by somebody who means harm.

use std::io::Cursor;

use tenant_schema::container::reference::References;
use tenant_schema::container::{ContainerError, Reader, check};
use tests::TestDb;

use super::{exported, exported_by, imported, new};
use crate::fleet::Small;
use crate::lifecycle::leftovers::leftovers;

/// A container of a small tenant with records, made with the first version of its template.
async fn small() -> (Small, Vec<u8>) {
    let small = Small::with(&["ant"]).await;
    small.notes(20).await;
    let references = References::of(&small.template());
    let container = exported_by(&small.t, &references, "ant").await;
    (small, container.bytes)
}

#[tokio::test]
async fn a_container_that_is_cut_anywhere_is_no_container() {
    let (_small, whole) = small().await;
    check(Cursor::new(&whole)).await.expect("it is whole");
    for length in 0..whole.len() {
        let cut = check(Cursor::new(&whole[..length])).await;
        let error = cut.expect_err(&format!("{length} of {} bytes", whole.len()));
        let is_told = matches!(error, ContainerError::Cut(_))
            || matches!(error, ContainerError::Foreign) && length < 21;
        assert!(is_told, "{length} bytes: {error}");
    }
    let mut longer = whole.clone();
    longer.push(b'x');
    let error = check(Cursor::new(&longer)).await.expect_err("something follows");
    assert!(matches!(error, ContainerError::Altered(_)), "{error}");
    crate::tell(&format!("a container cut at each of its {} bytes", whole.len()));
}

#[tokio::test]
async fn a_container_in_which_any_byte_was_changed_is_refused() {
    let (_small, whole) = small().await;
    for at in 0..whole.len() {
        for change in [0x01, 0x80] {
            let mut altered = whole.clone();
            altered[at] ^= change;
            let read = check(Cursor::new(&altered)).await;
            assert!(read.is_err(), "byte {at} of {}", whole.len());
        }
    }
}

#[tokio::test]
async fn an_altered_container_leaves_nothing() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    crate::lifecycle::clone::fill(&t.as_owner().await, &acme).await;
    let whole = exported(&t, "acme").await.bytes;
    let before = leftovers(&t).await;
    let mut seal = whole.clone();
    if let Some(last) = seal.last_mut() {
        *last ^= 1;
    }
    let cut = whole[..whole.len() - 37].to_vec();
    for (bytes, says) in [(seal, "its SHA-256 is another"), (cut, "cut off")] {
        let refused = imported(&t, t.catalog(), &bytes, &new("copy", &acme.owner, false)).await;
        let refused = refused.expect_err("it is damaged").to_string();
        assert!(refused.contains(says), "{refused}");
        assert_eq!(leftovers(&t).await, before);
    }
}

#[tokio::test]
async fn lengths_and_beginnings_are_not_believed() {
    let part = |kind: u8, length: u32| {
        let mut bytes = b"TENANTRY CONTAINER 1\n".to_vec();
        bytes.push(kind);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes
    };
    for (bytes, says) in [
        (
            part(b'H', u32::MAX),
            "a part of 4294967295 bytes, where 16777216 is the most",
        ),
        (
            part(b'H', 1000),
            "the container is cut off: it ends within its head",
        ),
        (part(b'D', 10), "the container is cut off"),
        (part(b'?', 10), "there is something that no container has"),
        (
            b"TENANTRY CONTAINER 2\n...".to_vec(),
            "the container is of format 2",
        ),
        (b"PGDMP and so on and so on".to_vec(), "this is no container"),
        (b"TENANTRY".to_vec(), "this is no container"),
        (Vec::new(), "this is no container"),
    ] {
        let refused = Reader::open(Cursor::new(bytes))
            .await
            .err()
            .expect("it is refused");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}
