//! What a caller may do: to the object of the request, and to those that it embeds or leads through.

use std::fmt;

use catalog::access::Action;

use super::model::Object;

/// Says whether the caller may do something to the records of an object. There is no default: whoever makes a
/// [`Request`](super::Request) has to know who asks.
///
/// The right to a request's own action is proved before the engine is asked. It asks here what the request does
/// besides: what a write reads, an insert that changes what it meets, a change that removes, and whatever is embedded,
/// junctions on the way included.
#[derive(Clone, Copy)]
pub struct Rights<'a>(&'a (dyn Fn(&Object, Action) -> bool + Sync));

impl<'a> Rights<'a> {
    /// What `may` holds of.
    pub fn by(may: &'a (dyn Fn(&Object, Action) -> bool + Sync)) -> Self {
        Self(may)
    }

    /// Nothing besides: a request that embeds, say, is refused.
    pub fn none() -> Self {
        Self(&|_, _| false)
    }

    /// The caller may do this to the object's records.
    pub fn allows(self, object: &Object, action: Action) -> bool {
        (self.0)(object, action)
    }
}

impl fmt::Debug for Rights<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rights")
    }
}
