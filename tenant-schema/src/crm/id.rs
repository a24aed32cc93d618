//! Ids in paths.

use uuid::Uuid;

use super::Refusal;
use crate::records::RecordError;

/// The id that a path has.
///
/// # Errors
/// A text that is no UUID.
pub fn id_of(text: &str) -> Result<Uuid, RecordError> {
    Uuid::parse_str(text).map_err(|_| {
        let refusal = Refusal::new(400, "bad_id", "The id in the path is not a UUID");
        refusal
            .with_hint("An id looks like 01890a5d-ac96-774b-bcce-b302099a8057")
            .into()
    })
}
