//! Why a tenant failed, as it is recorded and told: SQLSTATE, statement, message.

use catalog::migration_runs::Failure;
use catalog::pg::migrator::MigrateError;

use crate::lifecycle::LifecycleError;
use crate::template_check::statements;

/// The longest statement that is recorded, in characters.
const LONGEST: usize = 2_000;

/// The failure as it is recorded and told of a run: what stands in the catalog outlives the tenant's rows, and what a run
/// says goes to logs. A dry run tells [all of it](in_full).
pub fn discreetly(error: &LifecycleError) -> Failure {
    Failure {
        message: error.explain_discreetly(),
        ..in_full(error)
    }
}

/// The failure with all that PostgreSQL said, values of rows too.
pub fn in_full(error: &LifecycleError) -> Failure {
    Failure {
        sqlstate: error.pg().and_then(|pg| pg.sqlstate()).map(str::to_owned),
        message: error.explain(),
        statement: statement(error),
    }
}

/// The statement of the template that PostgreSQL refused.
fn statement(error: &LifecycleError) -> Option<String> {
    let LifecycleError::Template(MigrateError::Failed {
        sent, done, source, ..
    }) = error
    else {
        return None;
    };
    let position = source.db()?.position;
    statement_of(sent, *done, position).map(|text| text.chars().take(LONGEST).collect())
}

/// The statement in which the error is, or, when the server names no place (in characters counted from one), the one
/// after those that were carried out.
fn statement_of(sent: &str, done: usize, position: Option<usize>) -> Option<&str> {
    let places = statements::places(sent);
    let byte = position.and_then(|position| sent.char_indices().nth(position.checked_sub(1)?));
    let place = match byte {
        Some((byte, _)) => places.iter().find(|place| place.contains(&byte)),
        None => places.get(done),
    };
    place.map(|place| &sent[place.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_found_by_its_place_or_by_counting() {
        let sent = "-- ü\nselect 'a;b';\n\nselect b;\n;\ninsert c";
        assert_eq!(statement_of(sent, 0, None), Some("select 'a;b'"));
        assert_eq!(statement_of(sent, 1, None), Some("select b"));
        assert_eq!(statement_of(sent, 2, None), Some("insert c"));
        assert_eq!(statement_of(sent, 3, None), None);
        let place = "-- ü\nselect 'a;b';\n\nselect ".chars().count() + 1;
        assert_eq!(statement_of(sent, 0, Some(place)), Some("select b"));
        assert_eq!(statement_of(sent, 0, Some(1)), None, "in a comment");
    }
}
