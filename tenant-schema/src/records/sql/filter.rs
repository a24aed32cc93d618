//! Conditions.

use super::embed::{Parent, Stands, exists};
use super::search;
use super::writer::Writer;
use crate::records::ast::{Arrow, Filter, Is, Place, Quantifier, Search, Test};
use crate::records::error::RecordError;
use crate::records::model::TypeCategory;
use crate::records::plan::{Selection, Spot, Subject};

/// The record that conditions are about.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a, 'm> {
    alias: &'a str,
    /// What it holds, where something is embedded in it.
    selection: Option<&'a Selection<'m>>,
}

impl<'a, 'm> Scope<'a, 'm> {
    /// A record in which nothing is embedded.
    pub(super) fn plain(alias: &'a str) -> Self {
        let selection = None;
        Self { alias, selection }
    }

    pub(super) fn of(alias: &'a str, selection: &'a Selection<'m>) -> Self {
        Self {
            alias,
            selection: Some(selection),
        }
    }

    fn embedded(self, sql: &mut Writer, index: usize, is_wanted: bool) -> Result<(), RecordError> {
        let selection = self
            .selection
            .expect("a condition is on an embedded object only where one was found among the selection's");
        let parent = Parent {
            selection,
            alias: self.alias,
            stands: Stands::Object,
        };
        exists(sql, parent, &selection.embeds[index], is_wanted)
    }
}

impl Writer {
    /// ` where …` on the target's own columns, or nothing for a filter that says nothing.
    pub(super) fn where_clause(&mut self, filter: &Filter<Subject<'_>>) -> Result<(), RecordError> {
        if !filter.is_empty() {
            self.push(" where ");
            conditions(self, Scope::plain("t"), filter)?;
        }
        Ok(())
    }
}

/// Whether an embedded record has to be there, where a condition asks just that: the embedded object's place, and the
/// answer that is wanted.
fn presence(filter: &Filter<Subject<'_>>) -> Option<(usize, bool)> {
    match filter {
        Filter::Test(Subject::Embed(index), test) => Some((*index, is_there(test))),
        // The planner makes a join of "not exists" and of "exists", but not of "not not exists".
        Filter::Not(part) => presence(part).map(|(index, is_wanted)| (index, !is_wanted)),
        _ => None,
    }
}

/// What a test of an embedded object asks for: it is `is.not_null` if not `is.null`.
fn is_there(test: &Test) -> bool {
    *test != Test::Is(Is::Null)
}

/// The filter says by itself that there is an embedded record.
pub(super) fn requires(filter: &Filter<Subject<'_>>, index: usize) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(|part| presence(part) == Some((index, true))),
        other => presence(other) == Some((index, true)),
    }
}

/// Conditions with a word between them. Whether an embedded record is there is asked once: the answer is long to write.
fn joined(
    sql: &mut Writer,
    scope: Scope<'_, '_>,
    parts: &[Filter<Subject<'_>>],
    between: &str,
) -> Result<(), RecordError> {
    let mut asked: Vec<(usize, bool)> = Vec::new();
    let mut lead = "";
    for part in parts {
        if let Some(presence) = presence(part) {
            if asked.contains(&presence) {
                continue;
            }
            asked.push(presence);
        }
        sql.push(std::mem::replace(&mut lead, between));
        condition(sql, scope, part)?;
    }
    Ok(())
}

/// The parts of a filter, joined by "and".
pub(super) fn conditions(
    sql: &mut Writer,
    scope: Scope<'_, '_>,
    filter: &Filter<Subject<'_>>,
) -> Result<(), RecordError> {
    match filter {
        Filter::All(parts) => joined(sql, scope, parts, " and "),
        other => condition(sql, scope, other),
    }
}

fn condition(
    sql: &mut Writer,
    scope: Scope<'_, '_>,
    filter: &Filter<Subject<'_>>,
) -> Result<(), RecordError> {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            let is_all = matches!(filter, Filter::All(_));
            sql.push("(");
            let between = if is_all { " and " } else { " or " };
            joined(sql, scope, parts, between)?;
        }
        Filter::Not(part) => {
            if let Some((index, is_wanted)) = presence(filter) {
                return scope.embedded(sql, index, is_wanted);
            }
            sql.push("not (");
            condition(sql, scope, part)?;
        }
        Filter::Test(Subject::Spot(spot), test) => return compare(sql, scope.alias, spot, test),
        Filter::Test(Subject::Words(words), _) => return search::found(sql, scope.alias, words),
        Filter::Test(Subject::Embed(index), test) => return scope.embedded(sql, *index, is_there(test)),
    }
    sql.push(")");
    Ok(())
}

