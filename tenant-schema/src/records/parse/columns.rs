//! Lists of column names: `columns=a,b` and `on_conflict=a,b`.

use super::text::Reader;
use crate::records::error::RecordError;

/// Parses a list of one or more names, each kept once.
pub fn parse(parameter: &str, value: &str) -> Result<Vec<String>, RecordError> {
    let mut reader = Reader::new(parameter, value);
    let mut names = Vec::new();
    loop {
        let name = reader.name()?;
        if !names.contains(&name) {
            names.push(name);
        }
        if reader.is_done() {
            return Ok(names);
        }
        reader.expect(",")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        assert_eq!(parse("columns", r#"a,"b,c",a, d"#).unwrap(), ["a", "b,c", "d"]);
        for broken in ["", "a,", ",a", "a b,(c)", "\"a"] {
            let error = parse("columns", broken).unwrap_err();
            assert_eq!((error.code(), error.status()), ("PGRST100", 400), "{broken}");
        }
    }
}
