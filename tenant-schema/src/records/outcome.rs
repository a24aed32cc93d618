//! What the plan of each operation comes to: a statement, and what is known of it.

use uuid::Uuid;

use super::export::Export;
use super::guard::Guard;
use super::parse::prefer::Preference;
use super::plan::{self, Asked};
use super::prepared::Shape;
use super::{
    Count, End, Mode, Operation, Preferences, Query, RecordError, Request, Target, cursor, model, sql,
};

/// Plans the operation of a request and writes its SQL.
pub(super) fn outcome(
    request: &Request<'_>,
    asked: &Asked<'_>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome, RecordError> {
    let name = request.object;
    let object = || asked.context.model.object(name);
    plan::check(request, object)?;
    Ok(match request.operation {
        Operation::List => Outcome::list(&plan::list(object()?, asked)?)?,
        Operation::Export(lines) => Outcome::export(&plan::list(object()?, asked)?, lines)?,
        Operation::Get { id } => {
            let plan = plan::get(object()?, id, asked)?;
            Outcome {
                is_plain: plan.is_plain(),
                ..Outcome::of(sql::get(&plan)?, Shape::Record)
            }
        }
        Operation::Insert { body } => Outcome::insert(&plan::insert(object()?, body, asked, new_id)?)?,
        Operation::Replace { target, body } => {
            let plan = plan::replace(object()?, target, body, asked, new_id)?;
            Outcome {
                shape: Shape::Put,
                ..Outcome::insert(&plan)?
            }
        }
        Operation::Update { target, body } => {
            let plan = plan::update(object()?, target, body, asked)?;
            Outcome {
                written: typed(plan.columns.iter().copied()),
                guards: plan.answer.guards.clone(),
                merges: plan.answer.merges(),
                ..Outcome::of(sql::update(&plan)?, written_shape(target, Shape::Updated))
            }
        }
        Operation::Delete { target } => {
            let plan = plan::delete(object()?, target, asked, new_id)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                ..Outcome::of(sql::delete(&plan)?, written_shape(target, Shape::Deleted))
            }
        }
        Operation::Restore { id } => {
            let plan = plan::restore(object()?, id, asked)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                owners: plan.owners.iter().map(|owner| owner.shown.clone()).collect(),
                ..Outcome::of(sql::restore(&plan)?, Shape::WrittenRecord)
            }
        }
        Operation::Purge { id } => {
            let plan = plan::purge(object()?, id, asked)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                ..Outcome::of(sql::purge(&plan)?, Shape::WrittenRecord)
            }
        }
        Operation::Call(by) => Outcome::call(&plan::call(name, by, asked)?)?,
    })
}

/// A statement, and what is known of it.
pub(super) struct Outcome {
    pub(super) query: Query,
    /// Says what PostgreSQL expects a page to be taken from.
    pub(super) estimate: Option<Query>,
    pub(super) shape: Shape,
    pub(super) export: Option<Export>,
    pub(super) written: Vec<(String, String)>,
    pub(super) guards: Vec<Guard>,
    /// What a restored record belongs to.
    pub(super) owners: Vec<Option<String>>,
    /// `Prefer: resolution` made a difference.
    pub(super) resolves: bool,
    /// `Prefer: merge` made a difference.
    pub(super) merges: bool,
    /// What is answered follows from the record's version alone.
    pub(super) is_plain: bool,
    pub(super) next: Option<cursor::Next>,
}

impl Outcome {
    pub(super) fn of(query: Query, shape: Shape) -> Self {
        Self {
            query,
            estimate: None,
            shape,
            export: None,
            written: Vec::new(),
            guards: Vec::new(),
            owners: Vec::new(),
            resolves: false,
            merges: false,
            is_plain: true,
            next: None,
        }
    }

