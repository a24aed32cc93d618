//! Calling a function of the template.

use catalog::access::ObjectWrite;

use super::filter::visible;
use super::items::selection;
use super::levels::Levels;
use super::order::order;
use super::query::read_parameters;
use super::read::{Node, page};
use super::{Asked, Context};
use crate::records::ast::Deleted;
use crate::records::claim::MAX_BODY;
use crate::records::error::{RecordError, shorten};
use crate::records::guard::Guard;
use crate::records::model::{Field, Function, Object, Parameter, Returned};
use crate::records::parse::body::call::Arguments;
use crate::records::parse::parameters::take_once;
use crate::records::parse::{self, Parameters, Verb, columns, known};
use crate::records::sql::Keep;
use crate::records::{CallBy, Count, Form, RowRange};

mod choose;

use choose::choose;

/// Calls a function.
pub struct Call<'m> {
    pub(in crate::records) function: &'m Function,
    pub(in crate::records) given: Given<'m>,
    pub(in crate::records) result: Results<'m>,
    /// The form of the answer.
    pub(in crate::records) form: Form,
    pub(in crate::records) guards: Vec<Guard>,
    /// The function may write, and the request lets it.
    pub(in crate::records) writes: bool,
    /// What keeps the answer.
    pub(in crate::records) keep: Option<Keep<'m>>,
    /// All results are counted, and not only those of the page: by calling the function once more.
    pub(in crate::records) count: Option<Count>,
    /// The most records of a page.
    pub(in crate::records) max_rows: u64,
}

/// What a function is called with.
pub enum Given<'m> {
    /// The members of a JSON object.
    Object {
        /// The parameters that it has.
        parameters: Vec<&'m Parameter>,
        /// Its text.
        body: String,
    },
    /// Texts: one for a parameter, any number for a variadic one.
    Texts(Vec<(&'m Parameter, Vec<String>)>),
    /// The whole body, for the only parameter.
    Whole(&'m Parameter, String),
}

/// What comes back of a call.
pub enum Results<'m> {
    /// Nothing.
    Nothing,
    /// Values: all of them in their order, from `offset` at most `limit`.
    Values {
        /// The cast that keeps a number exact in JSON, if it needs one.
        exact: Option<&'static str>,
        /// The rows have no columns that a statement could name.
        untyped: bool,
        /// In rows; nothing where there is one.
        limit: Option<u64>,
        /// In rows.
        offset: u64,
    },
    /// Records.
    Rows(Node<'m>),
}

/// Plans a call of the function called `name`.
pub fn call<'m>(name: &str, by: CallBy<'_>, asked: &Asked<'m>) -> Result<Call<'m>, RecordError> {
    let context = asked.context;
    let overloads = context
        .model
        .functions
        .get(name)
        .map(Vec::as_slice)
        .unwrap_or_default();
    context.limits.check_length(asked.request.query)?;
    if overloads.is_empty() && matches!(by, CallBy::Post(_)) {
        // Before a body is read that nothing takes.
        return Err(choose::unknown(context.model, name, &[], None, None));
    }
    let said = Said::read(context, overloads, asked.request.query, by)?;
    let function = choose(context.model, name, overloads, &said.arguments, by)?;
    let writes = function.writes() && matches!(by, CallBy::Post(_));
    if writes && function.write == ObjectWrite::Nobody {
        return Err(RecordError::NotWritable {
            object: function.name.clone(),
            action: "call it",
        });
    }
    // PostgREST's rule: a `Range` is for what is read.
    let range = asked
        .request
        .range
        .filter(|_| matches!(by, CallBy::Get) && function.returns_set);
    let result = result(context, function, said.rest, range)?;
    let mut guards = Vec::new();
    if let Some(most) = asked.request.preferences.bound() {
        if !function.returns_set {
            return Err(RecordError::CountlessFunction);
        }
        guards.push(Guard::MaxAffected(most));
    }
    if asked.request.form.is_singular() && function.returns_set {
        guards.push(Guard::Singular);
    }
    guards.push(Guard::Size(context.limits.answer_bytes));
    let claim = asked.request.claim.filter(|_| writes);
    guards.extend(claim.map(|_| Guard::Kept(MAX_BODY)));
    Ok(Call {
        function,
        given: given(function, said.arguments)?,
        result,
        form: if function.returns_set {
            asked.request.form
        } else {
            asked.request.form.of_one()
        },
        guards,
        // What writes is called once.
        count: asked
            .request
            .preferences
            .count
            .filter(|count| count.counts() && function.returns_set && !writes),
        writes,
        keep: claim.map(|claim| Keep {
            claim,
            written_only: false,
        }),
        max_rows: context.limits.max_rows,
    })
}

/// A request taken apart: what is for the function, and what is about its results.
struct Said<'a> {
    arguments: Arguments<'a>,
    /// The rest of the query string.
    rest: Parameters,
}

impl<'a> Said<'a> {
    /// With `POST` the body has the arguments, and the query string is all about the results: but for `columns`, which
    /// says what members of the body are arguments. With `GET` a parameter of the request is an argument, unless it reads
    /// like a filter on a column of the results.
    fn read(
        context: Context<'_>,
        overloads: &[Function],
        query: &str,
        by: CallBy<'a>,
    ) -> Result<Self, RecordError> {
        let mut said = parse::parameters(query)?;
        if let CallBy::Post(body) = by {
            let mut arguments = Arguments::parse(body)?;
            if let Some(names) = take_once(&mut said, "columns")? {
                arguments.keep(&columns::parse("columns", &names)?);
            }
            return Ok(Self {
                arguments,
                rest: said,
            });
        }
        let (texts, rest) = said
            .into_iter()
            .partition(|(name, value)| is_argument(context, overloads, name, value));
        Ok(Self {
            arguments: Arguments::Texts(texts),
            rest,
        })
    }
}

fn is_argument(context: Context<'_>, overloads: &[Function], name: &str, value: &str) -> bool {
    let is_parameter = overloads
        .iter()
        .any(|function| function.parameter(name).is_some());
    if is_parameter {
        let rows = overloads
            .iter()
            .filter_map(|function| function.row(context.model));
        return !(is_filter(name, value) && rows.into_iter().any(|row| row.readable(name).is_some()));
    }
    // What is about the results is said in the grammar of lists; anything else is for a parameter that is not there.
    !is_filter(name, value)
}

/// Reads like something that is said of records.
fn is_filter(name: &str, value: &str) -> bool {
    let of_records = known(name).filter(|known| known.is_of(Verb::CallForRecords));
    if of_records.is_some_and(|known| known.name != "deleted" || Deleted::of(value).is_some()) {
        return true;
    }
    let is_column = known(name).is_none_or(|known| !known.is_meant(Verb::CallForRecords, true));
    let alone = vec![(name.to_owned(), value.to_owned())];
    is_column && parse::query(alone, |_| false).is_ok()
}

fn result<'m>(
    context: Context<'m>,
    function: &'m Function,
    rest: Parameters,
    range: Option<RowRange>,
) -> Result<Results<'m>, RecordError> {
    let row: &'m Object = match &function.returns {
        Returned::Nothing => return nothing_said(&rest).map(|()| Results::Nothing),
        Returned::Scalar(field) => return values(context, function, rest, range, Some(field)),
        Returned::Record => return values(context, function, rest, range, None),
        Returned::Object(name) => context.model.object(name)?,
        Returned::Row(row) => row,
    };
    let said = read_parameters(row, rest, context.limits, Verb::CallForRecords)?;
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(context, row, said.select, &mut levels)?;
    let (offset, limit) = page(said.root.offset.unwrap_or(0), said.root.limit, range)?;
    Ok(Results::Rows(Node {
        order: order(&selection, said.root.order)?,
        filter: visible(row, None, said.root.filter, said.deleted, &selection.embeds)?,
        selection,
        limit: function.returns_set.then(|| context.limits.rows(limit)),
        offset,
    }))
}

