//! Timelines.

use catalog::access::Action;
use tenant_schema::crm::timeline::{Reader, timeline};
use tenant_schema::records::{Object, Rights};

use super::Asked;
use crate::access::{ObjectAccess, Read};
use crate::records::Answered;

/// `GET /crm/v1/{object}/{id}/timeline`
pub(crate) async fn read(access: ObjectAccess<Read>, asked: Asked) -> Answered {
    let opened = &access.opened;
    let may = |object: &Object, action: Action| opened.caller.may(&object.name, object.write, action);
    let reader = Reader {
        model: &opened.model,
        rights: Rights::by(&may),
        cursors: &asked.cursors(opened),
    };
    let id = access.id()?;
    let verb = timeline(&reader, &opened.name, id, &asked.query)?;
    asked.run(opened, &verb).await
}
