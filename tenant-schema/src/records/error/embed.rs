//! Why related records cannot be embedded as asked: PostgREST's errors about relationships.

use serde::Serialize;

use crate::records::model::{Pair, Relationship, Via};

/// A `select` that names related objects, or a parameter about one, that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// Nothing relates the two.
    #[error("Could not find a relationship between '{object}' and '{relation}' in the schema cache")]
    Unrelated {
        /// The object in whose records something is to be embedded.
        object: String,
        /// What is to be embedded.
        relation: String,
        /// What was said to tell relationships apart.
        hint: Option<String>,
        /// The nearest that could be embedded.
        nearest: Option<String>,
    },
    /// More than one relationship fits.
    #[error("Could not embed because more than one relationship was found for '{object}' and '{relation}'")]
    Ambiguous {
        /// The object in whose records something is to be embedded.
        object: String,
        /// What is to be embedded.
        relation: String,
        /// What it could mean.
        candidates: Vec<Candidate>,
    },
    /// A parameter is about something that `select` does not embed.
    #[error("'{name}' is not an embedded resource in this request")]
    NotEmbedded {
        /// What the parameter calls it.
        name: String,
    },
    /// Records cannot be sorted by one of many.
    #[error("A related order on '{name}' is not possible")]
    OrderByMany {
        /// The object.
        object: String,
        /// What is embedded.
        name: String,
    },
    /// Embedded records can be there or not, and nothing else.
    #[error("Bad operator on the '{name}' embedded resource")]
    Filter {
        /// What is embedded.
        name: String,
    },
    /// The caller may not read what is to be embedded.
    #[error("permission denied for {object}: this caller may not read it")]
    Forbidden {
        /// The embedded object, or the junction that leads to it.
        object: String,
    },
}

/// One relationship that could have been meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// `many-to-one`, …
    pub cardinality: &'static str,
    /// `films with directors`
    pub embedding: String,
    /// The constraint and the columns.
    pub relationship: String,
    /// What to write for it.
    #[serde(skip)]
    hint: String,
}

impl Candidate {
    pub(in crate::records) fn new(object: &str, relationship: &Relationship) -> Self {
        let target = &relationship.target;
        let near = |pairs: &[Pair]| list(pairs.iter().map(|pair| pair.near.as_str()));
        let far = |pairs: &[Pair]| list(pairs.iter().map(|pair| pair.far.as_str()));
        let (text, told_by) = match &relationship.via {
            Via::ForeignKey {
                constraint, columns, ..
            } => {
                let (own, theirs) = (near(columns), far(columns));
                (
                    format!("{constraint} using {object}{own} and {target}{theirs}"),
                    constraint,
                )
            }
            Via::Junction {
                object: junction,
                own_constraint,
                target_constraint,
                own,
                target: pairs,
            } => {
                let (own, theirs) = (far(own), near(pairs));
                let told_by = if target == object {
                    own_constraint
                } else {
                    junction
                };
                (
                    format!("{junction} using {own_constraint}{own} and {target_constraint}{theirs}"),
                    told_by,
                )
            }
            Via::Function { name } => (name.clone(), name),
        };
        Self {
            cardinality: relationship.cardinality.name(),
            embedding: format!("{object} with {target}"),
            relationship: text,
            hint: format!("'{target}!{told_by}'"),
        }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("({})", names.join(", "))
}

impl EmbedError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unrelated { .. } => "PGRST200",
            Self::Ambiguous { .. } => "PGRST201",
            Self::NotEmbedded { .. } => "PGRST108",
            Self::OrderByMany { .. } => "PGRST118",
            Self::Filter { .. } => "PGRST120",
            Self::Forbidden { .. } => "42501",
        }
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Ambiguous { .. } => 300,
            Self::Forbidden { .. } => 403,
            _ => 400,
        }
    }

    pub(super) fn details(&self) -> Option<String> {
        match self {
            Self::Unrelated {
                object,
                relation,
                hint,
                ..
            } => {
                let hint = hint
                    .as_ref()
                    .map_or(String::new(), |hint| format!(" using the hint '{hint}'"));
                Some(format!(
                    "Searched for a foreign key relationship between '{object}' and '{relation}'{hint}, \
                     but no matches were found."
                ))
            }
            Self::OrderByMany { object, name } => Some(format!(
                "'{object}' and '{name}' do not form a many-to-one or one-to-one relationship"
            )),
            Self::Filter { .. } => {
                Some("Only is null or not is null filters are allowed on embedded resources".to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Unrelated {
                relation,
                nearest: Some(near),
                ..
            } => Some(format!("Perhaps you meant '{near}' instead of '{relation}'.")),
            Self::Ambiguous {
                relation, candidates, ..
            } => {
                let hints: Vec<_> = candidates
                    .iter()
                    .map(|candidate| candidate.hint.as_str())
                    .collect();
                Some(format!(
                    "Try changing '{relation}' to one of the following: {}. \
                     Find the desired relationship in the 'details' key.",
                    hints.join(", ")
                ))
            }
            Self::NotEmbedded { name } => Some(format!(
                "Verify that '{name}' is included in the 'select' query parameter."
            )),
            _ => None,
        }
    }
}
