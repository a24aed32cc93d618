//! Ids in rows on their way in: memberships and accounts have others in another catalog.

use std::collections::HashMap;

use uuid::Uuid;

use super::shape::TableShape;

/// The length of a UUID as PostgreSQL writes it.
const UUID: usize = 36;

/// The new id for each old one; those that are not named stay what they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    pub(crate) memberships: HashMap<Uuid, Uuid>,
    pub(crate) users: HashMap<Uuid, Uuid>,
}

/// Changes the ids in the rows of one table, which come in pieces of any length.
pub(super) struct Renaming<'a> {
    /// For each column, its ids.
    columns: Vec<Option<&'a HashMap<Uuid, Uuid>>>,
    at: usize,
    /// What has come of a value that may have to be changed.
    held: Vec<u8>,
}

impl<'a> Renaming<'a> {
    /// `None` where no column of the table holds such ids.
    pub(super) fn of(table: &TableShape, ids: &'a Ids) -> Option<Self> {
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| {
                let is_user = table.name == "members" && column.name == "user_id";
                match (column.is_member, is_user) {
                    (true, _) => Some(&ids.memberships),
                    (false, true) => Some(&ids.users),
                    (false, false) => None,
                }
            })
            .map(|ids| ids.filter(|ids| !ids.is_empty()))
            .collect();
        columns.iter().any(Option::is_some).then_some(Self {
            columns,
            at: 0,
            held: Vec::with_capacity(UUID),
        })
    }

    /// The piece with other ids; the beginning of a value at its end is kept back for the next.
    pub(super) fn apply(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len() + UUID);
        for byte in piece {
            let ids = self.columns.get(self.at).copied().flatten();
            match (*byte, ids) {
                (b'\t' | b'\n', ids) => {
                    self.let_go(ids, &mut out);
                    out.push(*byte);
                    self.at = if *byte == b'\n' { 0 } else { self.at + 1 };
                }
                (byte, Some(_)) if self.held.len() < UUID => self.held.push(byte),
                (byte, _) => {
                    // Longer than any id.
                    out.append(&mut self.held);
                    out.push(byte);
                }
            }
        }
        out
    }

    fn let_go(&mut self, ids: Option<&HashMap<Uuid, Uuid>>, out: &mut Vec<u8>) {
        let new = ids
            .filter(|_| self.held.len() == UUID)
            .and_then(|ids| ids.get(&Uuid::try_parse_ascii(&self.held).ok()?));
        match new {
            Some(new) => out.extend_from_slice(new.hyphenated().to_string().as_bytes()),
            None => out.extend_from_slice(&self.held),
        }
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Column;
    use super::*;

    #[test]
    fn only_the_ids_of_the_right_columns_are_changed_wherever_pieces_end() {
        let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = Ids {
            memberships: HashMap::from([(old, new)]),
            users: HashMap::new(),
        };
        let column = |name: &str, is_member| Column {
            name: name.to_owned(),
            is_member,
        };
        let table = TableShape {
            name: "notes".to_owned(),
            plain: true,
            columns: vec![
                column("id", false),
                column("owner_id", true),
                column("text", false),
            ],
        };
        let (long, other) = ("x".repeat(90), Uuid::from_u128(3));
        let rows = format!("{old}\t{old}\t{old}\n1\t\\N\t\n2\t{other}\ty\n3\t{long}\tz\n4\t{old}x\t\n");
        let expected = format!("{old}\t{new}\t{old}\n1\t\\N\t\n2\t{other}\ty\n3\t{long}\tz\n4\t{old}x\t\n");
        for piece in [1, 7, 36, 37, rows.len()] {
            let mut renaming = Renaming::of(&table, &ids).unwrap();
            let out: Vec<u8> = rows
                .as_bytes()
                .chunks(piece)
                .flat_map(|piece| renaming.apply(piece))
                .collect();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "in pieces of {piece}");
        }
        assert!(Renaming::of(&table, &Ids::default()).is_none());
    }
}
