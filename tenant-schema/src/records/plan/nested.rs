//! How many related records there may be within related records ([`Limits::nested_rows`]).

use super::embed::{Embed, Shape};
use super::select::Selection;
use crate::records::error::RecordError;
use crate::records::limits::{Exceeded, Limits};

/// Lowers the limits of embedded objects that have none of their own, so that a record of the answer holds no more on
/// any way through them than it may.
pub(super) fn share_rows(selection: &mut Selection<'_>, limits: Limits) -> Result<(), RecordError> {
    let allowed = limits.nested_rows;
    if selection
        .embeds
        .iter()
        .any(|embed| Way::through(embed, limits).rows > allowed)
    {
        return Err(Exceeded::Nested { allowed }.into());
    }
    share(selection, limits, allowed);
    Ok(())
}

/// Shares what is left. That is never less than the product of the limits said on any way on, since those before took
/// theirs so that it is not.
fn share(selection: &mut Selection<'_>, limits: Limits, left: u64) {
    for embed in selection
        .embeds
        .iter_mut()
        .filter(|embed| embed.shape != Shape::Hidden)
    {
        let way = Way::through(embed, limits);
        let own = rows(embed, limits);
        let left = match own {
            Rows::One => left,
            Rows::Said(limit) => left / limit,
            Rows::Open(most) => {
                let limit = root(left / way.rows, way.open, most);
                embed.node.limit = Some(limit);
                left / limit
            }
        };
        share(&mut embed.node.selection, limits, left);
    }
}

/// How many records an embedded object has.
enum Rows {
    /// At most one.
    One,
    /// As many as the request says; at least one.
    Said(u64),
    /// As many as there may be: the request says nothing, or no less than that.
    Open(u64),
}

fn rows(embed: &Embed<'_>, limits: Limits) -> Rows {
    match embed.node.limit {
        Some(limit) if !embed.is_to_one() => {
            if limit >= limits.rows(None) {
                Rows::Open(limit)
            } else {
                Rows::Said(limit.max(1))
            }
        }
        _ => Rows::One,
    }
}

/// Embedded objects one within the other: the most there is of each on any way on.
struct Way {
    /// The product of the limits that are said.
    rows: u64,
    /// How many objects say none.
    open: u32,
}

impl Way {
    fn through(embed: &Embed<'_>, limits: Limits) -> Self {
        let mut way = Self { rows: 1, open: 0 };
        let within = embed.node.selection.embeds.iter();
        for embed in within.filter(|embed| embed.shape != Shape::Hidden) {
            let on = Self::through(embed, limits);
            way.rows = way.rows.max(on.rows);
            way.open = way.open.max(on.open);
        }
        match rows(embed, limits) {
            Rows::One => {}
            Rows::Said(limit) => way.rows = way.rows.saturating_mul(limit),
            Rows::Open(_) => way.open += 1,
        }
        way
    }
}

/// The greatest number up to `most` of which that many factors are no more than the product; at least one.
fn root(product: u64, factors: u32, most: u64) -> u64 {
    let fits = |number: &u64| number.checked_pow(factors).is_some_and(|power| power <= product);
    (1..=most).take_while(fits).last().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use crate::records::fixture;

    /// The limits that the statement binds, the page's own first.
    fn limits(select: &str) -> Vec<u64> {
        let prepared = fixture::list("companies", &format!("limit=7&{select}")).expect("within the bounds");
        let params = prepared.query().params.iter();
        let limits = params.filter(|param| param.column.as_deref() == Some("limit"));
        let values = limits.filter_map(|param| param.value.as_deref()?.parse().ok());
        values.collect()
    }

    #[test]
    fn related_records_within_each_other_share_what_there_may_be() {
        let two = "select=id,contacts(id,contact_labels(note))";
        let three = "select=id,a:contacts(id,companies(b:contacts(id,contact_labels(note))))";
        for (query, expected) in [
            ("select=id,contacts(id)", vec![7, 1000]),
            ("select=id,a:contacts(id),b:contacts(id)", vec![7, 1000, 1000]),
            (two, vec![7, 316, 316]),
            (&format!("{two}&contacts.limit=10"), vec![7, 10, 1000]),
            (&format!("{two}&contacts.limit=0"), vec![7, 0, 1000]),
            (
                &format!("{two}&contacts.contact_labels.limit=500"),
                vec![7, 200, 500],
            ),
            (&format!("{two}&contacts.limit=5000"), vec![7, 316, 316]),
            (three, vec![7, 46, 46, 47]),
        ] {
            assert_eq!(limits(query), expected, "{query}");
        }
        let query = format!("{two}&contacts.limit=400&contacts.contact_labels.limit=251");
        let refused = fixture::list("companies", &query).unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("PGRST100", 400));
        assert!(refused.message().contains("more than 100000 records"));
    }
}
