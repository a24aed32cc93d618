//! Conditions: one fact of the catalog, an operator and a value, such as `status=active` or `version<8`.
//!
//! ```text
//! condition := field operator value          spaces around the operator are allowed
//! operator  := = | != | < | <= | > | >= | ~ | !~
//! ```

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::nearest::nearest;
use crate::organizations::{OrganizationKind, OrganizationStatus};
use crate::stored_text::stored_text;
use crate::tenant_schemas::TenantSchemaState;

stored_text! {
    /// What the catalog knows of a tenant.
    Field {
        /// The label it lives under; `*` and `?` stand for any characters and for one.
        Slug = "slug",
        /// The name people read; in the same way.
        Name = "name",
        /// The key of its plan; in the same way.
        Plan = "plan",
        /// Client or standalone; in lists also agency and platform.
        Kind = "kind",
        /// Trial, active, suspended or cancelled.
        Status = "status",
        /// The state of its schema: ready or maintenance.
        State = "state",
        /// The slug of its agency, or `none`, which is nobody's slug.
        Parent = "parent",
        /// The template version it is at.
        Version = "version",
        /// Whether it is kept at a version.
        Pinned = "pinned",
        /// Whether it failed when it was last migrated.
        Failed = "failed",
        /// When it was made: a day (UTC) or an instant.
        Created = "created",
        /// When it reached its version; in the same way.
        Migrated = "migrated",
    }
}

stored_text! {
    /// How a fact is held against a value.
    Operator {
        /// Is.
        Equal = "=",
        /// Is not.
        Unequal = "!=",
        /// Is less, or earlier.
        Less = "<",
        /// Is no more, or no later.
        LessOrEqual = "<=",
        /// Is more, or later.
        Greater = ">",
        /// Is no less, or no earlier.
        GreaterOrEqual = ">=",
        /// Has the value in it, whatever its letter case.
        Contains = "~",
        /// Has it not.
        Lacks = "!~",
    }
}

/// A condition on a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub(super) field: Field,
    pub(super) test: Test,
    /// As it was typed, without spaces around the operator.
    text: String,
}

/// What must hold, with a value in the type of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// The text is like this pattern of SQL's `LIKE`.
    Like { pattern: String, negated: bool },
    /// The text has this in it.
    Contains { text: String, negated: bool },
    /// The word is one of these.
    OneOf { words: Vec<String>, negated: bool },
    /// The number compares so.
    Number { operator: Operator, value: i32 },
    /// It is so, or not.
    Is(bool),
    /// The instant lies in the time from one to before the other, of which there is at least one; or it does not.
    Within {
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
        negated: bool,
    },
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// There is no operator in it.
    #[error(
        "a condition is a field, an operator and a value, such as status=active; the fields are: {}",
        fields()
    )]
    Form,
    /// There is no such field.
    #[error("there is no field {field:?}{}; the fields are: {}", nearest.map(|near| format!(", perhaps you meant {near:?}")).unwrap_or_default(), fields())]
    Field {
        /// What was typed.
        field: String,
        /// The field that is nearest to it.
        nearest: Option<&'static str>,
    },
    /// The field does not go with the operator.
    #[error("{field} does not go with {operator}; it goes with: {}", operators(*field).join(" "))]
    Operator {
        /// The field.
        field: Field,
        /// What was typed.
        operator: Operator,
    },
    /// The value is none of the field's.
    #[error("{value:?} is no value of {field}: {wanted}")]
    Value {
        /// The field.
        field: Field,
        /// What was typed.
        value: String,
        /// What it would be.
        wanted: String,
    },
}

use Operator::{Contains, Equal, Greater, GreaterOrEqual, Lacks, Less, LessOrEqual, Unequal};

