//! Which of the functions of one name a call means: PostgREST's rules ("Functions as RPC").

use crate::records::CallBy;
use crate::records::error::{RecordError, shorten};
use crate::records::model::{BodyType, Function, SchemaModel};
use crate::records::parse::body::call::Arguments;
use catalog::nearest::nearest;

/// The most parameters that a function has (`max_function_args` in PostgreSQL's documentation, section 19.15).
const PARAMETERS: usize = 100;

/// Finds the one function that takes these arguments: by their names, or else the one that takes a body as a whole.
pub(super) fn choose<'m>(
    model: &'m SchemaModel,
    name: &str,
    overloads: &'m [Function],
    arguments: &Arguments<'_>,
    by: CallBy<'_>,
) -> Result<&'m Function, RecordError> {
    let names = names(arguments);
    let whole = whole(arguments, by);
    // Only a body that is taken as a whole has more names than a function has parameters.
    let by_name: Vec<&Function> = match &names {
        Some(names) if names.len() <= PARAMETERS => overloads
            .iter()
            .filter(|function| takes(function, names))
            .collect(),
        _ => Vec::new(),
    };
    let by_body = overloads
        .iter()
        .filter(|function| whole.is_some() && function.body_type() == whole);
    let found = if by_name.is_empty() {
        by_body.collect()
    } else {
        by_name
    };
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(unknown(model, name, overloads, names.as_deref(), whole)),
        several => Err(RecordError::AmbiguousFunction {
            candidates: several.iter().map(|function| signature(function)).collect(),
        }),
    }
}

/// The names that a call gives, each once; nothing for a body without names.
fn names<'a>(arguments: &'a Arguments<'_>) -> Option<Vec<&'a str>> {
    let mut names: Vec<&str> = match arguments {
        Arguments::Object { keys, .. } => keys.iter().map(String::as_str).collect(),
        Arguments::Texts(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
        Arguments::Whole { .. } => return None,
    };
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// What a body is as a whole.
fn whole(arguments: &Arguments<'_>, by: CallBy<'_>) -> Option<BodyType> {
    match arguments {
        _ if matches!(by, CallBy::Get) => None,
        Arguments::Object { .. } => Some(BodyType::Json),
        Arguments::Whole { body_type, .. } => Some(*body_type),
        Arguments::Texts(_) => None,
    }
}

/// Every parameter without a default is named, and nothing that is no parameter.
fn takes(function: &Function, names: &[&str]) -> bool {
    let is_named = |name: &str| names.binary_search(&name).is_ok();
    function.body_type().is_none()
        && function
            .parameters
            .iter()
            .all(|parameter| parameter.has_default || is_named(&parameter.name))
        && names.iter().all(|name| function.parameter(name).is_some())
}

/// `add(a => integer, b => integer)`
fn signature(function: &Function) -> String {
    let parameters = function.parameters.iter().map(|parameter| {
        if parameter.name.is_empty() {
            parameter.type_name.clone()
        } else {
            format!("{} => {}", parameter.name, parameter.type_name)
        }
    });
    format!("{}({})", function.name, parameters.collect::<Vec<_>>().join(", "))
}

/// The error that no function takes these arguments.
pub(super) fn unknown(
    model: &SchemaModel,
    name: &str,
    overloads: &[Function],
    names: Option<&[&str]>,
    whole: Option<BodyType>,
) -> RecordError {
    let names = names.unwrap_or_default();
    let names = &names[..names.len().min(PARAMETERS)];
    let called = shorten(name);
    let listed = shorten(&names.join(", "));
    let unnamed = whole.map(|body_type| match body_type {
        BodyType::Json => "with a single unnamed json/jsonb parameter",
        BodyType::Text => "with a single unnamed text parameter",
        BodyType::Xml => "with a single unnamed xml parameter",
        BodyType::Bytes => "with a single unnamed bytea parameter",
    });
    let by_name = if names.is_empty() {
        "without parameters".to_owned()
    } else if names.len() == 1 {
        format!("with parameter {listed}")
    } else {
        format!("with parameters {listed}")
    };
    let searched = match (unnamed, names.is_empty()) {
        (Some(unnamed), true) => unnamed.to_owned(),
        (Some(unnamed), false) => format!("{by_name} or {unnamed}"),
        (None, _) => by_name,
    };
    let call = if names.is_empty() {
        called.clone()
    } else {
        format!("{called}({listed})")
    };
    RecordError::UnknownFunction {
        call,
        searched: format!("Searched for the function {called} {searched}, but no matches were found"),
        nearest: similar(model, name, overloads, names),
    }
}

/// The overload that has most of the names, or else the function whose name is the nearest.
fn similar(model: &SchemaModel, name: &str, overloads: &[Function], names: &[&str]) -> Option<String> {
    let shared = |function: &&Function| {
        let known = names.iter().filter(|name| function.parameter(name).is_some());
        known.count()
    };
    if let Some(best) = overloads.iter().max_by_key(shared) {
        let parameters: Vec<&str> = best
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        return Some(format!("{name}({})", parameters.join(", ")));
    }
    nearest(name, model.functions.keys().map(String::as_str)).map(str::to_owned)
}
