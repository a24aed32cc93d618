//! What is done to one record that was deleted: it is brought back, or removed for good. A body is not looked at.

use tenant_schema::records::Operation;

use super::Answered;
use super::asked::Asked;
use crate::access::{ObjectAccess, Purge, Update};

/// `POST /rest/v1/{object}/{id}/restore`
pub(crate) async fn restore(access: ObjectAccess<Update>, asked: Asked) -> Answered {
    let id = access.id()?;
    asked.run(&access.opened, Operation::Restore { id }).await
}

/// `POST /rest/v1/{object}/{id}/purge`
pub(crate) async fn purge(access: ObjectAccess<Purge>, asked: Asked) -> Answered {
    let id = access.id()?;
    asked.run(&access.opened, Operation::Purge { id }).await
}
