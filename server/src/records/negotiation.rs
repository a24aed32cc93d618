//! Which of the forms that records have is the one a client likes best (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};
use tenant_schema::records::{Form, Lines};

use crate::error::ApiError;

/// How much of an unknown media type an error repeats, in characters.
const SHOWN: usize = 200;

/// A media range of an `Accept` header.
struct MediaRange<'a> {
    /// `type/subtype`
    essence: &'a str,
    /// `nulls=stripped` is among its parameters.
    strips_nulls: bool,
    /// `rows=all` is among its parameters.
    takes_all: bool,
    /// Its weight in thousandths.
    weight: u16,
}

/// What a list is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A page.
    Page(Form),
    /// All records, however many there are: `application/x-ndjson` (or `application/ndjson`), `text/csv;rows=all`. No
    /// wildcard means them.
    Export(Lines),
}

/// The form of the answer, of those that are no export; the error is PostgREST's when there is none that the client takes.
///
/// Of two that it likes equally, the one it says first is taken. Weights count as RFC 9110 has them: the most precise
/// of the ranges that hold a form is the one that decides on it.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, ApiError> {
    let pages = FORMS.map(Wanted::Page);
    match liked(headers, &pages)? {
        Wanted::Page(form) => Ok(form),
        Wanted::Export(_) => Ok(Form::default()),
    }
}

/// The same for a list, which can be exported too.
pub(super) fn of_list(headers: &HeaderMap) -> Result<Wanted, ApiError> {
    // What is meant more precisely comes first: `text/csv;rows=all` is `text/csv` too.
    let exports = [Lines::Ndjson, Lines::Csv].map(Wanted::Export);
    let offered = exports.into_iter().chain(FORMS.map(Wanted::Page));
    liked(headers, &offered.collect::<Vec<_>>())
}

/// The forms of an answer that is no export.
const FORMS: [Form; 8] = [
    Form::Plural,
    Form::PluralStripped,
    Form::Singular,
    Form::SingularStripped,
    Form::Csv,
    Form::Text,
    Form::Bytes,
    Form::Xml,
];

fn liked(headers: &HeaderMap, offered: &[Wanted]) -> Result<Wanted, ApiError> {
    let values = headers.get_all(header::ACCEPT).iter();
    let said: Vec<&str> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    if said.is_empty() {
        return Ok(Wanted::Page(Form::Plural));
    }
    let ranges: Vec<MediaRange<'_>> = said.iter().filter_map(|text| MediaRange::read(text)).collect();
    best(&ranges, offered).ok_or_else(|| none_of(&said))
}

fn best(ranges: &[MediaRange<'_>], offered: &[Wanted]) -> Option<Wanted> {
    let mut best: Option<(u16, usize, Wanted)> = None;
    for form in offered.iter().copied() {
        let held = ranges.iter().enumerate();
        let held = held.filter_map(|(place, range)| range.precision(form).map(|found| (found, place, range)));
        // The first of the most precise.
        let Some((_, place, range)) = held.min_by_key(|(found, ..)| std::cmp::Reverse(*found)) else {
            continue;
        };
        let is_better = |(weight, before, _): &(u16, usize, Wanted)| {
            range.weight > *weight || range.weight == *weight && place < *before
        };
        if range.weight > 0 && best.as_ref().is_none_or(is_better) {
            best = Some((range.weight, place, form));
        }
    }
    best.map(|(.., form)| form)
}

impl<'a> MediaRange<'a> {
    /// Nothing for what is no media range, or has a weight that is none.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?;
        let mut range = Self {
            essence,
            strips_nulls: false,
            takes_all: false,
            weight: 1000,
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("q") {
                range.weight = weight(value)?;
            } else if name.eq_ignore_ascii_case("nulls") {
                range.strips_nulls = value.trim_matches('"').eq_ignore_ascii_case("stripped");
            } else if name.eq_ignore_ascii_case("rows") {
                range.takes_all = value.trim_matches('"').eq_ignore_ascii_case("all");
            }
        }
        Some(range)
    }

    /// How precisely it means a form, if it does. Wildcards do not mean PostgREST's own types, nor bare values.
    fn precision(&self, wanted: Wanted) -> Option<u8> {
        let is = |known: &[&str]| known.iter().any(|known| self.essence.eq_ignore_ascii_case(known));
        let array = ["application/vnd.pgrst.array+json", "application/vnd.pgrst.array"];
        let object = [
            "application/vnd.pgrst.object+json",
            "application/vnd.pgrst.object",
        ];
        let form = match wanted {
            Wanted::Page(form) => form,
            Wanted::Export(Lines::Ndjson) => {
                return is(&["application/x-ndjson", "application/ndjson"]).then_some(3);
            }
            Wanted::Export(Lines::Csv) => return (is(&["text/csv"]) && self.takes_all).then_some(4),
        };
        let found = match form {
            Form::Plural if is(&["application/json"]) || is(&array) && !self.strips_nulls => 3,
            Form::PluralStripped if is(&array) && self.strips_nulls => 3,
            Form::Singular if is(&object) && !self.strips_nulls => 3,
            Form::SingularStripped if is(&object) && self.strips_nulls => 3,
            Form::Csv if is(&["text/csv"]) => 3,
            Form::Text if is(&["text/plain"]) => 3,
            Form::Bytes if is(&["application/octet-stream"]) => 3,
            Form::Xml if is(&["text/xml"]) => 3,
            Form::Plural if is(&["application/*"]) => 2,
            Form::Csv if is(&["text/*"]) => 2,
            Form::Plural | Form::Csv if is(&["*/*", "*"]) => 1,
            _ => return None,
        };
        Some(found)
    }
}

