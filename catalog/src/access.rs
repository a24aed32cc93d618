//! Access: what the role of a membership allows on an object of the tenant.

use std::fmt;

use crate::memberships::MemberRole;

/// What somebody does to records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Look at them.
    Read,
    /// Make new ones.
    Insert,
    /// Change them; restoring one from the bin is a change.
    Update,
    /// Remove them: into the bin, where the object has one.
    Delete,
    /// Remove for good what is in the bin.
    Purge,
}

impl Action {
    /// All actions, in the order of declaration.
    pub const ALL: [Self; 5] = [Self::Read, Self::Insert, Self::Update, Self::Delete, Self::Purge];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Purge => "purge",
        })
    }
}

/// Who may write an object's records through the API, as the template says it in the last line of the table's SQL
/// comment. Reading is for every member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectWrite {
    /// Every member: contacts, deals, notes. No line says so.
    Members,
    /// Admins only (`@access member:read`): what shapes everybody's work, such as pipelines and stages.
    Admins,
    /// Nobody (`@access read`): what is kept by the platform or by triggers, such as histories and the mirror of
    /// memberships.
    Nobody,
}

/// Whether a member of that role may do `action` on an object with that rule. What is purged cannot be brought back, so
/// that is for admins, whoever writes the object.
pub const fn role_allows(role: MemberRole, write: ObjectWrite, action: Action) -> bool {
    match (action, write, role) {
        (Action::Read, _, MemberRole::Admin | MemberRole::Member)
        | (Action::Insert | Action::Update | Action::Delete, ObjectWrite::Members, _)
        | (Action::Insert | Action::Update | Action::Delete, ObjectWrite::Admins, MemberRole::Admin)
        | (Action::Purge, ObjectWrite::Members | ObjectWrite::Admins, MemberRole::Admin) => true,
        (Action::Insert | Action::Update | Action::Delete, ObjectWrite::Admins, MemberRole::Member)
        | (Action::Purge, _, MemberRole::Member)
        | (_, ObjectWrite::Nobody, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_table() {
        use MemberRole::{Admin, Member};
        use ObjectWrite::{Admins, Members, Nobody};
        //                            read  insert update delete purge
        let table = [
            (Admin, Members, [true, true, true, true, true]),
            (Admin, Admins, [true, true, true, true, true]),
            (Admin, Nobody, [true, false, false, false, false]),
            (Member, Members, [true, true, true, true, false]),
            (Member, Admins, [true, false, false, false, false]),
            (Member, Nobody, [true, false, false, false, false]),
        ];
        for (role, write, expected) in table {
            let got = Action::ALL.map(|action| role_allows(role, write, action));
            assert_eq!(got, expected, "{role:?} on an object written by {write:?}");
        }
    }
}
