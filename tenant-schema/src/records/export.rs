//! A prepared export: a list whose statement gives a row for every record. [`Exports`](crate::exports) runs it.

use super::error::RecordError;
use super::outcome::Outcome;
use super::prepared::Shape;
use super::{Lines, Prepared, plan, sql};

/// What an export has besides its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    /// Its form.
    pub(crate) lines: Lines,
    /// Its first line, if that is no record.
    pub(crate) header: Option<String>,
}

impl Outcome {
    pub(super) fn export(plan: &plan::List<'_>, lines: Lines) -> Result<Self, RecordError> {
        let shape = Shape::Page {
            offset: plan.offset(),
        };
        Ok(Self {
            export: Some(Export {
                lines,
                header: sql::export_header(plan, lines),
            }),
            ..Self::of(sql::export(plan, lines)?, shape)
        })
    }
}

impl Prepared {
    /// The headers of an export: `Content-Type`, how its file's name ends, and `Preference-Applied`.
    pub fn export_headers(&self) -> Option<(&'static str, &'static str, Option<&str>)> {
        let lines = self.export.as_ref()?.lines;
        Some((lines.media_type(), lines.extension(), self.applied.as_deref()))
    }

    /// A test's statement as an export.
    #[doc(hidden)]
    #[must_use]
    pub fn as_test_export(mut self) -> Self {
        self.export = Some(Export {
            lines: Lines::Ndjson,
            header: None,
        });
        self
    }
}
