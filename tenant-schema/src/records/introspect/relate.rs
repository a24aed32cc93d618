//! The relationships between objects, from the foreign keys of tables and from what views show of their columns.
//!
//! A view that shows every column of a foreign key, or of the key that one names, stands for the table in that
//! relationship, through any number of views. Facts: PostgREST's reference, "Resource Embedding".

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Source, Sources};
use super::kept::{self, Behind};
use crate::records::model::{Cardinality, Object, Pair, Relationship, TextSearch, Trigram, Vector, Via};

/// Where a table's columns are to be seen: by the object that shows them (the table itself among those) and the
/// table's column, the names they have there.
pub(super) type Shown = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A foreign key as two objects see it, each the table itself or a view that shows its columns.
struct Link {
    constraint: String,
    near: String,
    far: String,
    columns: Vec<Pair>,
    is_one_to_one: bool,
}

/// Gives views their keys and every object its relationships.
pub(super) fn relate(objects: &mut BTreeMap<String, Object>, sources: &Sources, behind: &Behind) {
    let shown: BTreeMap<String, Shown> = objects
        .values()
        .filter(|object| !object.kind.is_view())
        .map(|table| (table.name.clone(), showing(table, sources)))
        .collect();
    inherit_keys(objects, &shown);
    inherit_search(objects, &shown);
    kept::inherit(objects, &shown, sources, behind);
    let links = links(objects, &shown);
    let mut found: BTreeMap<&str, BTreeSet<Relationship>> = BTreeMap::new();
    for link in &links {
        for (object, relationship) in link.both_ends() {
            found.entry(object).or_default().insert(relationship);
        }
    }
    for (object, relationship) in junctions(objects, &links) {
        found.entry(object).or_default().insert(relationship);
    }
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, set)| (name.to_owned(), set.into_iter().collect()))
        .collect();
    for (name, relationships) in found {
        if let Some(object) = objects.get_mut(&name) {
            object.relationships = relationships;
        }
    }
}

/// Takes away what the API is not to know of, and every way there.
pub(super) fn hide(objects: &mut BTreeMap<String, Object>, hidden: &BTreeSet<String>) {
    objects.retain(|name, _| !hidden.contains(name));
    for object in objects.values_mut() {
        object
            .foreign_keys
            .retain(|key| !hidden.contains(&key.references));
        object.relationships.retain(|known| {
            !hidden.contains(&known.target) && !known.junction().is_some_and(|name| hidden.contains(name))
        });
    }
}

/// The objects that show columns of this table.
fn showing(table: &Object, sources: &Sources) -> Shown {
    let own = table
        .fields
        .iter()
        .map(|field| (field.name.clone(), vec![field.name.clone()]));
    let mut shown = Shown::from([(table.name.clone(), own.collect())]);
    for (view, columns) in sources {
        for (name, source) in columns {
            let Some(origin) = origin(source, sources).filter(|origin| origin.relation == table.name) else {
                continue;
            };
            let names = shown.entry(view.clone()).or_default();
            names.entry(origin.column.clone()).or_default().push(name.clone());
        }
    }
    shown
}

/// Follows a copy of a copy to the table's column.
fn origin<'a>(source: &'a Source, sources: &'a Sources) -> Option<&'a Source> {
    let mut here = source;
    // Views cannot form a circle without `create or replace`; a bound makes sure of an end even then.
    for _ in 0..=sources.len() {
        match sources.get(&here.relation) {
            None => return Some(here),
            Some(columns) => here = columns.get(&here.column)?,
        }
    }
    None
}

/// A view has the primary key of every table whose whole key it shows, each column by its first name.
fn inherit_keys(objects: &mut BTreeMap<String, Object>, shown: &BTreeMap<String, Shown>) {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, views) in shown {
        let key = &objects[table].primary_key;
        for (view, columns) in views.iter().filter(|(view, _)| *view != table && !key.is_empty()) {
            let names: Option<Vec<String>> = key
                .iter()
                .map(|name| columns.get(name)?.first().cloned())
                .collect();
            keys.entry(view.clone())
                .or_default()
                .extend(names.unwrap_or_default());
        }
    }
    for (view, key) in keys {
        if let Some(object) = objects.get_mut(&view) {
            object.primary_key = key;
        }
    }
}

/// A view is searched where it shows the columns in which its tables are, as these are: it has no index of its own. What
/// its tags hide is not searched, since a search tells what is there.
fn inherit_search(objects: &mut BTreeMap<String, Object>, shown: &BTreeMap<String, Shown>) {
    for (table, views) in shown {
        let TextSearch { vectors, trigrams } = objects[table].search.clone();
        for (view, columns) in views.iter().filter(|(view, _)| *view != table) {
            let Some(object) = objects.get_mut(view) else {
                continue;
            };
            let has: BTreeSet<String> = object.fields.iter().map(|field| field.name.clone()).collect();
            let names = |column: &String| {
                let names = columns.get(column).into_iter().flatten();
                names.filter(|name| has.contains(*name)).cloned()
            };
            for vector in &vectors {
                for column in names(&vector.column) {
                    object.search.vectors.retain(|own| own.column != column);
                    let vector = vector.clone();
                    object.search.vectors.push(Vector { column, ..vector });
                }
            }
            for trigram in &trigrams {
                let unaccented = trigram.unaccented;
                let shown = names(&trigram.column).map(|column| Trigram { column, unaccented });
                object.search.trigrams.extend(shown);
            }
        }
    }
}

