//! What is said of embedded objects, brought to those that it is about.

use crate::records::ast::{EmbedItem, Filter, Level, SelectItem};
use crate::records::error::{EmbedError, RecordError, shorten};

/// What is said of one embedded object and of those within it.
#[derive(Default)]
pub(super) struct Levels {
    /// The object's own.
    pub(super) own: Level,
    /// What is said of the objects that it embeds, by their place in its `select`.
    within: Vec<(usize, Levels)>,
}

impl Levels {
    /// Finds for each way through `select` the embedded object at its end.
    pub(super) fn place(select: &[SelectItem], said: Vec<(Vec<String>, Level)>) -> Result<Self, RecordError> {
        let mut levels = Self::default();
        for (path, level) in said {
            levels.add(select, &path, level)?;
        }
        Ok(levels)
    }

    fn add(&mut self, select: &[SelectItem], path: &[String], level: Level) -> Result<(), RecordError> {
        let Some((name, rest)) = path.split_first() else {
            return self.merge(level);
        };
        let (index, embed) =
            find(select, name).ok_or_else(|| EmbedError::NotEmbedded { name: shorten(name) })?;
        let known = self.within.iter().position(|(known, _)| *known == index);
        let place = known.unwrap_or_else(|| {
            self.within.push((index, Self::default()));
            self.within.len() - 1
        });
        self.within[place].1.add(&embed.select, rest, level)
    }

    /// An embedded object may be called by two names, its own and its alias.
    fn merge(&mut self, other: Level) -> Result<(), RecordError> {
        let own = &mut self.own;
        match other.filter {
            Filter::All(parts) => parts.into_iter().for_each(|part| own.filter.and(part)),
            filter => own.filter.and(filter),
        }
        let is_twice = !own.order.is_empty() && !other.order.is_empty()
            || own.limit.is_some() && other.limit.is_some()
            || own.offset.is_some() && other.offset.is_some();
        if is_twice {
            let details = "an embedded object is given an order, limit or offset by each of its names";
            return Err(RecordError::syntax("select", "", details));
        }
        own.order.extend(other.order);
        own.limit = own.limit.or(other.limit);
        own.offset = own.offset.or(other.offset);
        Ok(())
    }

    /// Takes what is said of the object that stands at this place of `select`.
    pub(super) fn take(&mut self, index: usize) -> Self {
        let known = self.within.iter().position(|(known, _)| *known == index);
        known.map_or_else(Self::default, |place| self.within.swap_remove(place).1)
    }
}

/// The embedded object of this name, or else the first that has it besides an alias.
fn find<'a>(select: &'a [SelectItem], name: &str) -> Option<(usize, &'a EmbedItem)> {
    let embeds = || {
        select.iter().enumerate().filter_map(|(index, item)| match item {
            SelectItem::Embed(embed) => Some((index, embed)),
            _ => None,
        })
    };
    embeds()
        .find(|(_, embed)| embed.name() == name)
        .or_else(|| embeds().find(|(_, embed)| embed.relation == name))
}
