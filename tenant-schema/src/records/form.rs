//! Which records of a list are answered, and in what form.

/// `Range: 0-24` with rows as the unit: those from `first` to `last`, both counted from zero, or to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    /// The first row.
    pub first: u64,
    /// The last row.
    pub last: Option<u64>,
}

/// The form of an export: one record after the other, each on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// A JSON object a line (`application/x-ndjson`).
    Ndjson,
    /// RFC 4180, with a header line.
    Csv,
}

impl Lines {
    /// The `Content-Type` of an export in this form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// How the names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// The form in which records are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A JSON array of records, or the one that the path names.
    #[default]
    Plural,
    /// The same without members that are null (`application/vnd.pgrst.array+json;nulls=stripped`).
    PluralStripped,
    /// One JSON object; anything but exactly one record is an error (`application/vnd.pgrst.object+json`).
    Singular,
    /// The same without members that are null (`application/vnd.pgrst.object+json;nulls=stripped`).
    SingularStripped,
    /// RFC 4180, with a header row (`text/csv`).
    Csv,
    /// The values of the one column as text, one behind the other (`text/plain`).
    Text,
    /// The same in bytes: of a `bytea` as they are, of every other value those of its text (`application/octet-stream`).
    Bytes,
    /// The same of a column of type `xml` (`text/xml`).
    Xml,
}

impl Form {
    /// One record is wanted, and anything else is an error.
    pub fn is_singular(self) -> bool {
        matches!(self, Self::Singular | Self::SingularStripped)
    }

    /// The form of the one record that the path names.
    pub(super) fn of_one(self) -> Self {
        match self {
            Self::Plural => Self::Singular,
            Self::PluralStripped => Self::SingularStripped,
            Self::Singular | Self::SingularStripped | Self::Csv | Self::Text | Self::Bytes | Self::Xml => {
                self
            }
        }
    }

    /// The `Content-Type` of an answer in this form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Plural => "application/json; charset=utf-8",
            Self::PluralStripped => "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            Self::Singular => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::SingularStripped => "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Bytes => "application/octet-stream",
            Self::Xml => "text/xml; charset=utf-8",
        }
    }
}
