//! What the plan of each operation comes to: a statement, and what is known of it.

use uuid::Uuid;

use super::guard::Guard;
use super::parse::prefer::Preference;
use super::plan::{self, Asked};
use super::prepared::Shape;
use super::{Count, End, Mode, Operation, Query, RecordError, Request, Target, cursor, model, sql};
use crate::crm::Rule;

/// Plans the operation of a request and writes its SQL.
pub(super) fn planned(
    request: &Request<'_>,
    operation: Operation<'_>,
    asked: &Asked<'_>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Planned, RecordError> {
    let name = request.object;
    let object = || asked.context.model.object(name);
    plan::check(request, operation, object)?;
    Ok(match operation {
        Operation::List => Planned::list(&plan::list(object()?, asked)?)?,
        Operation::Get { id } => {
            let plan = plan::get(object()?, id, asked)?;
            Planned {
                is_plain: plan.is_plain(),
                ..Planned::of(sql::get(&plan)?, Shape::Record)
            }
        }
        Operation::Insert { body } => Planned::insert(&plan::insert(object()?, body, asked, new_id)?)?,
        Operation::Replace { target, body } => {
            let plan = plan::replace(object()?, target, body, asked, new_id)?;
            Planned {
                shape: Shape::Put,
                ..Planned::insert(&plan)?
            }
        }
        Operation::Update { target, body } => {
            let plan = plan::update(object()?, target, body, asked)?;
            Planned {
                written: typed(plan.columns.iter().copied()),
                guards: plan.answer.guards.clone(),
                merges: plan.answer.merges(),
                ..Planned::of(sql::update(&plan)?, written_shape(target, Shape::Updated))
            }
        }
        Operation::Delete { target } => {
            let plan = plan::delete(object()?, target, asked, new_id)?;
            Planned {
                guards: plan.answer.guards.clone(),
                ..Planned::of(sql::delete(&plan)?, written_shape(target, Shape::Deleted))
            }
        }
        Operation::Restore { id } => {
            let plan = plan::restore(object()?, id, asked)?;
            Planned {
                guards: plan.answer.guards.clone(),
                owners: plan.owners.iter().map(|owner| owner.shown.clone()).collect(),
                ..Planned::of(sql::restore(&plan)?, Shape::Restored)
            }
        }
        Operation::Purge { id } => {
            let plan = plan::purge(object()?, id, asked)?;
            Planned {
                guards: plan.answer.guards.clone(),
                ..Planned::of(sql::purge(&plan)?, Shape::WrittenRecord)
            }
        }
        Operation::Call(by) => Planned::call(&plan::call(name, by, asked)?)?,
    })
}

/// A statement, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) query: Query,
    /// Says what PostgreSQL expects a page to be taken from.
    pub(super) estimate: Option<Query>,
    pub(super) shape: Shape,
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
    /// What a verb locks first.
    pub(super) locks: Vec<Query>,
    /// What a verb refuses.
    pub(super) rules: &'static [Rule],
}

impl Planned {
    pub(super) fn of(query: Query, shape: Shape) -> Self {
        Self {
            query,
            estimate: None,
            shape,
            written: Vec::new(),
            guards: Vec::new(),
            owners: Vec::new(),
            resolves: false,
            merges: false,
            is_plain: true,
            next: None,
            locks: Vec::new(),
            rules: &[],
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

    /// Whether the client may choose this end. A function that may write keeps books of its own (attempts, quotas),
    /// which nobody who calls it may undo.
    pub(super) fn may_end(&self, end: End) -> bool {
        end == End::Commit || !matches!(self.shape, Shape::Called { writes: true, .. })
    }

    /// Whether a preference that was said makes a difference to this statement.
    pub(super) fn applies(&self, kind: Preference) -> bool {
        let is_insert = matches!(self.shape, Shape::Inserted { .. } | Shape::Merged { .. });
        let is_change = matches!(
            self.shape,
            Shape::Updated | Shape::WrittenRecord | Shape::Restored | Shape::Deleted | Shape::Called { .. }
        );
        let is_call = matches!(self.shape, Shape::Called { .. });
        match kind {
            Preference::Resolution => is_insert && self.resolves,
            Preference::Missing => is_insert || matches!(self.shape, Shape::Updated),
            Preference::Return => self.shape.mode() == Mode::ReadWrite && !is_call,
            Preference::MaxAffected => is_change,
            Preference::Merge => self.merges,
            Preference::Count | Preference::End | Preference::Handling | Preference::TimeZone => true,
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