/// `qvalue` (RFC 9110, section 12.4.2), in thousandths.
fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" if is_number => Some(thousandths),
        "1" if is_number && thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn none_of(said: &[&str]) -> ApiError {
    let listed: String = said.join(", ").chars().take(SHOWN).collect();
    let message = format!("None of these media types are available: {listed}");
    ApiError::not_acceptable("PGRST107", message).with_hint(
        "Accept application/json, text/csv, application/vnd.pgrst.object+json, \
         application/vnd.pgrst.array+json;nulls=stripped; of one column or value text/plain, \
         application/octet-stream or text/xml; of a list also application/x-ndjson or text/csv;rows=all",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &[&str]) -> Result<Form, u16> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, value.parse().expect("a header value"));
        }
        form(&headers).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        for (accept, expected) in [
            (&[][..], Form::Plural),
            (&["", ","], Form::Plural),
            (&["*/*"], Form::Plural),
            (&["application/json"], Form::Plural),
            (&["text/html, application/*;q=0.8"], Form::Plural),
            (&["text/html", "Application/JSON; charset=utf-8"], Form::Plural),
            (
                &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
                Form::Plural,
            ),
            (&["text/csv"], Form::Csv),
            (&["text/csv;q=0.5, application/json;q=0.4"], Form::Csv),
            (&["text/csv;q=0.5, application/json"], Form::Plural),
            (&["text/csv, application/json"], Form::Csv),
            (&["application/json, text/csv"], Form::Plural),
            (&["application/json;q=0, */*"], Form::Csv),
            (&["application/json;q=0", "text/*;q=0.001"], Form::Csv),
            (&["*/*;q=0.9, text/csv;q=0.1"], Form::Plural),
            (&["application/vnd.pgrst.object+json"], Form::Singular),
            (&["application/vnd.pgrst.object"], Form::Singular),
            (
                &["application/vnd.pgrst.object+json; nulls=stripped"],
                Form::SingularStripped,
            ),
            (
                &["application/vnd.pgrst.array+json;nulls=stripped"],
                Form::PluralStripped,
            ),
            (
                &["application/vnd.pgrst.array;nulls=stripped;q=0.3"],
                Form::PluralStripped,
            ),
            (&["application/vnd.pgrst.array+json"], Form::Plural),
            (&["application/json;nulls=stripped"], Form::Plural),
            (&["text/plain;charset=utf-8"], Form::Text),
            (&["application/octet-stream"], Form::Bytes),
            (&["text/xml"], Form::Xml),
            (&["application/json, text/plain, */*"], Form::Plural),
            (&["application/json;q=0, application/*"], Form::Csv),
            (
                &["application/vnd.pgrst.object+json, application/json"],
                Form::Singular,
            ),
            (
                &["application/vnd.pgrst.object+json;q=0.9, application/json"],
                Form::Plural,
            ),
        ] {
            assert_eq!(chosen(accept), Ok(expected), "{accept:?}");
        }
    }

    #[test]
    fn a_list_is_exported_where_that_is_said() {
        let wanted = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header value"));
            of_list(&headers).map_err(|error| error.status().as_u16())
        };
        let (page, export) = (|form| Ok(Wanted::Page(form)), |lines| Ok(Wanted::Export(lines)));
        for (accept, expected) in [
            ("application/x-ndjson", export(Lines::Ndjson)),
            ("Application/NDJSON; charset=utf-8", export(Lines::Ndjson)),
            (
                "application/x-ndjson, application/json;q=0.9",
                export(Lines::Ndjson),
            ),
            ("application/x-ndjson;q=0.9, application/json", page(Form::Plural)),
            ("text/csv; rows=all", export(Lines::Csv)),
            ("text/csv; Rows=\"ALL\"; header=present", export(Lines::Csv)),
            ("text/csv;rows=all, text/csv;q=0.5", export(Lines::Csv)),
            ("text/csv;rows=some", page(Form::Csv)),
            ("text/csv", page(Form::Csv)),
            ("*/*", page(Form::Plural)),
            ("application/*", page(Form::Plural)),
            ("text/*", page(Form::Csv)),
            ("image/png", Err(406)),
        ] {
            assert_eq!(wanted(accept), expected, "{accept:?}");
        }
        assert_eq!(chosen(&["application/x-ndjson"]), Err(406), "of one record");
        assert_eq!(chosen(&["application/x-ndjson, text/csv;q=0.1"]), Ok(Form::Csv));
    }

    #[test]
    fn what_records_are_not_is_refused() {
        for accept in [
            &["application/json;q=0"][..],
            &["application/json; q=0.000"],
            &["application/json;q=2"],
            &["application/json;q=nan"],
            &["application/json;q=0.1234"],
            &["application/geo+json"],
            &["application/vnd.pgrst.plan+json"],
            &["application/vnd.pgrst.object+xml"],
            &["image/*", "text/html"],
            &[";"],
            &["*/json"],
        ] {
            assert_eq!(chosen(accept), Err(406), "{accept:?}");
        }
    }
}
