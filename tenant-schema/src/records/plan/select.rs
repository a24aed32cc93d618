//! The columns of an answer.

use std::borrow::Cow;

use super::filter::column;
use crate::records::ast::SelectItem;
use crate::records::error::RecordError;
use crate::records::limits::{Exceeded, Limits};
use crate::records::model::{Field, Object};

/// A column of the answer.
pub struct Output<'m> {
    pub(in crate::records) field: &'m Field,
    /// Its key in JSON.
    pub(in crate::records) label: Cow<'m, str>,
}

/// PostgreSQL cuts longer identifiers (`NAMEDATALEN`), so a longer alias would come back under another name.
const MAX_ALIAS_BYTES: usize = 63;

pub(super) fn outputs(
    object: &Object,
    items: Vec<SelectItem>,
    limits: Limits,
) -> Result<Vec<Output<'_>>, RecordError> {
    let items = if items.is_empty() {
        vec![SelectItem::Star]
    } else {
        items
    };
    let mut outputs: Vec<Output<'_>> = Vec::new();
    for item in items {
        let found = match item {
            SelectItem::Star => {
                let fields = object.fields.iter().filter(|field| field.in_default_select());
                fields
                    .map(|field| Output {
                        field,
                        label: Cow::Borrowed(&field.name),
                    })
                    .collect()
            }
            SelectItem::Column { name, alias } => {
                let field = column(object, name)?;
                vec![Output {
                    field,
                    label: label(field, alias)?,
                }]
            }
        };
        for output in found {
            let same = |other: &&Output<'_>| std::ptr::eq(other.field, output.field);
            let uses = outputs.iter().filter(same).count();
            match outputs.iter().find(|other| other.label == output.label) {
                None if uses >= limits.column_uses => {
                    let (column, allowed) = (output.field.name.clone(), limits.column_uses);
                    return Err(Exceeded::Column { column, allowed }.into());
                }
                None => outputs.push(output),
                Some(other) if same(&other) => {}
                Some(_) => {
                    let details = format!("two columns would both be called '{}'", output.label);
                    return Err(RecordError::syntax("select", &output.label, details));
                }
            }
        }
    }
    Ok(outputs)
}

fn label(field: &Field, alias: Option<String>) -> Result<Cow<'_, str>, RecordError> {
    match alias {
        None => Ok(Cow::Borrowed(&field.name)),
        Some(alias) if alias.is_empty() || alias.len() > MAX_ALIAS_BYTES => {
            let details = format!("an alias has 1 to {MAX_ALIAS_BYTES} bytes");
            Err(RecordError::syntax("select", &alias, details))
        }
        Some(alias) => Ok(Cow::Owned(alias)),
    }
}
