//! Names of tenant schemas and of the roles that go with them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// The name of a tenant schema: `t_` and the 32 hexadecimal digits of a UUID, immutable for life.
///
/// It and the names made of it (its roles, its path, the logins of `psql`) are spliced into SQL text as they are: their
/// form (34 characters of `a-z`, `0-9`, `_`, and suffixes of ours) makes quoting unnecessary and injection impossible,
/// and leaves room for the suffixes within PostgreSQL's 63 bytes (PostgreSQL documentation, section 4.1.1). Names that
/// come from a template or a request are quoted: by the record engine, or by PostgreSQL itself (`quote_ident`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaName(Arc<str>);

/// A text that is not the name of a tenant schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a tenant schema: t_ and 32 hexadecimal digits")]
pub struct SchemaNameError(String);

impl SchemaName {
    /// The name made of an opaque id.
    pub fn from_opaque(id: Uuid) -> Self {
        Self(format!("t_{}", id.simple()).into())
    }

    /// The name as it stands in SQL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What `search_path` is set to for this schema: nothing of another tenant's, and never `public`. `pg_temp` stands
    /// last, since it is searched first when it is not named (PostgreSQL documentation, section 20.11.1).
    pub fn search_path(&self) -> String {
        format!("{}, extensions, pg_temp", self.0)
    }

    /// The role that may read and write this schema's tables, and nothing else (NOLOGIN).
    pub fn read_write_role(&self) -> String {
        format!("{}_rw", self.0)
    }

    /// The role that may read this schema's tables, and nothing else (NOLOGIN): grant it to a DBA's login.
    pub fn read_only_role(&self) -> String {
        format!("{}_ro", self.0)
    }
}

impl FromStr for SchemaName {
    type Err = SchemaNameError;

    fn from_str(text: &str) -> Result<Self, SchemaNameError> {
        let opaque = text.strip_prefix("t_").filter(|hex| {
            hex.len() == 32
                && hex
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        match opaque {
            Some(_) => Ok(Self(text.into())),
            None => Err(SchemaNameError(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchemaName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_an_opaque_id_and_reads_back() {
        let name = SchemaName::from_opaque(Uuid::from_u128(7));
        assert_eq!(name.as_str(), "t_00000000000000000000000000000007");
        assert_eq!(name.search_path(), format!("{name}, extensions, pg_temp"));
        assert_eq!(name.as_str().parse(), Ok(name));
    }

    #[test]
    fn other_texts_are_refused() {
        let upper = format!("t_{}", "A".repeat(32));
        for text in [
            "",
            "public",
            "t_",
            "t_0",
            upper.as_str(),
            "t_0000000000000000000000000000000;",
            "pg_catalog",
        ] {
            assert!(text.parse::<SchemaName>().is_err(), "{text:?} must be refused");
        }
    }
}
