//! A prepared export: a list whose statement gives a row for every record. [`Exports`](crate::exports) runs it.

use super::error::RecordError;
use super::parse::prefer::Preference;
use super::plan::{self, Asked};
use super::planned::Planned;
use super::prepared::Shape;
use super::{Limits, Lines, Mode, Operation, Prepared, Request, SchemaModel, sql};

/// An export that is ready to run.
#[derive(Debug)]
pub struct PreparedExport {
    /// Its statement gives a row for every record.
    pub(crate) list: Prepared,
    /// Its form.
    pub(crate) lines: Lines,
    /// Its first line, if that is no record.
    pub(crate) header: Option<String>,
}

/// Parses and plans `GET /{object}` in a form that has as many records as there are, and writes its SQL.
pub fn prepare_export(
    model: &SchemaModel,
    request: &Request<'_>,
    lines: Lines,
    limits: Limits,
) -> Result<PreparedExport, RecordError> {
    let mut asked = Asked::of(model, request, limits)?;
    asked.every_row = true;
    let object = || model.object(request.object);
    plan::check(request, Operation::List, object)?;
    let plan = plan::list(object()?, &asked)?;
    let shape = Shape::Page {
        offset: plan.offset(),
    };
    let planned = Planned::of(sql::export(&plan, lines)?, shape);
    request.preferences.refuse(|kind| kind == Preference::Count)?;
    Ok(PreparedExport {
        list: Prepared::of(planned, &asked, |kind| kind != Preference::Count),
        lines,
        header: sql::export_header(&plan, lines),
    })
}

impl PreparedExport {
    /// The text of the statement; values are never in it.
    pub fn text(&self) -> &str {
        self.list.text()
    }

    /// Its form.
    pub fn lines(&self) -> Lines {
        self.lines
    }

    /// `Preference-Applied`
    pub fn preference_applied(&self) -> Option<&str> {
        self.list.applied.as_deref()
    }

    /// A statement of a test's own: see [`Prepared::of_test`].
    #[doc(hidden)]
    pub fn of_test(text: &str) -> Self {
        Self {
            list: Prepared::of_test(Mode::ReadOnly, text),
            lines: Lines::Ndjson,
            header: None,
        }
    }
}