/// Every foreign key between every two objects that show its columns.
fn links(objects: &BTreeMap<String, Object>, shown: &BTreeMap<String, Shown>) -> Vec<Link> {
    let mut links = Vec::new();
    for table in objects.values() {
        for key in &table.foreign_keys {
            let (Some(near), Some(far)) = (shown.get(&table.name), shown.get(&key.references)) else {
                continue;
            };
            let columns: BTreeSet<&String> = key.columns.iter().collect();
            let is_one_to_one = table
                .unique_keys
                .iter()
                .any(|unique| unique.columns.iter().collect::<BTreeSet<_>>() == columns);
            let near = ends(near, &key.columns);
            let far = ends(far, &key.referenced_columns);
            for ((near, own), (far, referenced)) in near.iter().flat_map(|n| far.iter().map(move |f| (n, f)))
            {
                links.push(Link {
                    constraint: key.name.clone(),
                    near: (*near).to_owned(),
                    far: (*far).to_owned(),
                    columns: pairs(own, referenced),
                    is_one_to_one,
                });
            }
        }
    }
    links
}

/// The objects that show all these columns, with every choice of names where one is shown several times.
fn ends<'a>(shown: &'a Shown, columns: &[String]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut ends = Vec::new();
    for (object, names) in shown {
        let mut choices: Vec<Vec<&str>> = vec![Vec::new()];
        for column in columns {
            let names = names.get(column).map(Vec::as_slice).unwrap_or_default();
            choices = choices
                .iter()
                .flat_map(|begun| {
                    names
                        .iter()
                        .map(|name| [begun.as_slice(), &[name.as_str()]].concat())
                })
                .collect();
        }
        ends.extend(choices.into_iter().map(|choice| (object.as_str(), choice)));
    }
    ends
}

fn pairs(near: &[&str], far: &[&str]) -> Vec<Pair> {
    let both = near.iter().zip(far);
    both.map(|(near, far)| Pair {
        near: (*near).to_owned(),
        far: (*far).to_owned(),
    })
    .collect()
}

fn turned(columns: &[Pair]) -> Vec<Pair> {
    let turned = columns.iter().map(|pair| Pair {
        near: pair.far.clone(),
        far: pair.near.clone(),
    });
    turned.collect()
}

impl Link {
    /// The relationship as each of its ends sees it.
    fn both_ends(&self) -> [(&str, Relationship); 2] {
        let cardinality = if self.is_one_to_one {
            Cardinality::OneToOne
        } else {
            Cardinality::ManyToOne
        };
        let relationship = |target: &str, cardinality, is_own, columns| Relationship {
            target: target.to_owned(),
            cardinality,
            via: Via::ForeignKey {
                constraint: self.constraint.clone(),
                is_own,
                columns,
            },
        };
        [
            (
                self.near.as_str(),
                relationship(&self.far, cardinality, true, self.columns.clone()),
            ),
            (
                self.far.as_str(),
                relationship(&self.near, cardinality.turned(), false, turned(&self.columns)),
            ),
        ]
    }
}

/// Objects that a third one joins: it has a foreign key to each, and its primary key holds both.
fn junctions<'a>(objects: &BTreeMap<String, Object>, links: &'a [Link]) -> Vec<(&'a str, Relationship)> {
    let mut by_object: BTreeMap<&str, Vec<&Link>> = BTreeMap::new();
    for link in links.iter().filter(|link| !link.is_one_to_one) {
        by_object.entry(&link.near).or_default().push(link);
    }
    let mut found = Vec::new();
    for (junction, links) in by_object {
        let Some(object) = objects.get(junction) else {
            continue;
        };
        let in_key = |link: &Link| {
            link.columns
                .iter()
                .all(|pair| object.primary_key.contains(&pair.near))
        };
        let links: Vec<&Link> = links.into_iter().filter(|link| in_key(link)).collect();
        for own in &links {
            for target in links.iter().filter(|target| target.constraint != own.constraint) {
                let via = Via::Junction {
                    object: junction.to_owned(),
                    own_constraint: own.constraint.clone(),
                    target_constraint: target.constraint.clone(),
                    own: turned(&own.columns),
                    target: target.columns.clone(),
                };
                let relationship = Relationship {
                    target: target.far.clone(),
                    cardinality: Cardinality::ManyToMany,
                    via,
                };
                found.push((own.far.as_str(), relationship));
            }
        }
    }
    found
}
