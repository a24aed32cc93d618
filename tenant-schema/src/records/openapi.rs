//! The description of a template's API as an `OpenAPI` 3.1 document, from the model alone.
//!
//! Source: `OpenAPI` Specification 3.1.0, and JSON Schema draft 2020-12 for what stands in it. Whoever serves it adds the
//! paths that are not about records.

mod functions;
mod headers;
mod objects;
mod parts;
mod schema;

use std::fmt::Write as _;

use catalog::access::Action;
use serde_json::{Map, Value, json};

use super::model::{Function, Object, SchemaModel};

/// What the document says besides the model.
pub struct About<'a> {
    /// The name of the API.
    pub title: &'a str,
    /// The version of the template.
    pub version: &'a str,
    /// Where it is served, without a slash at the end.
    pub server_url: &'a str,
    /// What the reader may do; the rest is left out.
    pub may: &'a dyn Fn(Use<'_>) -> bool,
}

/// Something that a caller may be allowed to do.
#[derive(Clone, Copy)]
pub enum Use<'a> {
    /// Do this to the object's records.
    Object(&'a Object, Action),
    /// Call the function.
    Function(&'a Function),
}

/// The document.
pub fn document(model: &SchemaModel, about: &About<'_>) -> Value {
    let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
    for object in model.objects.values() {
        let may = |action| (about.may)(Use::Object(object, action));
        let before = paths.len();
        objects::describe(object, &may, &mut paths, &mut schemas);
        if paths.len() > before {
            tags.push(tag(&object.name, object.comment.as_deref()));
        }
    }
    let before = paths.len();
    for (name, overloads) in &model.functions {
        let callable: Vec<&Function> = overloads
            .iter()
            .filter(|function| (about.may)(Use::Function(function)))
            .collect();
        functions::describe(name, &callable, model, &mut paths, &mut schemas);
    }
    if paths.len() > before {
        tags.push(tag("rpc", Some("Functions.")));
    }
    schemas.insert(parts::PROBLEM.to_owned(), parts::problem());
    json!({
        "openapi": "3.1.0",
        "info": { "title": about.title, "version": about.version, "description": DESCRIPTION },
        "servers": [{ "url": about.server_url }],
        "security": [{ "bearer": [] }, { "apikey": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parts::parameters(),
            "responses": parts::responses(),
            "headers": headers::components(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of a signed-in person, or an API key.",
                },
                "apikey": { "type": "apiKey", "in": "header", "name": "apikey", "description": "An API key." },
            },
        },
    })
}

const DESCRIPTION: &str = "Records are read and written in the dialect of PostgREST: any of its clients works as it is. \
    Errors are problem details (RFC 9457) with the members code, message, details and hint.";

fn tag(name: &str, comment: Option<&str>) -> Value {
    match comment {
        Some(comment) => json!({ "name": name, "description": comment }),
        None => json!({ "name": name }),
    }
}

/// A name as the key of a component, which may hold letters, digits, `.`, `-` and `_`: every other character, and `-`
/// and `.`, by its bytes in hexadecimal behind `-`. No two names have the same key.
fn key(name: &str) -> String {
    name.bytes()
        .fold(String::with_capacity(name.len()), |mut key, byte| {
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                key.push(char::from(byte));
            } else {
                let _ = write!(key, "-{byte:02x}");
            }
            key
        })
}

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, SEGMENT).to_string()
}

/// Everything but what RFC 3986 calls unreserved; a template of paths gives braces a meaning.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

#[cfg(test)]
mod tests;
