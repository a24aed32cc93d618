//! How much a tenant is given to try things on.

/// A size: about so many rows in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A thousand: what `demo` has.
    Small,
    /// Forty thousand.
    Medium,
    /// A million.
    Large,
}

/// How many records of the kinds that all others follow from.
pub(super) struct Counts {
    pub(super) companies: usize,
    pub(super) contacts: usize,
    /// Times the deals of every outcome.
    pub(super) deals: usize,
    pub(super) activities: usize,
    pub(super) notes: usize,
}

impl Size {
    pub(super) fn counts(self) -> Counts {
        let [companies, contacts, deals, activities, notes] = match self {
            Self::Small => [40, 180, 1, 150, 60],
            Self::Medium => [1_500, 8_000, 36, 6_000, 2_000],
            Self::Large => [18_000, 190_000, 830, 170_000, 36_000],
        };
        Counts {
            companies,
            contacts,
            deals,
            activities,
            notes,
        }
    }
}
