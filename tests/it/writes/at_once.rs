//! Removing and restoring while somebody else does, each the moment the other waits for it.

use tokio_postgres::Client;

use super::bin::{ALL, CABINET, Office};
use super::*;

/// Ends when the server says that somebody waits for a lock of this session's.
async fn somebody_waits_for(locker: &Client) {
    let blocked = "select exists (select from pg_stat_activity a where pg_backend_pid() = any (pg_blocking_pids(a.pid)))";
    while !locker
        .query_one(blocked, &[])
        .await
        .expect("an answer")
        .get::<_, bool>(0)
    {}
}

/// Runs `first` in a transaction that stays open until the request waits for it, and ends it then with `last`.
async fn meanwhile<T>(office: &Office, first: &str, request: impl Future<Output = T>, last: &str) -> T {
    let locker = office.session().await;
    locker
        .batch_execute(&format!("begin; {first}"))
        .await
        .expect(first);
    let release = async {
        somebody_waits_for(&locker).await;
        locker.batch_execute(last).await.expect(last);
    };
    tokio::join!(request, release).0
}

const DONE: (u16, Value) = (204, Value::Null);
const OTHER: &str = "00000000-0000-7000-8000-0000000000ff";

/// Changes of one record in the middle of what falls, in each kind of place.
const PLACES: [&str; 4] = [
    "cabinets set version = version",
    "folders set name = name where id = 3",
    "papers set title = 'x' where id = 1",
    "remarks set text = text where id = 3",
];

#[tokio::test]
async fn a_record_that_is_changed_meanwhile_falls_all_the_same() {
    let office = Office::set().await;
    for place in PLACES {
        let delete = office.delete("cabinets", CABINET);
        let done = meanwhile(&office, &format!("update {place}"), delete, "commit").await;
        assert_eq!(done, DONE, "{place}");
        assert_eq!(office.deleted().await, ALL, "{place}");
        assert_eq!(office.deletions().await[1].len(), 1, "{place}");
        let restore = office.restore("cabinets", CABINET);
        let done = meanwhile(&office, &format!("update {place}"), restore, "commit").await;
        assert_eq!(done, DONE, "{place}");
        assert_eq!(office.deleted().await, [""; 0], "{place}");
    }
}

#[tokio::test]
async fn records_that_belong_to_each_other_fall_all_the_same() {
    let office = Office::set().await;
    for place in PLACES {
        let locks = format!("update {place}");
        if place.starts_with("cabinets") {
            continue;
        }
        let done = meanwhile(&office, &locks, office.delete("folders", "1"), "commit").await;
        assert_eq!(done, DONE, "{place}");
        assert_eq!(office.deleted().await, ALL[1..], "{place}");
        let done = meanwhile(&office, &locks, office.restore("folders", "1"), "commit").await;
        assert_eq!(done, DONE, "{place}");
        assert_eq!(office.deleted().await, [""; 0], "{place}");
    }
}

#[tokio::test]
async fn a_record_that_falls_meanwhile_is_left_to_its_own_deletion() {
    let office = Office::set().await;
    // A folder with what belongs to it, and a record to which nothing does.
    for places in [
        &["folders set {} where id = 3", "remarks set {} where id in (2, 3)"][..],
        &["remarks set {} where id = 1"],
    ] {
        let mark = |to: &str| {
            let updates = places
                .iter()
                .map(|place| format!("update {};", place.replace("{}", to)));
            updates.collect::<String>()
        };
        let gone = mark(&format!("deleted_at = now(), deletion_id = '{OTHER}'"));
        let done = meanwhile(&office, &gone, office.delete("cabinets", CABINET), "commit").await;
        assert_eq!(done, DONE, "{gone}");
        assert_eq!(office.deleted().await, ALL, "{gone}");
        assert_eq!(office.deletions().await[1].len(), 2, "{gone}");
        assert_eq!(office.restore("cabinets", CABINET).await, DONE, "{gone}");
        let [live, deleted] = office.deletions().await;
        assert_eq!((live.len(), deleted), (0, vec![OTHER.to_owned()]), "{gone}");
        office.run(&mark("deleted_at = null, deletion_id = null")).await;
    }
}

#[tokio::test]
async fn a_record_is_deleted_once_and_restored_once() {
    let office = Office::set().await;
    let gone = format!("update cabinets set deleted_at = now(), deletion_id = '{OTHER}'");
    let late = meanwhile(&office, &gone, office.delete("cabinets", CABINET), "commit").await;
    assert_eq!(late.0, 404);
    assert_eq!(
        office.deleted().await,
        ["cabinets"],
        "what belongs to it was not theirs to take"
    );
    let back = "update cabinets set deleted_at = null, deletion_id = null";
    let late = meanwhile(&office, back, office.restore("cabinets", CABINET), "commit").await;
    assert_eq!((late.0, &late.1["code"]), (409, &json!("not_deleted")));
    // Restored and deleted anew: what is found to restore is not what is there any more.
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    let anew = format!("{back}; {gone}");
    let late = meanwhile(&office, &anew, office.restore("cabinets", CABINET), "commit").await;
    assert_eq!((late.0, &late.1["code"]), (409, &json!("not_deleted")));
    assert_eq!(office.deleted().await, ALL);
    // The other gave up.
    office
        .run("update cabinets set deleted_at = null, deletion_id = null")
        .await;
    let done = meanwhile(&office, &gone, office.delete("cabinets", CABINET), "rollback").await;
    assert_eq!(done, DONE);
    assert_eq!(office.restore("cabinets", CABINET).await, DONE);
}

#[tokio::test]
async fn two_who_delete_at_once_leave_nothing_live_and_nothing_twice() {
    let office = Office::set().await;
    let tenants = office.scene.t.tenants();
    let other = office.scene.acme.records(&office.scene.t, &tenants);
    for (object, filter) in [
        ("folders", "id=eq.1"),
        ("folders", "id=eq.3"),
        ("papers", "id=eq.1"),
        ("remarks", "id=gt.0"),
    ] {
        for _ in 0..5 {
            let (one, two) = tokio::join!(office.delete("cabinets", CABINET), other.delete(object, filter));
            let statuses = (one.0, two.map_or_else(|error| error.status(), |_| 200));
            // Who locks what the other has locked is told to try again.
            assert!(
                [(204, 200), (409, 200), (204, 409)].contains(&statuses),
                "{statuses:?}"
            );
            assert_eq!(office.deletions().await[0], [""; 0]);
            if statuses.0 == 204 {
                let fell = office.deleted().await;
                assert!(
                    ALL.iter().all(|label| fell.iter().any(|known| known == label)),
                    "{fell:?}"
                );
            }
            office
                .run(
                    "update cabinets set deleted_at = null, deletion_id = null;
                     update folders set deleted_at = null, deletion_id = null;
                     update papers set deleted_at = null, deletion_id = null;
                     update remarks set deleted_at = null, deletion_id = null",
                )
                .await;
        }
    }
}