const fn goes_with(field: Field) -> &'static [Operator] {
    match field {
        Field::Slug | Field::Name | Field::Plan => &[Equal, Unequal, Contains, Lacks],
        Field::Kind | Field::Status | Field::State | Field::Parent | Field::Pinned | Field::Failed => {
            &[Equal, Unequal]
        }
        Field::Version | Field::Created | Field::Migrated => {
            &[Equal, Unequal, Less, LessOrEqual, Greater, GreaterOrEqual]
        }
    }
}

fn operators(field: Field) -> Vec<&'static str> {
    goes_with(field)
        .iter()
        .map(|operator| operator.as_str())
        .collect()
}

fn fields() -> String {
    let names: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
    names.join(", ")
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let at = text.find(['=', '!', '<', '>', '~']).ok_or(ConditionError::Form)?;
        let (name, rest) = text.split_at(at);
        let name = name.trim();
        // The longest operator that is there.
        let operator = Operator::ALL
            .iter()
            .filter(|operator| rest.starts_with(operator.as_str()))
            .max_by_key(|operator| operator.as_str().len());
        let operator = *operator.ok_or(ConditionError::Form)?;
        let field: Field = name.parse().map_err(|_| ConditionError::Field {
            field: name.chars().take(80).collect(),
            nearest: nearest(name, Field::ALL.iter().map(|field| field.as_str())),
        })?;
        let value = rest[operator.as_str().len()..].trim();
        if !goes_with(field).contains(&operator) {
            return Err(ConditionError::Operator { field, operator });
        }
        Ok(Self {
            field,
            test: test(field, operator, value)?,
            text: format!("{field}{operator}{value}"),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn test(field: Field, operator: Operator, value: &str) -> Result<Test, ConditionError> {
    let wanted = |wanted: String| ConditionError::Value {
        field,
        value: value.chars().take(80).collect(),
        wanted,
    };
    if value.is_empty() {
        return Err(wanted("something must follow the operator".to_owned()));
    }
    let negated = matches!(operator, Unequal | Lacks);
    match field {
        Field::Slug | Field::Name | Field::Plan if matches!(operator, Contains | Lacks) => {
            let text = value.to_owned();
            Ok(Test::Contains { text, negated })
        }
        Field::Slug | Field::Name | Field::Plan => {
            let pattern = like(value);
            Ok(Test::Like { pattern, negated })
        }
        Field::Kind => words::<OrganizationKind>(value, negated).map_err(|error| wanted(error.to_string())),
        Field::Status => {
            words::<OrganizationStatus>(value, negated).map_err(|error| wanted(error.to_string()))
        }
        Field::State => words::<TenantSchemaState>(value, negated).map_err(|error| wanted(error.to_string())),
        Field::Parent => words::<Parent>(value, negated).map_err(|error| wanted(error.to_string())),
        Field::Version => match value.parse() {
            Ok(value @ 0..) => Ok(Test::Number { operator, value }),
            _ => Err(wanted("it is a whole number".to_owned())),
        },
        Field::Pinned | Field::Failed => match value {
            "true" => Ok(Test::Is(!negated)),
            "false" => Ok(Test::Is(negated)),
            _ => Err(wanted("it is true or false".to_owned())),
        },
        Field::Created | Field::Migrated => {
            let (from, until) = period(value).ok_or_else(|| {
                wanted(
                    "it is a day (UTC) such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z"
                        .to_owned(),
                )
            })?;
            let (from, until) = match operator {
                Less => (None, Some(from)),
                LessOrEqual => (None, Some(until)),
                Greater => (Some(until), None),
                GreaterOrEqual => (Some(from), None),
                Equal | Unequal | Contains | Lacks => (Some(from), Some(until)),
            };
            Ok(Test::Within { from, until, negated })
        }
    }
}

/// Words with commas between them, each of which must be one of the set.
fn words<T: FromStr>(value: &str, negated: bool) -> Result<Test, T::Err> {
    let words: Vec<String> = value.split(',').map(|word| word.trim().to_owned()).collect();
    for word in &words {
        word.parse::<T>()?;
    }
    Ok(Test::OneOf { words, negated })
}

/// A parent's slug, or `none`, which is reserved: it can be nobody's.
struct Parent;

impl FromStr for Parent {
    type Err = crate::slug::SlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<crate::slug::Slug>().map(|_| Self)
    }
}

/// A pattern with `*` and `?` as one of `LIKE`, where `%`, `_` and `\` are themselves.
fn like(glob: &str) -> String {
    let mut pattern = String::with_capacity(glob.len());
    for c in glob.chars() {
        match c {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            _ => pattern.push(c),
        }
    }
    pattern
}

/// A day is the time from its midnight to the next; an instant is a microsecond, the grain of PostgreSQL's.
fn period(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
        return midnight(day).zip(day.checked_add_days(Days::new(1)).and_then(midnight));
    }
    let from = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    let until = from.checked_add_signed(TimeDelta::microseconds(1))?;
    Some((from, until))
}

/// One condition for each field and operator that go together.
pub(super) fn one_of_each() -> Vec<Condition> {
    let value = |field| match field {
        Field::Slug | Field::Name | Field::Plan => "demo-*",
        Field::Kind => "client,standalone",
        Field::Status => "active",
        Field::State => "ready",
        Field::Parent => "none",
        Field::Version => "8",
        Field::Pinned | Field::Failed => "true",
        Field::Created | Field::Migrated => "2026-01-31",
    };
    let of = |field: Field| {
        let operators = goes_with(field).iter();
        operators.map(move |operator| format!("{field}{operator}{}", value(field)))
    };
    let texts = Field::ALL.iter().flat_map(|field| of(*field));
    texts
        .map(|text| text.parse().expect("each field goes with these operators"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Condition>().expect_err(text).to_string()
    }

    #[test]
    fn the_longest_operator_is_meant() {
        for (text, operator) in [
            ("version<=8", LessOrEqual),
            ("version < 8", Less),
            ("version!=8", Unequal),
        ] {
            let condition: Condition = text.parse().expect(text);
            assert_eq!(condition.test, Test::Number { operator, value: 8 }, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fields = fields();
        assert_eq!(
            error("statsu=active"),
            format!("there is no field \"statsu\", perhaps you meant \"status\"; the fields are: {fields}")
        );
        assert!(error("active").starts_with("a condition is a field, an operator and a value"));
        assert!(error("a!b").starts_with("a condition is a field"));
        assert!(error("=active").starts_with("there is no field \"\""));
        assert_eq!(
            error("status<active"),
            "status does not go with <; it goes with: = !="
        );
        assert_eq!(
            error("status=aktive"),
            "\"aktive\" is no value of status: the word is not one of: trial, active, suspended, cancelled"
        );
        assert_eq!(
            error("version=eight"),
            "\"eight\" is no value of version: it is a whole number"
        );
        assert_eq!(
            error("version=-1"),
            "\"-1\" is no value of version: it is a whole number"
        );
        assert_eq!(
            error("pinned=yes"),
            "\"yes\" is no value of pinned: it is true or false"
        );
        assert!(error("created>yesterday").contains("2026-01-31"));
        assert!(error("name=").contains("something must follow"));
        assert!(error("status=active,").contains("\"active,\""));
    }

    #[test]
    fn a_day_lasts_until_the_next() {
        let (from, until) = period("2026-01-31").expect("a day");
        assert_eq!(until - from, TimeDelta::days(1));
        let (from, until) = period("2026-01-31T12:00:00+02:00").expect("an instant");
        assert_eq!(from.to_rfc3339(), "2026-01-31T10:00:00+00:00");
        assert_eq!(until - from, TimeDelta::microseconds(1));
        assert_eq!(period("262142-12-31"), None, "the last day there is has no next");
    }

    #[test]
    fn only_stars_and_question_marks_are_wild() {
        assert_eq!(like(r"a*b?c%d_e\"), r"a%b_c\%d\_e\\");
    }
}
