//! What falls is what PostgreSQL's own cascades would remove, whatever the records look like.

use super::bin::Office;

/// Numbers that look like chance, the same in every run.
struct Chance(u64);

impl Chance {
    /// `1..=most`, or nothing in one of four.
    fn reference(&mut self, most: u64) -> Option<u64> {
        // Knuth's linear congruential generator (MMIX); its high bits are the better ones.
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.0 >> 33
        };
        (next() % 4 != 0).then(|| 1 + next() % most)
    }
}

const FOLDERS: u64 = 12;
const PAPERS: u64 = 8;
const REMARKS: u64 = 20;

/// Statements that make records which refer to each other in any way.
fn made(chance: &mut Chance) -> String {
    let text = |value: Option<u64>| value.map_or("null".to_owned(), |value| value.to_string());
    let mut sql = vec!["truncate cabinets, folders, papers, remarks restart identity cascade;".to_owned()];
    for id in 1..=FOLDERS {
        sql.push(format!("insert into folders (id, name) values ({id}, 'f');"));
    }
    for id in 1..=PAPERS {
        let folder = text(chance.reference(FOLDERS));
        sql.push(format!(
            "insert into papers (id, code, folder_id) values ({id}, 'P{id}', {folder});"
        ));
    }
    for id in 1..=FOLDERS {
        let (parent, cover) = (
            text(chance.reference(FOLDERS * 2).filter(|id| *id <= FOLDERS)),
            chance.reference(PAPERS * 4),
        );
        let cover = cover
            .filter(|id| *id <= PAPERS)
            .map_or("null".to_owned(), |id| format!("'P{id}'"));
        sql.push(format!(
            "update folders set parent_id = {parent}, cover_code = {cover} where id = {id};"
        ));
    }
    for id in 1..=REMARKS {
        let (folder, paper) = (text(chance.reference(FOLDERS)), text(chance.reference(PAPERS)));
        sql.push(format!(
            "insert into remarks (id, folder_id, paper_id, text) values ({id}, {folder}, {paper}, 'r');"
        ));
    }
    sql.join(" ")
}

#[tokio::test]
async fn what_falls_is_what_a_cascade_would_remove() {
    let office = Office::set().await;
    let mut chance = Chance(7);
    let mut sizes = Vec::new();
    for _ in 0..12 {
        office.run(&made(&mut chance)).await;
        for object in ["folders", "papers"] {
            for id in 1..=3 {
                let purge = format!("begin; delete from {object} where id = {id}");
                office.run(&purge).await;
                let stays = office.records("true").await;
                office.run("rollback").await;
                let mut falls = office.records("true").await;
                falls.retain(|record| !stays.contains(record));
                assert_eq!(office.delete(object, &id.to_string()).await.0, 204);
                assert_eq!(office.deleted().await, falls, "{object} {id}");
                assert_eq!(office.deletions().await[1].len(), 1);
                assert_eq!(office.restore(object, &id.to_string()).await.0, 204);
                assert_eq!(office.deleted().await, [""; 0]);
                sizes.push(falls.len());
            }
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    assert!(sizes.len() > 8, "records of all kinds were met: {sizes:?}");
}
