//! What a caller may read besides the object of the request: embedded objects, and the junctions that lead to them.

use std::fmt;

use super::model::Object;

/// Says whether the caller may read an object. There is no default: whoever makes a [`Request`](super::Request) has to
/// know who asks.
#[derive(Clone, Copy)]
pub struct Readable<'a>(&'a (dyn Fn(&Object) -> bool + Sync));

impl<'a> Readable<'a> {
    /// What `may_read` holds of.
    pub fn by(may_read: &'a (dyn Fn(&Object) -> bool + Sync)) -> Self {
        Self(may_read)
    }

    /// Nothing else: a request that embeds is refused.
    pub fn nothing() -> Self {
        Self(&|_| false)
    }

    /// The caller may read this object.
    pub fn allows(self, object: &Object) -> bool {
        (self.0)(object)
    }
}

impl fmt::Debug for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readable")
    }
}
