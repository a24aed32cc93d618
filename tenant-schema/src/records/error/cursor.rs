//! What is wrong with a cursor, or with asking for pages by one.

/// Why a list cannot be continued by cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It was not made by this service for this tenant, or has been changed since.
    #[error("The cursor is not one that was given out here")]
    Invalid,
    /// It was given out for another list: another object, filter or order, or what is sorted by has changed its type.
    #[error("The cursor belongs to another list: another object, filter, order or template version")]
    Mismatch,
    /// The last record's sort values do not fit into a cursor.
    #[error("The page ends at a record whose sort values are too long for a cursor")]
    TooLong,
    /// Pages by number and pages by cursor at once.
    #[error("A list is paged by cursor or by offset and Range, not by both")]
    WithOffset,
    /// Groups have no key.
    #[error("Groups of records cannot be paged by cursor")]
    Groups,
    /// Relevance is not kept by the records, so that no record tells where a page ended.
    #[error("Search results sorted by relevance cannot be paged by cursor")]
    Relevance,
    /// Nothing tells two equal records apart.
    #[error(
        "'{object}' has no key by which equal records could be told apart, so it cannot be paged by cursor"
    )]
    NoKey {
        /// The object.
        object: String,
    },
}

impl CursorError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "cursor_invalid",
            Self::Mismatch => "cursor_mismatch",
            Self::TooLong => "cursor_too_long",
            Self::WithOffset | Self::Groups | Self::Relevance | Self::NoKey { .. } => "cursor_unsupported",
        }
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Invalid | Self::Mismatch => {
                "Follow the Link of the page before as it is, or begin again with an empty cursor"
            }
            Self::TooLong => "Sort by shorter columns, or page by limit and offset",
            Self::WithOffset => "Leave out offset and Range: the cursor says where the page begins",
            Self::Groups | Self::NoKey { .. } => {
                "Page by limit and offset, sorted by what is unique together"
            }
            Self::Relevance => "Say an order besides q, or page by limit and offset",
        }
    }
}
