//! What a refused request should have been.

use super::RecordError;

impl RecordError {
    /// The `hint` of the error body: what to do instead.
    pub fn hint(&self) -> Option<String> {
        let meant = |name: &String| format!("Perhaps you meant '{name}'");
        match self {
            Self::UnknownObject { nearest, .. }
            | Self::UnknownColumn { nearest, .. }
            | Self::UnknownBodyColumn { nearest, .. }
            | Self::UnknownType { nearest, .. } => nearest.as_ref().map(meant),
            Self::Unfiltered { .. } => {
                Some("Name the records by a filter, such as id=eq.… or id=not.is.null for all".to_owned())
            }
            Self::UnknownFunction { nearest, .. } => nearest
                .as_ref()
                .map(|nearest| format!("Perhaps you meant to call the function {nearest}")),
            Self::AmbiguousFunction { .. } => Some(
                "Try renaming the parameters or the function itself in the database so function overloading can be resolved"
                    .to_owned(),
            ),
            Self::NotOneColumn { .. } => Some(
                "Select exactly one column, as in select=name, or accept application/json or text/csv".to_owned(),
            ),
            Self::NotXml => Some("Accept text/plain for the text of any other type".to_owned()),
            Self::MisplacedHeader { .. } => {
                Some("Say by limit and offset which records are wanted, or leave the header out for all".to_owned())
            }
            Self::LimitWithoutOrder => Some("Apply an 'order' using unique column(s)".to_owned()),
            Self::MayNotDelete { .. } => Some(
                "Records are removed by DELETE; without the right to, deleted_at can only be set to null".to_owned(),
            ),
            Self::MayNotRead { .. } => Some(
                "Without the right to read, name one record by its path, and ask for no representation".to_owned(),
            ),
            Self::HiddenDuplicate { .. } => {
                Some("Restore it first by POST to its path with /restore, or use another key".to_owned())
            }
            Self::NoBin { object } => Some(format!(
                "Every record of '{object}' is live: DELETE removes it for good, as the table has no nullable column deleted_at"
            )),
            Self::NotDeleted { .. } => {
                Some("Only what DELETE has put into the bin is restored or purged: see deleted=only".to_owned())
            }
            Self::ParentDeleted { parent, .. } => Some(match parent {
                Some(parent) => format!(
                    "Restore its record of '{parent}' first, which brings back what was deleted with it"
                ),
                None => "Restore the record that it belongs to first".to_owned(),
            }),
            Self::MisplacedCondition => Some("Name the record by its path, /{object}/{id}, or leave the condition out".to_owned()),
            Self::NoVersion { object } => Some(format!("Leave the condition out, or give the table '{object}' an integer column version that counts its changes")),
            Self::Outdated { .. } => Some("Read the record again, and repeat the request with the ETag of that answer".to_owned()),
            Self::KeyInUse => Some("Send the same request again in a moment to get its answer".to_owned()),
            Self::KeyReused => Some("Use a new key for each request, and the same one only to send the same request again".to_owned()),
            Self::Cursor(error) => Some(error.hint().to_owned()),
            Self::NotSearchable { .. } => Some("Filter its columns instead, for example by ilike".to_owned()),
            Self::NoKey { object } => Some(format!("Filter instead: /{object}?column=eq.value")),
            Self::Embed(error) => error.hint(),
            Self::Exceeded(bound) => Some(bound.hint().to_owned()),
            Self::Database(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint.as_deref().map(str::to_owned),
            Self::Raised(raised) => raised.hint.clone(),
            _ => None,
        }
    }
}

/// In which state a record is, and what others have changed of it.
pub(super) fn state(version: Option<u64>, changed: &[String]) -> String {
    match version {
        None => "There is no record with this key, or one that this request cannot see".to_owned(),
        Some(version) if changed.is_empty() => format!("The current version is {version}"),
        Some(version) => format!(
            "The current version is {version}; these fields were changed since: {}",
            changed.join(", ")
        ),
    }
}
