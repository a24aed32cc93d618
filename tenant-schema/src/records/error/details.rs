//! What a refusal tells besides its message.

use serde_json::Value;

use super::{Candidate, EmbedError, RecordError};

impl RecordError {
    /// The `details` of the error body.
    pub fn details(&self) -> Option<String> {
        match self {
            Self::Syntax { details, .. }
            | Self::InvalidRange { details }
            | Self::BadHeader { details, .. } => Some(details.clone()),
            Self::InvalidBody { details, .. } => details.clone(),
            Self::Outdated { version, changed, .. } => Some(super::hint::state(*version, changed)),
            Self::UnknownRecord { .. } => Some("The result contains 0 rows".to_owned()),
            Self::UnknownFunction { searched, .. } => Some(searched.clone()),
            Self::NotSingular { count } => Some(format!("The result contains {count} rows")),
            Self::TooManyAffected { count } => Some(format!("The query affects {count} rows")),
            Self::LimitSurpassed { count, allowed } => Some(format!(
                "Results contain {count} rows changed but the maximum number allowed is {allowed}"
            )),
            Self::InvalidPreferences { preferences } => Some(format!("Invalid preferences: {preferences}")),
            Self::NotImplemented { details } => Some((*details).to_owned()),
            Self::Embed(error) => error.details(),
            Self::Database(error) => error.details(),
            Self::Refused(refusal) => refusal.details.as_ref().map(|details| match details {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
            Self::Raised(raised) => raised.details.clone(),
            _ => None,
        }
    }

    /// What an ambiguous request could mean: the `details` of its error body, in place of a text.
    pub fn candidates(&self) -> Option<&[Candidate]> {
        match self {
            Self::Embed(error) => match error.as_ref() {
                EmbedError::Ambiguous { candidates, .. } => Some(candidates),
                _ => None,
            },
            _ => None,
        }
    }
}
