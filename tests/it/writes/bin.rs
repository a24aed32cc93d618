//! What falls with a removed record, what comes back with it, and what is removed for good.

use std::time::Instant;

use super::*;
use tenant_schema::records::CallBy;
use tokio_postgres::Client;

/// Of cabinets, folders, papers and remarks: what hangs together, and what does not.
///
/// The cabinet holds folder 1, that folder 2, that folder 3 and paper 1, which is also the cover of folder 2 and of
/// folder 5. Remark 1 is on paper 1, remark 2 on folder 3, remark 3 on both. Folder 4 is elsewhere, with paper 3 and
/// the remarks 4 and 5.
const RECORDS: &str = "
insert into cabinets (id, name) values ('00000000-0000-7000-8000-00000000000c', 'Blue');
insert into seals (id, cabinet_id) values (1, '00000000-0000-7000-8000-00000000000c');
insert into folders (id, parent_id, cabinet_id, name) values
    (1, null, '00000000-0000-7000-8000-00000000000c', 'one'), (2, 1, null, 'two'), (3, 2, null, 'three'),
    (4, null, null, 'four'), (5, null, null, 'five');
insert into papers (id, code, folder_id) values (1, 'P1', 2), (2, 'P2', null), (3, 'P3', 4);
insert into stickers (id, paper_id) values (1, 1);
update folders set cover_code = 'P1' where id in (2, 5);
insert into remarks (id, paper_id, folder_id, text) values
    (1, 1, null, 'a'), (2, null, 3, 'b'), (3, 1, 3, 'c'), (4, null, 4, 'd'), (5, 3, null, 'e');";

pub(super) const CABINET: &str = "00000000-0000-7000-8000-00000000000c";

/// What falls with the cabinet.
pub(super) const ALL: [&str; 9] = [
    "cabinets",
    "folders 1",
    "folders 2",
    "folders 3",
    "folders 5",
    "papers 1",
    "remarks 1",
    "remarks 2",
    "remarks 3",
];

pub(super) struct Office {
    pub(super) scene: Scene,
    pub(super) sql: Client,
}

impl Office {
    pub(super) async fn set() -> Self {
        let scene = Box::pin(Scene::set()).await;
        let sql = scene.t.as_superuser().await;
        let office = Self { scene, sql };
        let path = office.scene.acme.schema.search_path();
        office.run(&format!("set search_path = {path}; {RECORDS}")).await;
        office
    }

    pub(super) async fn run(&self, sql: &str) {
        self.sql.batch_execute(sql).await.expect(sql);
    }

