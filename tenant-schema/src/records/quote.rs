//! The one place where a name that came from outside becomes SQL text. Names of our own making, which need no quoting,
//! are [`SchemaName`](catalog::schema_name::SchemaName) and what it is the beginning of; PostgreSQL quotes the rest by
//! `quote_ident` before we see it.

/// A NUL character inside a name: PostgreSQL cannot hold one, so no such name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name cannot contain a NUL character")]
pub struct NulInName;

/// Quotes a name as an SQL identifier: in double quotes, with every `"` inside doubled.
///
/// Source: PostgreSQL, "Lexical Structure", 4.1.1. Quoting is unconditional, so keywords and capitals need no
/// list of exceptions.
pub fn identifier(name: &str) -> Result<String, NulInName> {
    let mut sql = String::with_capacity(name.len() + 2);
    push_identifier(&mut sql, name)?;
    Ok(sql)
}

/// Appends the quoted name to a statement; on an error nothing is appended.
pub fn push_identifier(sql: &mut String, name: &str) -> Result<(), NulInName> {
    if name.contains('\0') {
        return Err(NulInName);
    }
    sql.push('"');
    for (index, part) in name.split('"').enumerate() {
        if index > 0 {
            sql.push_str("\"\"");
        }
        sql.push_str(part);
    }
    sql.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What PostgreSQL's scanner does with a quoted identifier that stands alone.
    fn unquote(sql: &str) -> Option<String> {
        let inner = sql.strip_prefix('"')?.strip_suffix('"')?;
        let mut name = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            if c == '"' && chars.next() != Some('"') {
                return None;
            }
            name.push(c);
        }
        Some(name)
    }

    #[test]
    fn doubles_quotes_and_refuses_nul() {
        assert_eq!(
            identifier(r#"a"; drop table b; --"#).unwrap(),
            r#""a""; drop table b; --""#
        );
        assert_eq!(identifier("select").unwrap(), r#""select""#);
        assert_eq!(identifier("a\0b"), Err(NulInName));
    }

    proptest! {
        #[test]
        fn round_trips(name in "[^\\x00]*") {
            prop_assert_eq!(unquote(&identifier(&name).unwrap()), Some(name));
        }
    }
}
