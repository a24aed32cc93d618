//! What a view shows of tables that count the changes of their records, or keep those that were removed.
//!
//! A view is a way to the same records, so what the engine keeps of them is kept there too: nobody marks a record as
//! removed by way of a view, or as part of a deletion, and no `delete` on a view removes for good what a `delete` on its table
//! would only mark. A trigger instead of that `delete` is the template's own word, and is left to say what it means.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Sources;
use super::relate::Shown;
use crate::records::model::{DELETION_ID, Generated, Object};

/// By view, the relations from which PostgreSQL removes rows by itself when they are removed from the view.
pub(super) type Behind = BTreeMap<String, Vec<String>>;

/// Gives views what their tables keep.
pub(super) fn inherit(
    objects: &mut BTreeMap<String, Object>,
    shown: &BTreeMap<String, Shown>,
    sources: &Sources,
    behind: &Behind,
) {
    for (table, views) in shown {
        let (versioned, soft_delete) = (objects[table].versioned, objects[table].soft_delete);
        for (view, columns) in views.iter().filter(|(view, _)| *view != table) {
            let Some(object) = objects.get_mut(view) else {
                continue;
            };
            let version = columns.get("version").into_iter().flatten();
            object.versioned |= versioned && version.into_iter().any(|name| name == "version");
            let marks = ["deleted_at", DELETION_ID].map(|column| columns.get(column));
            let marks: BTreeSet<&String> = marks.into_iter().flatten().flatten().collect();
            let kept = object.fields.iter_mut();
            for field in kept.filter(|field| soft_delete && marks.contains(&field.name)) {
                field.generated = Generated::Kept;
            }
        }
    }
    keep_removed(objects, sources, behind);
}

/// Takes the right to remove from views through which records would go that their table keeps.
fn keep_removed(objects: &mut BTreeMap<String, Object>, sources: &Sources, behind: &Behind) {
    let kept = objects.values().filter(|object| object.soft_delete);
    let mut kept: BTreeSet<String> = kept.map(|object| object.name.clone()).collect();
    loop {
        let goes_through = |view: &str| {
            let copied = sources.get(view).map(BTreeMap::values).into_iter().flatten();
            let copied: BTreeSet<&String> = copied.map(|source| &source.relation).collect();
            // Columns tell which of the relations behind a view is the one that it is made of; a view without a copied
            // column could be made of any.
            let mut made_of = behind[view]
                .iter()
                .filter(|name| copied.is_empty() || copied.contains(name));
            made_of.any(|name| kept.contains(name))
        };
        let views = behind
            .keys()
            .filter(|view| !kept.contains(*view) && goes_through(view));
        let found: Vec<String> = views.cloned().collect();
        if found.is_empty() {
            return;
        }
        for view in found {
            if let Some(object) = objects.get_mut(&view) {
                object.writable.delete = false;
            }
            kept.insert(view);
        }
    }
}