    /// Another session, in the tenant's schema.
    pub(super) async fn session(&self) -> Client {
        let session = self.scene.t.as_superuser().await;
        let path = self.scene.acme.schema.search_path();
        let enter = format!("set search_path = {path}");
        session.batch_execute(&enter).await.expect("a path");
        session
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.sql.query(sql, &[]).await.expect(sql);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What is deleted, in the order of names.
    pub(super) async fn deleted(&self) -> Vec<String> {
        self.records("deleted_at is not null").await
    }

    /// The records of which a condition holds.
    pub(super) async fn records(&self, condition: &str) -> Vec<String> {
        let tables = ["folders", "papers", "remarks", "seals", "stickers"];
        let tables =
            tables.map(|table| format!("union all select '{table} ' || id from {table} where {condition}"));
        let cabinets = format!("select 'cabinets' from cabinets where {condition}");
        self.texts(&format!("{cabinets} {} order by 1", tables.join(" ")))
            .await
    }

    /// The deletions that live records and deleted ones are part of.
    pub(super) async fn deletions(&self) -> [Vec<String>; 2] {
        let of = |is: &str| {
            let tables = ["cabinets", "folders", "papers", "remarks"];
            let each =
                tables.map(|table| format!("select deletion_id::text from {table} where deleted_at is {is}"));
            let all = each.join(" union ");
            format!("select d.* from ({all}) d where d.deletion_id is not null")
        };
        [self.texts(&of("null")).await, self.texts(&of("not null")).await]
    }

    pub(super) async fn one(&self, object: &str, operation: Operation<'_>, prefer: &str) -> (u16, Value) {
        let ask = Ask {
            prefer,
            ..Ask::default()
        };
        told(Box::pin(self.scene.run(object, ask, operation)).await)
    }

    pub(super) async fn delete(&self, object: &str, id: &str) -> (u16, Value) {
        let target = Target::Id(id);
        self.one(object, Operation::Delete { target }, "").await
    }

    pub(super) async fn restore(&self, object: &str, id: &str) -> (u16, Value) {
        self.one(object, Operation::Restore { id }, "").await
    }

    async fn purge(&self, object: &str, id: &str) -> (u16, Value) {
        self.one(object, Operation::Purge { id }, "").await
    }

    /// The code of a restore that is refused with 409.
    pub(super) async fn conflict(&self, object: &str, id: &str) -> String {
        let (status, body) = self.restore(object, id).await;
        assert_eq!(status, 409, "{body}");
        body["code"].as_str().expect("a code").to_owned()
    }
}

const DONE: (u16, Value) = (204, Value::Null);

#[tokio::test]
async fn what_falls_together_is_restored_together_and_what_fell_before_stays() {
    let office = Office::set().await;
    assert_eq!(office.delete("remarks", "2").await, DONE);
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    assert_eq!(office.deleted().await, ALL);
    let [live, deleted] = office.deletions().await;
    assert_eq!((live.len(), deleted.len()), (0, 2));
    assert_eq!(office.restore("cabinets", CABINET).await, DONE);
    assert_eq!(office.deleted().await, ["remarks 2"]);
    let [live, deleted] = office.deletions().await;
    assert_eq!((live.len(), deleted.len()), (0, 1));
    assert_eq!(office.restore("remarks", "2").await, DONE);
    assert_eq!(office.deleted().await, [""; 0]);
}

#[tokio::test]
async fn records_that_belong_to_each_other_fall_once() {
    let office = Office::set().await;
    // In tables that refer to themselves and to each other, and from any place in them.
    for (object, id, falls) in [
        ("folders", "1", &ALL[1..]),
        ("folders", "2", &ALL[2..]),
        ("papers", "1", &ALL[2..]),
        ("folders", "3", &["folders 3", "remarks 2", "remarks 3"]),
        ("folders", "5", &["folders 5"]),
        ("remarks", "3", &["remarks 3"]),
    ] {
        let answer = office
            .one(
                object,
                Operation::Delete {
                    target: Target::Id(id),
                },
                "return=representation",
            )
            .await;
        assert_eq!((answer.0, answer.1["id"].to_string().as_str()), (200, id));
        assert_eq!(office.deleted().await, falls, "{object} {id}");
        assert_eq!(office.deletions().await[1].len(), 1);
        let answer = office
            .one(object, Operation::Restore { id }, "return=representation")
            .await;
        assert_eq!((answer.0, answer.1["id"].to_string().as_str()), (200, id));
        assert_eq!(answer.1.get("deletion_id"), None, "it is read by its name only");
        assert_eq!(office.deleted().await, [""; 0], "{object} {id}");
    }
    // A record that belongs to itself.
    office.run("update folders set parent_id = 4 where id = 4").await;
    assert_eq!(office.delete("folders", "4").await, DONE);
    assert_eq!(
        office.deleted().await,
        ["folders 4", "papers 3", "remarks 4", "remarks 5"]
    );
    assert_eq!(office.restore("folders", "4").await, DONE);
}

#[tokio::test]
async fn a_delete_counts_what_it_finds_and_takes_along_the_rest() {
    let office = Office::set().await;
    let prefer = "count=exact,max-affected=2,handling=strict,return=representation";
    let both = office
        .scene
        .delete("folders", "select=id&id=in.(1,4)&order=id", prefer)
        .await;
    let answer = both.expect("two were found");
    assert_eq!(answer.content_range.as_deref(), Some("*/2"));
    assert_eq!(told(Ok(answer)), (200, json!([{ "id": 1 }, { "id": 4 }])));
    assert_eq!(office.deleted().await.len(), ALL.len() + 3);
    // They fell together, so they come back together.
    assert_eq!(office.deletions().await[1].len(), 1);
    assert_eq!(office.restore("folders", "4").await, DONE);
    assert_eq!(office.deleted().await, [""; 0]);
    // A page of what is there: what falls with it is not counted either.
    let one = office
        .scene
        .delete("folders", "order=id&limit=1", "max-affected=1,handling=strict");
    assert_eq!(told(one.await), DONE);
    assert_eq!(office.deleted().await, ALL[1..]);
    // What is in the bin is not deleted again.
    let again = office
        .scene
        .delete("folders", "deleted_at=not.is.null", "count=exact")
        .await;
    assert_eq!(
        again.expect("nothing is found").content_range.as_deref(),
        Some("*/0")
    );
    assert_eq!(office.deletions().await[1].len(), 1);
    let only = told(office.scene.delete("folders", "id=eq.1&deleted=only", "").await);
    assert_eq!((only.0, &only.1["code"]), (400, &json!("PGRST100")));
}

#[tokio::test]
async fn a_record_comes_back_only_to_what_it_belongs_to() {
    let office = Office::set().await;
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    // The cabinet came down and took the folder along: what is above is not restored from below.
    assert_eq!(office.conflict("folders", "1").await, "parent_deleted");
    assert_eq!(office.conflict("remarks", "3").await, "parent_deleted");
    let refused = office
        .scene
        .run("remarks", Ask::default(), Operation::Restore { id: "2" });
    let hint = refused.await.expect_err("its folder is deleted").hint();
    assert_eq!(
        hint.as_deref(),
        Some("Restore its record of 'folders' first, which brings back what was deleted with it")
    );
    assert_eq!(office.deleted().await, ALL);
    // What belongs to records of its own deletion comes back with them.
    office
        .run("update cabinets set deleted_at = null, deletion_id = null")
        .await;
    assert_eq!(office.restore("folders", "3").await, DONE);
    assert_eq!(office.deleted().await, [""; 0]);
    // It is there, but not deleted; or it is not there.
    assert_eq!(office.conflict("folders", "3").await, "not_deleted");
    assert_eq!(office.restore("folders", "77").await.0, 404);
    assert_eq!(office.restore("folders", "x").await.0, 400);
    assert_eq!(
        office.restore("tasks", "x").await,
        (400, json!({ "code": "bin_unsupported", "details": null }))
    );
}

#[tokio::test]
async fn a_value_that_was_taken_meanwhile_holds_a_record_back() {
    let office = Office::set().await;
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    let twin = office
        .scene
        .insert("cabinets", "", "", &json!({ "name": "BLUE" }))
        .await;
    assert_eq!(told(twin).0, 201);
    let refused = office
        .scene
        .run("cabinets", Ask::default(), Operation::Restore { id: CABINET })
        .await;
    let refused = refused.expect_err("the name is taken");
    assert_eq!((refused.status(), refused.code()), (409, "23505"));
    assert!(refused.message().contains("cabinets_name_key"), "{refused}");
    assert!(
        refused.hint().is_some_and(|hint| hint.contains("live record")),
        "{refused:?}"
    );
    assert_eq!(office.deleted().await, ALL);
}

#[tokio::test]
async fn a_write_that_fails_in_the_middle_leaves_nothing() {
    let office = Office::set().await;
    office.run("update remarks set text = 'stay' where id = 1").await;
    let refused = office.delete("cabinets", CABINET).await;
    assert_eq!((refused.0, &refused.1["code"]), (422, &json!("23514")));
    assert_eq!(office.deleted().await, [""; 0]);
    assert_eq!(office.deletions().await, [const { Vec::<String>::new() }; 2]);
    let tried = office
        .one(
            "folders",
            Operation::Delete {
                target: Target::Id("4"),
            },
            "tx=rollback",
        )
        .await;
    assert_eq!(tried, DONE);
    assert_eq!(office.deleted().await, [""; 0]);
}

#[tokio::test]
async fn a_body_marks_a_record_alone() {
    let office = Office::set().await;
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    let live = json!({ "deleted_at": null });
    let back = office
        .scene
        .update("cabinets", "id=not.is.null&deleted=only", "", &live)
        .await;
    assert_eq!(told(back), DONE);
    assert_eq!(office.deleted().await, ALL[1..]);
    let [live, deleted] = office.deletions().await;
    assert_eq!(
        (live.len(), deleted.len()),
        (0, 1),
        "the cabinet has left its deletion"
    );
    // A record that is deleted stays what it was, whatever moment is written.
    let moment = json!({ "deleted_at": "2026-01-01T00:00:00Z" });
    let written = office
        .scene
        .update("folders", "id=in.(1,4)&deleted=include", "", &moment)
        .await;
    assert_eq!(told(written), DONE);
    let with = office
        .scene
        .list(
            "folders",
            "select=id,deletion_id&id=in.(1,4)&deleted=only&order=id",
        )
        .await;
    assert_eq!(
        (&with[0]["deletion_id"], &with[1]["deletion_id"]),
        (&json!(deleted[0]), &Value::Null)
    );
    // One that a body deleted comes back alone.
    assert_eq!(office.restore("folders", "4").await, DONE);
    assert_eq!(office.restore("folders", "1").await, DONE);
    assert_eq!(office.deleted().await, [""; 0]);
    let forged = office
        .scene
        .update("folders", "id=eq.4", "", &json!({ "deletion_id": CABINET }))
        .await;
    assert_eq!(told(forged).1["code"], "428C9");
}

#[tokio::test]
async fn what_is_purged_is_gone_with_what_belongs_to_it() {
    let office = Office::set().await;
    let refused = office.purge("cabinets", CABINET).await;
    assert_eq!((refused.0, &refused.1["code"]), (409, &json!("not_deleted")));
    assert_eq!(office.purge("folders", "77").await.0, 404);
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    office
        .run(&format!("insert into locks (cabinet_id) values ('{CABINET}')"))
        .await;
    let refused = office
        .scene
        .run("cabinets", Ask::default(), Operation::Purge { id: CABINET })
        .await;
    let refused = refused.expect_err("a lock needs it");
    assert_eq!((refused.status(), refused.code()), (409, "23503"));
    assert!(refused.message().contains("locks_cabinet_id_fkey"), "{refused}");
    office.run("delete from locks").await;
    let answer = office
        .one(
            "cabinets",
            Operation::Purge { id: CABINET },
            "return=representation",
        )
        .await;
    assert_eq!((answer.0, &answer.1["name"]), (200, &json!("Blue")));
    assert_eq!(office.deleted().await, [""; 0], "all that fell belonged to it");
    assert_eq!(
        office.texts("select text from remarks order by id").await,
        ["d", "e"]
    );
    assert_eq!(
        office
            .texts("select id::text from stickers union all select id::text from seals")
            .await,
        [""; 0]
    );
}

#[tokio::test]
async fn ten_thousand_records_fall_and_come_back_in_one_statement() {
    let office = Office::set().await;
    office
        .run(
            "insert into remarks (id, folder_id, text) select n, 3, 'x' from generate_series(10001, 20000) n;
             insert into folders (id, parent_id, name) select n, 1, 'y' from generate_series(1001, 2000) n;
             insert into remarks (id, paper_id, text) select n, 3, 'z' from generate_series(20001, 70000) n;
             analyze",
        )
        .await;
    let start = Instant::now();
    assert_eq!(office.delete("cabinets", CABINET).await, DONE);
    let fell = start.elapsed();
    assert_eq!(office.deleted().await.len(), ALL.len() + 11_000);
    let start = Instant::now();
    assert_eq!(office.restore("cabinets", CABINET).await, DONE);
    crate::tell(&format!(
        "11,009 records of 61,000 fall in {} ms and come back in {} ms",
        fell.as_millis(),
        start.elapsed().as_millis()
    ));
    assert_eq!(office.deleted().await, [""; 0]);
}

#[tokio::test]
async fn a_functions_records_are_looked_at_by_the_word_too() {
    let office = Office::set().await;
    assert_eq!(office.delete("folders", "3").await, DONE);
    let query = |word: &str| format!("select=id&parent=2{word}");
    for (word, found) in [
        ("", json!([])),
        ("&deleted=only", json!([{ "id": 3 }])),
        ("&deleted=include", json!([{ "id": 3 }])),
    ] {
        let query = query(word);
        let ask = Ask {
            query: &query,
            ..Ask::default()
        };
        let called = office
            .scene
            .run("folders_of", ask, Operation::Call(CallBy::Get))
            .await;
        assert_eq!(told(called), (200, found), "{word}");
    }
}

#[tokio::test]
async fn a_chain_of_any_length_falls() {
    let office = Office::set().await;
    office
        .run("insert into folders (id, parent_id, name) select n, nullif(n - 1, 999), 'n' from generate_series(1000, 2999) n")
        .await;
    assert_eq!(office.delete("folders", "1000").await, DONE);
    assert_eq!(office.deleted().await.len(), 2000);
}