    fn list(plan: &plan::List<'_>) -> Result<Self, RecordError> {
        let shape = Shape::Page {
            offset: plan.offset(),
        };
        let guess = plan.count.is_some_and(Count::estimates);
        Ok(Self {
            estimate: guess.then(|| sql::estimate(plan)).transpose()?,
            next: plan.next(),
            ..Self::of(sql::list(plan)?, shape)
        })
    }

    fn insert(plan: &plan::Insert<'_>) -> Result<Self, RecordError> {
        let key = plan.object.primary_key.clone();
        let shape = if plan.merges() {
            Shape::Merged { key }
        } else {
            Shape::Inserted { key }
        };
        Ok(Self {
            written: typed(plan.columns.iter().map(|column| column.field)),
            guards: plan.answer.guards.clone(),
            resolves: plan.conflict.is_some(),
            ..Self::of(sql::insert(plan)?, shape)
        })
    }

    fn call(plan: &plan::Call<'_>) -> Result<Self, RecordError> {
        let page = match &plan.result {
            plan::Results::Rows(node) => node.limit.map(|limit| (node.offset, limit)),
            plan::Results::Values { offset, limit, .. } => limit.map(|limit| (*offset, limit)),
            plan::Results::Nothing => None,
        };
        let parameters = plan.function.parameters.iter();
        let shape = Shape::Called {
            page,
            nothing: matches!(plan.result, plan::Results::Nothing),
            writes: plan.writes,
        };
        Ok(Self {
            written: parameters
                .map(|parameter| (parameter.name.clone(), parameter.type_name.clone()))
                .collect(),
            guards: plan.guards.clone(),
            ..Self::of(sql::call(plan)?, shape)
        })
    }

    pub(super) fn mode(&self) -> Mode {
        match self.shape {
            Shape::Page { .. } | Shape::Record | Shape::Called { writes: false, .. } => Mode::ReadOnly,
            _ => Mode::ReadWrite,
        }
    }

    /// Whether the client may choose this end. A function that may write keeps books of its own (attempts, quotas),
    /// which nobody who calls it may undo.
    pub(super) fn may_end(&self, end: End) -> bool {
        end == End::Commit || !matches!(self.shape, Shape::Called { writes: true, .. })
    }

    /// Whether a preference that was said is about what this statement does, and cannot be followed. Strictly handled
    /// it is refused. One that is about something else, such as what a write returns said of a read, is no reason to, as
    /// in PostgREST: clients say it of every request.
    pub(super) fn cannot_follow(&self, preferences: &Preferences, kind: Preference) -> bool {
        match kind {
            Preference::Count => self.export.is_some(),
            Preference::End => preferences.end.is_some_and(|end| !self.may_end(end)),
            _ => false,
        }
    }

    /// Whether a preference that was said makes a difference to this statement.
    pub(super) fn applies(&self, kind: Preference) -> bool {
        let is_insert = matches!(self.shape, Shape::Inserted { .. } | Shape::Merged { .. });
        let is_change = matches!(
            self.shape,
            Shape::Updated | Shape::WrittenRecord | Shape::Deleted | Shape::Called { .. }
        );
        let is_call = matches!(self.shape, Shape::Called { .. });
        match kind {
            Preference::Resolution => is_insert && self.resolves,
            Preference::Missing => is_insert || matches!(self.shape, Shape::Updated),
            Preference::Return => self.mode() == Mode::ReadWrite && !is_call,
            Preference::MaxAffected => is_change,
            Preference::Merge => self.merges,
            Preference::Count => self.export.is_none(),
            Preference::End | Preference::Handling | Preference::TimeZone => true,
        }
    }
}

fn written_shape(target: Target<'_>, filtered: Shape) -> Shape {
    match target {
        Target::Id(_) => Shape::WrittenRecord,
        Target::Filtered => filtered,
    }
}

fn typed<'m>(columns: impl Iterator<Item = &'m model::Field>) -> Vec<(String, String)> {
    columns
        .map(|field| (field.name.clone(), field.type_name.clone()))
        .collect()
}
