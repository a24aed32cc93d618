//! How objects hang together: what a request may embed in what.

/// A relationship as one of its two objects sees it ([`Object::relationships`](super::Object::relationships)).
///
/// The order of declaration is the order in which candidates are named when a request is ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relationship {
    /// The object at the other end; the object itself in a self reference.
    pub target: String,
    /// How many records there are at each end, this one first.
    pub cardinality: Cardinality,
    /// What ties the records together.
    pub via: Via,
}

/// How many records of this object and how many of the target belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cardinality {
    /// Embeds an array: the target's foreign key names this object.
    OneToMany,
    /// Embeds an object: this object's foreign key names the target.
    ManyToOne,
    /// Embeds an object: the foreign key, on either side, is unique.
    OneToOne,
    /// Embeds an array, by way of a junction.
    ManyToMany,
}

/// What ties two objects together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// A foreign key, on either side; a view's is that of the table whose key it shows.
    ForeignKey {
        /// The name of the constraint.
        constraint: String,
        /// The constraint is this object's and names the target, rather than the other way round.
        is_own: bool,
        /// Columns that must be equal, this object's first.
        columns: Vec<Pair>,
    },
    /// An object with a foreign key to each of the two, whose primary key holds both.
    Junction {
        /// The junction's name.
        object: String,
        /// Its constraint that names this object.
        own_constraint: String,
        /// Its constraint that names the target.
        target_constraint: String,
        /// Columns that must be equal: this object's, then the junction's.
        own: Vec<Pair>,
        /// Columns that must be equal: the junction's, then the target's.
        target: Vec<Pair>,
    },
    /// A function of one argument, a row of this object, that returns records of the target: a computed relationship.
    Function {
        /// The function's name, by which the relationship is asked for.
        name: String,
    },
}

/// Two columns that must be equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The near object's column.
    pub near: String,
    /// The far object's column.
    pub far: String,
}

impl Cardinality {
    /// The target is embedded as an object, not as an array.
    pub fn is_to_one(self) -> bool {
        matches!(self, Self::ManyToOne | Self::OneToOne)
    }

    /// The word for it in error answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneToMany => "one-to-many",
            Self::ManyToOne => "many-to-one",
            Self::OneToOne => "one-to-one",
            Self::ManyToMany => "many-to-many",
        }
    }

    /// The same relationship from the other end.
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Self::OneToMany => Self::ManyToOne,
            Self::ManyToOne => Self::OneToMany,
            Self::OneToOne | Self::ManyToMany => self,
        }
    }
}

impl Relationship {
    /// The constraint's name says which relationship is meant (either constraint of a junction).
    pub fn has_constraint(&self, name: &str) -> bool {
        match &self.via {
            Via::ForeignKey { constraint, .. } => constraint == name,
            Via::Junction {
                own_constraint,
                target_constraint,
                ..
            } => own_constraint == name || target_constraint == name,
            Via::Function { .. } => false,
        }
    }

    /// This object's only column in the foreign key, or in the key that it names.
    pub fn own_column(&self) -> Option<&str> {
        self.only_pair().map(|pair| pair.near.as_str())
    }

    /// The target's only column in the foreign key, or in the key that it names.
    pub fn target_column(&self) -> Option<&str> {
        self.only_pair().map(|pair| pair.far.as_str())
    }

    /// The junction's name.
    pub fn junction(&self) -> Option<&str> {
        match &self.via {
            Via::Junction { object, .. } => Some(object),
            _ => None,
        }
    }

    fn only_pair(&self) -> Option<&Pair> {
        match &self.via {
            Via::ForeignKey { columns, .. } => match columns.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            _ => None,
        }
    }
}
