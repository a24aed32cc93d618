//! What a plan is made of, whatever the operation is.

use super::Context;
use crate::records::{Limits, RecordError, Request, SchemaModel};

/// A request that can be planned: what its sender prefers makes sense.
#[derive(Clone, Copy)]
pub struct Asked<'m> {
    /// What every part of the plan depends on.
    pub context: Context<'m>,
    /// What was sent.
    pub request: Request<'m>,
    /// The time zone that is preferred, if PostgreSQL knows it.
    pub time_zone: Option<&'m str>,
    /// A list is not held to the most rows of a page.
    pub every_row: bool,
}

impl<'m> Asked<'m> {
    /// Looks at the preferences; with `handling=strict`, one that cannot be followed is an error.
    pub fn of(model: &'m SchemaModel, request: &Request<'m>, limits: Limits) -> Result<Self, RecordError> {
        let preferences = request.preferences;
        preferences.check()?;
        let time_zone = preferences.known_time_zone(|zone| model.time_zones.contains(zone))?;
        let context = Context {
            model,
            limits,
            rights: request.rights,
        };
        Ok(Self {
            context,
            request: *request,
            time_zone,
            every_row: false,
        })
    }
}
