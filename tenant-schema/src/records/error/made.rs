//! Errors in the making: what came from outside is repeated shortened.

use super::{EmbedError, RecordError};
use crate::records::quote::NulInName;

impl RecordError {
    /// A grammar error in `parameter`, with its input shortened so that an answer stays small.
    pub(in crate::records) fn syntax(parameter: &str, input: &str, details: impl Into<String>) -> Self {
        Self::Syntax {
            parameter: shorten(parameter),
            input: shorten(input),
            details: details.into(),
        }
    }

    /// A body that is not as asked, without a place.
    pub(in crate::records) fn body(message: impl Into<String>) -> Self {
        Self::InvalidBody {
            message: message.into(),
            details: None,
        }
    }
}

impl From<EmbedError> for RecordError {
    fn from(error: EmbedError) -> Self {
        Self::Embed(Box::new(error))
    }
}

impl From<NulInName> for RecordError {
    fn from(_: NulInName) -> Self {
        Self::NulCharacter {
            place: "alias".to_owned(),
        }
    }
}

/// The most characters of input that an error repeats.
const MAX_ECHO: usize = 120;

/// The beginning of a text that came from outside, fit to stand in a message.
pub(in crate::records) fn shorten(input: &str) -> String {
    match input.char_indices().nth(MAX_ECHO) {
        Some((end, _)) => format!("{}…", &input[..end]),
        None => input.to_owned(),
    }
}