/// `source."column"`, or `(source."column"->$1::text)`. Keys are parameters like all other values.
pub(super) fn spot(sql: &mut Writer, source: &str, spot: &Spot<'_>) -> Result<(), RecordError> {
    if spot.path.is_empty() {
        return sql.column(source, spot.field);
    }
    let is_json = matches!(spot.field.base_type.as_str(), "json" | "jsonb");
    sql.push(if is_json { "(" } else { "(to_jsonb(" });
    sql.column(source, spot.field)?;
    sql.push(if is_json { "" } else { ")" });
    for step in &spot.path {
        sql.push(match step.arrow {
            Arrow::Json => "->",
            Arrow::Text => "->>",
        });
        match &step.to {
            Place::Key(key) => {
                sql.bind(&spot.field.name, key.clone())?;
                sql.push("::text");
            }
            Place::Index(index) => {
                sql.bind(&spot.field.name, index.to_string())?;
                sql.push("::integer");
            }
        }
    }
    sql.push(")");
    Ok(())
}

/// The same where it is compared or sorted: what `->` finds in a `json` column has no order and no equality, and as
/// `jsonb` it has both.
pub(super) fn operand(sql: &mut Writer, source: &str, of: &Spot<'_>) -> Result<(), RecordError> {
    spot(sql, source, of)?;
    if is_inner_json(of) {
        sql.push("::jsonb");
    }
    Ok(())
}

/// It is a value within a `json` column, as JSON.
pub(super) fn is_inner_json(spot: &Spot<'_>) -> bool {
    let last = spot.path.last();
    spot.field.base_type == "json" && last.is_some_and(|step| step.arrow == Arrow::Json)
}

fn compare(sql: &mut Writer, source: &str, tested: &Spot<'_>, test: &Test) -> Result<(), RecordError> {
    if let Test::Search(search, configuration, words) = test {
        return matches(sql, source, tested, (*search, configuration.as_deref(), words));
    }
    let place = &tested.field.name;
    operand(sql, source, tested)?;
    match test {
        Test::Compare(comparison, quantifier, value) => {
            let value = if comparison.has_wildcards() {
                value.replace('*', "%")
            } else {
                value.clone()
            };
            operator(sql, comparison.sql());
            match quantifier {
                None => {
                    sql.bind(place, value)?;
                    sql.push(&composite(tested, ""));
                    return Ok(());
                }
                Some(Quantifier::Any) => sql.push("any ("),
                Some(Quantifier::All) => sql.push("all ("),
            }
            sql.bind(place, value)?;
            sql.push(&composite(tested, "[]"));
            sql.push(")");
        }
        Test::Relate(relation, value) => {
            operator(sql, relation.sql());
            sql.bind(place, value.clone())?;
            sql.push(&composite(tested, ""));
        }
        Test::Distinct(value) => {
            operator(sql, "is distinct from");
            sql.bind(place, value.clone())?;
            sql.push(&composite(tested, ""));
        }
        Test::Is(is) => {
            sql.push(" is ");
            sql.push(is.sql());
        }
        Test::In(values) => {
            sql.push(" = any (");
            sql.bind(place, array_literal(values))?;
            sql.push(&composite(tested, "[]"));
            sql.push(")");
        }
        Test::Search(..) => {}
    }
    Ok(())
}

/// `::type`, from the introspected model, for a value that is compared with a composite one: PostgreSQL would take it for
/// a row of no known type.
fn composite(spot: &Spot<'_>, dimensions: &str) -> String {
    match spot.field.category {
        TypeCategory::Composite if spot.path.is_empty() => format!("::{}{dimensions}", spot.field.type_name),
        _ => String::new(),
    }
}

fn operator(sql: &mut Writer, name: &str) {
    sql.push(" ");
    sql.push(name);
    sql.push(" ");
}

/// `vector @@ to_tsquery(configuration, words)`; what is not a vector is made one by the same configuration.
fn matches(
    sql: &mut Writer,
    source: &str,
    tested: &Spot<'_>,
    (search, configuration, words): (Search, Option<&str>, &str),
) -> Result<(), RecordError> {
    let place = &tested.field.name;
    let configure = |sql: &mut Writer| -> Result<(), RecordError> {
        if let Some(configuration) = configuration {
            sql.bind(place, configuration.to_owned())?;
            sql.push("::regconfig, ");
        }
        Ok(())
    };
    if tested.path.is_empty() && tested.field.base_type == "tsvector" {
        spot(sql, source, tested)?;
    } else {
        sql.push("to_tsvector(");
        configure(sql)?;
        spot(sql, source, tested)?;
        sql.push(")");
    }
    operator(sql, "@@");
    sql.push(search.sql());
    sql.push("(");
    configure(sql)?;
    sql.bind(place, words.to_owned())?;
    sql.push(")");
    Ok(())
}

/// PostgreSQL's array input syntax, every element quoted so that `NULL` is a word too ("Arrays", 8.15.2).
pub(super) fn array_literal(values: &[String]) -> String {
    let mut text = String::from("{");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_elements_are_always_quoted() {
        let values = ["a", "NULL", "", "x,y}", "\"\\"].map(str::to_owned);
        assert_eq!(array_literal(&values), r#"{"a","NULL","","x,y}","\"\\"}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
