//! The functions of a template that `/rpc/{function}` calls.

use catalog::access::ObjectWrite;

use super::{Field, Object, SchemaModel, TypeCategory};

/// One function; those with the same name (overloads) stand together in [`SchemaModel::functions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, also its path segment.
    pub name: String,
    /// Its SQL comment without the `@access` line.
    pub comment: Option<String>,
    /// Who may call it if it writes ([`Function::writes`]), by that line.
    pub write: ObjectWrite,
    /// What a call gives it, in order: `in`, `inout` and `variadic` parameters.
    pub parameters: Vec<Parameter>,
    /// What comes back.
    pub returns: Returned,
    /// It returns a set of those rather than one.
    pub returns_set: bool,
    /// What it may do to the database.
    pub volatility: Volatility,
}

/// What a call gives a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its type as PostgreSQL writes it; for a variadic one the array.
    pub type_name: String,
    /// The broad class of that type.
    pub category: TypeCategory,
    /// The labels of an enum, or of an array of one.
    pub enum_labels: Vec<String>,
    /// The type of one element, for an array.
    pub element_type: Option<String>,
    /// A call may leave it out.
    pub has_default: bool,
    /// It takes any number of values.
    pub variadic: bool,
}

/// What one result of a function is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// Nothing (`void`).
    Nothing,
    /// One value. The field has the function's name.
    Scalar(Box<Field>),
    /// A record of this object, which is exposed.
    Object(String),
    /// A row of a type of its own (`table (…)`, `out` parameters, a composite type): an object that has only fields.
    Row(Box<Object>),
    /// A row whose columns only a call could name (`record`); PostgreSQL refuses it where columns must be known.
    Record,
}

/// `pg_proc.provolatile`; only [`Volatility::Volatile`] may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    /// Depends on its arguments only.
    Immutable,
    /// Reads.
    Stable,
    /// May write.
    Volatile,
}

/// The type of the only parameter of a function, unnamed, that takes a whole request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyType {
    /// `json` or `jsonb`, from a JSON body.
    Json,
    /// `text`, from a plain text.
    Text,
    /// `xml`, from XML.
    Xml,
    /// `bytea`, from any bytes.
    Bytes,
}

impl Function {
    /// The parameter called `name`.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// What the request's body must be for a function whose only parameter is unnamed and takes it as a whole.
    pub fn body_type(&self) -> Option<BodyType> {
        match self.parameters.as_slice() {
            [only] if only.name.is_empty() => match only.type_name.as_str() {
                "json" | "jsonb" => Some(BodyType::Json),
                "text" => Some(BodyType::Text),
                "xml" => Some(BodyType::Xml),
                "bytea" => Some(BodyType::Bytes),
                _ => None,
            },
            _ => None,
        }
    }

    /// A call can name every parameter, or give the one unnamed parameter the request's body.
    pub fn is_callable(&self) -> bool {
        self.body_type().is_some() || self.parameters.iter().all(|parameter| !parameter.name.is_empty())
    }

    /// It may write: only `POST` calls it, in a transaction that is not read-only.
    pub fn writes(&self) -> bool {
        self.volatility == Volatility::Volatile
    }

    /// The object whose fields, computed columns and relationships a result has, if it is a row.
    pub fn row<'m>(&'m self, model: &'m SchemaModel) -> Option<&'m Object> {
        match &self.returns {
            Returned::Object(name) => model.objects.get(name),
            Returned::Row(object) => Some(object),
            Returned::Nothing | Returned::Scalar(_) | Returned::Record => None,
        }
    }
}