/// Values have no columns to select, to filter or to sort by.
fn values<'m>(
    context: Context<'m>,
    function: &Function,
    rest: Parameters,
    range: Option<RowRange>,
    field: Option<&'m Field>,
) -> Result<Results<'m>, RecordError> {
    let verb = if function.returns_set {
        Verb::CallForValues
    } else {
        Verb::CallForOne
    };
    refuse_others(&rest, verb)?;
    let said = parse::query(rest, |name| known(name).is_some())?;
    let (offset, limit) = page(said.root.offset.unwrap_or(0), said.root.limit, range)?;
    Ok(Results::Values {
        exact: field.and_then(Field::exact_cast),
        untyped: field.is_none(),
        limit: function.returns_set.then(|| context.limits.rows(limit)),
        offset,
    })
}

fn nothing_said(rest: &Parameters) -> Result<(), RecordError> {
    refuse_others(rest, Verb::CallForOne)
}

/// Refuses what is about records where there are none. `select=*`, which clients send by themselves, says nothing.
fn refuse_others(parameters: &Parameters, verb: Verb) -> Result<(), RecordError> {
    let suits = |name: &str| known(name).is_some_and(|known| known.is_of(verb));
    let is_other = |(name, value): &&(String, String)| !suits(name) && (name != "select" || value != "*");
    match parameters.iter().find(is_other) {
        Some((name, _)) => Err(RecordError::MisplacedParameter {
            parameter: shorten(name),
            action: verb.action(),
        }),
        None => Ok(()),
    }
}

/// Brings the arguments to the parameters of the function that was chosen for them.
fn given<'m>(function: &'m Function, arguments: Arguments<'_>) -> Result<Given<'m>, RecordError> {
    let only = function.parameters.first();
    let whole = only.filter(|_| function.body_type().is_some());
    match (arguments, whole) {
        (Arguments::Object { text, .. }, Some(only)) => Ok(Given::Whole(only, text.to_owned())),
        (Arguments::Whole { bytes, .. }, Some(only)) => {
            let text = if only.type_name == "bytea" {
                hex(bytes)
            } else {
                String::from_utf8_lossy(bytes).into_owned()
            };
            Ok(Given::Whole(only, text))
        }
        (Arguments::Object { text, keys }, None) => Ok(Given::Object {
            parameters: keys.iter().filter_map(|key| function.parameter(key)).collect(),
            body: text.to_owned(),
        }),
        (Arguments::Texts(pairs), _) => texts(function, pairs).map(Given::Texts),
        (Arguments::Whole { .. }, None) => Ok(Given::Texts(Vec::new())),
    }
}

fn texts(
    function: &Function,
    pairs: Vec<(String, String)>,
) -> Result<Vec<(&Parameter, Vec<String>)>, RecordError> {
    let mut given: Vec<(&Parameter, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        let Some(parameter) = function.parameter(&name) else {
            continue;
        };
        match given.iter_mut().find(|(known, _)| known.name == name) {
            None => given.push((parameter, vec![value])),
            Some((known, values)) if known.variadic => values.push(value),
            Some(_) => return Err(parse::twice(&name)),
        }
    }
    Ok(given)
}

/// `bytea` in its hex format (PostgreSQL documentation, section 8.4.1).
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    ['\\', 'x'].into_iter().chain(digits).collect()
}
