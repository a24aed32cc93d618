//! Pipelines with their stages: made and replaced in one request, and their stages put in another order in one statement.

mod sql;
mod stage;

use serde_json::Value;
use uuid::Uuid;

use self::stage::{Stage, take_stages};
use super::{Fields, Rule, Step, Verb, id_of};
use crate::records::{Conditions, RecordError};

pub(crate) use sql::STATEMENTS;

/// The fields of a pipeline.
pub const FIELDS: &[&str] = &["name", "is_default", "currency", "position", "stages"];

/// The most characters of a name, as the tables have it.
const MOST_NAME: usize = 200;

/// The most stages of a pipeline.
pub const MOST_STAGES: usize = 100;

/// A pipeline as a request has it.
struct Pipeline {
    name: Option<String>,
    is_default: Option<bool>,
    currency: Option<String>,
    position: Option<i32>,
    stages: Vec<Stage>,
}

impl Pipeline {
    fn read(body: &[u8]) -> Result<Self, RecordError> {
        let mut fields = Fields::read(body, FIELDS)?;
        let name = fields.text("name", MOST_NAME);
        let name = fields.required("name", name);
        let is_default = fields.take("is_default").and_then(|value| {
            let said = value.as_bool();
            if said.is_none() {
                fields.refuse("is_default", "not_a_boolean", "must be true or false");
            }
            said
        });
        let currency = fields.text("currency", 3).filter(|code| {
            let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
            if !is_code {
                fields.refuse(
                    "currency",
                    "not_a_currency",
                    "must be an ISO 4217 code, such as EUR",
                );
            }
            is_code
        });
        let position = fields.take("position").and_then(|value| {
            let position = value.as_i64().and_then(|number| i32::try_from(number).ok());
            if position.is_none() {
                fields.refuse("position", "not_a_number", "must be a whole number");
            }
            position
        });
        let stages = take_stages(&mut fields);
        fields.finish()?;
        Ok(Self {
            name,
            is_default,
            currency,
            position,
            stages,
        })
    }

    /// The pipeline and its stages, as the statements take them.
    fn params(self, id: Option<Uuid>) -> Vec<Option<String>> {
        let stages: Vec<Value> = self.stages.iter().map(Stage::as_json).collect();
        vec![
            id.map(|id| id.to_string()),
            self.name,
            self.is_default.map(|said| said.to_string()),
            self.currency,
            self.position.map(|position| position.to_string()),
            Some(Value::Array(stages).to_string()),
        ]
    }
}

const RULES: &[Rule] = &[
    Rule {
        word: "stages_unknown",
        status: 422,
        message: "The pipeline has no such stages",
        hint: Some("Leave out the id of a stage that is new"),
    },
    Rule {
        word: "stage_in_use",
        status: 422,
        message: "A stage in which deals are, also deals in the bin, stays of its kind",
        hint: Some("Move its deals first, or leave out the kind"),
    },
    Rule {
        word: "none_open",
        status: 422,
        message: "The field 'stages' must have at least one stage of the kind open",
        hint: None,
    },
    Rule {
        word: "stages_incomplete",
        status: 422,
        message: "The order must have every stage of the pipeline that is not archived, and no other",
        hint: Some("The details say which are missing, and which do not belong there"),
    },
];

/// Makes a pipeline with its stages.
///
/// # Errors
/// A body that cannot be read.
pub fn create(body: &[u8]) -> Result<Verb, RecordError> {
    let pipeline = Pipeline::read(body)?;
    let leaves = pipeline.is_default == Some(true);
    let params = pipeline.params(None);
    let locks = leaves.then_some(Step {
        sql: sql::LEAVE_DEFAULT,
        params: Vec::new(),
    });
    let statement = Step {
        sql: sql::CREATE,
        params: params.into_iter().skip(1).collect(),
    };
    Ok(Verb {
        creates: true,
        ..Verb::writes("pipelines", locks.into_iter().collect(), statement, RULES)
    })
}

/// Replaces a pipeline and its stages. A stage with the id of one that is there is that one; one that is left out is removed, or
/// archived where deals have been in it. A kind or a probability that is not given stays as it is.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn replace(id: &str, conditions: &Conditions, body: &[u8]) -> Result<Verb, RecordError> {
    let id = id_of(id)?;
    let versions = conditions.versions()?;
    let pipeline = Pipeline::read(body)?;
    let leaves = pipeline.is_default == Some(true);
    let known: Vec<String> = pipeline.stages.iter().filter_map(Stage::id).collect();
    let checked = || {
        vec![
            Some(id.to_string()),
            versions.clone(),
            Some(format!("{{{}}}", known.join(","))),
        ]
    };
    let stages: Vec<Value> = pipeline.stages.iter().map(Stage::as_json).collect();
    let stages = Some(Value::Array(stages).to_string());
    let step = |sql| {
        let mut params = checked();
        params.push(stages.clone());
        Step { sql, params }
    };
    let mut locks = locks(id);
    locks.extend([
        Step {
            sql: sql::LOCK_KINDS,
            params: vec![Some(id.to_string()), stages.clone()],
        },
        step(sql::REMOVE),
        step(sql::ARCHIVE),
    ]);
    if leaves {
        locks.push(step(sql::LEAVE_DEFAULT_FOR));
    }
    let mut params = checked();
    params.extend(pipeline.params(None).into_iter().skip(1));
    let statement = Step {
        sql: sql::REPLACE,
        params,
    };
    Ok(Verb::writes("pipelines", locks, statement, RULES))
}

/// Puts the stages of a pipeline in this order.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn reorder(id: &str, conditions: &Conditions, body: &[u8]) -> Result<Verb, RecordError> {
    let id = id_of(id)?;
    let versions = conditions.versions()?;
    let mut fields = Fields::read(body, &["stage_ids"])?;
    let ids = take_ids(&mut fields, "stage_ids");
    fields.finish()?;
    let ids: Vec<String> = ids.into_iter().flatten().map(|id| id.to_string()).collect();
    let statement = Step {
        sql: sql::REORDER,
        params: vec![
            Some(id.to_string()),
            versions,
            Some(format!("{{{}}}", ids.join(","))),
        ],
    };
    Ok(Verb::writes("pipelines", locks(id), statement, RULES))
}

/// Locks a pipeline, then its stages.
fn locks(id: Uuid) -> Vec<Step> {
    let lock = |sql| Step {
        sql,
        params: vec![Some(id.to_string())],
    };
    vec![lock(sql::LOCK), lock(sql::LOCK_STAGES)]
}

fn take_ids(fields: &mut Fields, name: &str) -> Option<Vec<Uuid>> {
    let value = fields.take(name);
    let value = fields.required(name, value)?;
    let ids = value
        .as_array()
        .filter(|ids| ids.len() <= MOST_STAGES)
        .and_then(|ids| {
            let ids = ids.iter().map(|id| Uuid::parse_str(id.as_str()?).ok());
            ids.collect::<Option<Vec<Uuid>>>()
        });
    let Some(ids) = ids else {
        let expected = format!("must be an array of at most {MOST_STAGES} UUIDs");
        fields.refuse(name, "not_ids", expected);
        return None;
    };
    let is_repeated = ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id));
    if is_repeated {
        fields.refuse(name, "repeated", "names a stage twice");
    }
    Some(ids)
}
