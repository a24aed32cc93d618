//! Requests back to text, and requests of all kinds, for property tests: what is printed must be read again.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::records::ast::{
    Aggregate, AggregateFunction, Arrow, Column, Comparison, Deleted, Direction, EmbedItem, Filter, Is,
    Level, Nulls, Operator, OrderTerm, Place, Quantifier, QueryString, Search, SelectItem, SortKey, Step,
    Test,
};

/// The query string that says this.
pub(super) fn query_string(said: &QueryString) -> String {
    let mut parameters = Vec::new();
    if !said.select.is_empty() {
        parameters.push(("select".to_owned(), select(&said.select)));
    }
    let root: &[String] = &[];
    print_level(&mut parameters, root, &said.root);
    for (path, level) in &said.embedded {
        print_level(&mut parameters, path, level);
    }
    for (name, value) in [("cursor", &said.cursor), ("q", &said.search)] {
        parameters.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
    }
    for (name, columns) in [("columns", &said.columns), ("on_conflict", &said.on_conflict)] {
        parameters.extend(columns.iter().map(|columns| {
            let quoted: Vec<String> = columns.iter().map(|column| quote(column)).collect();
            (name.to_owned(), quoted.join(","))
        }));
    }
    let deleted = Deleted::ALL
        .into_iter()
        .find(|(_, known)| said.deleted == Some(*known));
    parameters.extend(deleted.map(|(word, _)| ("deleted".to_owned(), word.to_owned())));
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

fn print_level(parameters: &mut Vec<(String, String)>, path: &[String], level: &Level) {
    let prefix: String = path.iter().map(|name| quote(name) + ".").collect();
    let Filter::All(parts) = &level.filter else {
        unreachable!("conditions are added to a list")
    };
    for part in parts {
        let (negated, positive) = match part {
            Filter::Not(inner) => ("not.", inner.as_ref()),
            other => ("", other),
        };
        parameters.push(match positive {
            Filter::Test(column, test) => (
                format!("{prefix}{}", print_column(column)),
                format!("{negated}{}", print_test(test, &str::to_owned)),
            ),
            group => {
                let text = tree(group);
                let (word, rest) = text.split_at(text.find('(').expect("a group has brackets"));
                (format!("{prefix}{negated}{word}"), rest.to_owned())
            }
        });
    }
    if !level.order.is_empty() {
        let terms: Vec<_> = level.order.iter().map(order_term).collect();
        parameters.push((format!("{prefix}order"), terms.join(",")));
    }
    for (name, rows) in [("limit", level.limit), ("offset", level.offset)] {
        parameters.extend(rows.map(|rows| (format!("{prefix}{name}"), rows.to_string())));
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

fn print_column(column: &Column) -> String {
    let mut text = quote(&column.name);
    for step in &column.path {
        text += match step.arrow {
            Arrow::Json => "->",
            Arrow::Text => "->>",
        };
        match &step.to {
            Place::Key(key) => text += &quote(key),
            Place::Index(index) => text += &index.to_string(),
        }
    }
    text
}

fn print_test(asked: &Test, print: &dyn Fn(&str) -> String) -> String {
    match asked {
        Test::Compare(comparison, quantifier, text) => {
            let (name, ..) = Comparison::ALL[*comparison as usize];
            let quantifier = match quantifier {
                None => "",
                Some(Quantifier::Any) => "(any)",
                Some(Quantifier::All) => "(all)",
            };
            format!("{name}{quantifier}.{}", print(text))
        }
        Test::Relate(operator, text) => format!("{}.{}", Operator::ALL[*operator as usize].0, print(text)),
        Test::Distinct(text) => format!("isdistinct.{}", print(text)),
        Test::Is(is) => format!("is.{}", Is::ALL[*is as usize].0),
        Test::In(values) => {
            let values: Vec<_> = values.iter().map(|value| quote(value)).collect();
            format!("in.({})", values.join(","))
        }
        Test::Search(search, configuration, text) => {
            let (name, ..) = Search::ALL[*search as usize];
            let configuration = configuration.as_ref().map_or(String::new(), |c| format!("({c})"));
            format!("{name}{configuration}.{}", print(text))
        }
    }
}

fn tree(filter: &Filter<Column>) -> String {
    let group = |word: &str, parts: &[Filter<Column>]| {
        let parts: Vec<_> = parts.iter().map(tree).collect();
        format!("{word}({})", parts.join(","))
    };
    match filter {
        Filter::All(parts) => group("and", parts),
        Filter::Any(parts) => group("or", parts),
        Filter::Test(column, test) => format!("{}.{}", print_column(column), print_test(test, &quote)),
        Filter::Not(part) => match part.as_ref() {
            Filter::Test(column, test) => {
                format!("{}.not.{}", print_column(column), print_test(test, &quote))
            }
            group => format!("not.{}", tree(group)),
        },
    }
}

fn order_term(term: &OrderTerm<SortKey>) -> String {
    let column = print_column(&term.key.column);
    let mut text = match &term.key.embed {
        Some(embed) => format!("{}({column})", quote(embed)),
        None => column,
    };
    if term.direction == Direction::Descending {
        text += ".desc";
    }
    text += match term.nulls {
        None => "",
        Some(Nulls::First) => ".nullsfirst",
        Some(Nulls::Last) => ".nullslast",
    };
    text
}

fn select(items: &[SelectItem]) -> String {
    let items: Vec<_> = items.iter().map(select_item).collect();
    items.join(",")
}

fn select_item(item: &SelectItem) -> String {
    let alias = |alias: &Option<String>| alias.as_ref().map_or(String::new(), |alias| quote(alias) + ":");
    let cast = |cast: &Option<String>| cast.as_ref().map_or(String::new(), |cast| format!("::{cast}"));
    match item {
        SelectItem::Star => "*".to_owned(),
        SelectItem::Count {
            alias: named,
            cast: to,
        } => format!("{}count(){}", alias(named), cast(to)),
        SelectItem::Column {
            column,
            alias: named,
            cast: inner,
            aggregate,
        } => {
            let mut text = alias(named) + &print_column(column) + &cast(inner);
            if let Some(aggregate) = aggregate {
                write!(text, ".{}(){}", aggregate.function.name(), cast(&aggregate.cast)).expect("a string");
            }
            text
        }
        SelectItem::Embed(embed) => {
            let mut text = if embed.spread {
                "...".to_owned()
            } else {
                alias(&embed.alias)
            };
            text += &quote(&embed.relation);
            text += &embed
                .hint
                .as_ref()
                .map_or(String::new(), |hint| format!("!{}", quote(hint)));
            text += if embed.inner { "!inner" } else { "" };
            format!("{text}({})", select(&embed.select))
        }
    }
}

/// Names and values, the dialect's own words and signs among them.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,6}",
        "\\PC{1,8}",
        "[\"\\\\.,():{}*!> -]{1,6}",
        prop::sample::select(vec![
            "not", "and", "or", "order", "count", "inner", "eq", "1", "-1"
        ])
        .prop_map(str::to_owned),
    ]
}

/// Words and signs of the grammar: put together at random, they are read more often than texts at random are.
pub(super) fn any_token() -> impl Strategy<Value = &'static str> {
    let words = r#"select= cursor= q= deleted=only deleted= columns= on_conflict= order= limit= offset= and= or= not.and= not.or= a= b.c= a.order= a.or= a->b= a->>0= "a.b"=
        & & a b c_1 ä "a,b" " \ * 1 -1 00 99999999999999999999 null true unknown not_null eq. neq. gt(any). like(all). in. is.
        isdistinct. fts(english). plfts. wfts. cs. cd. ov. adj. not. and( or( not.and( ( ( ) ) { } , , . : :: ::text
        ::double%20precision -> ->> ! !inner !left !hint ... count() .count() .sum() .avg()::int .asc .desc .nullsfirst
        .nullslast %20 %22 % + %00"#;
    let words: Vec<&str> = words.split_whitespace().chain([" ", "\0"]).collect();
    prop::sample::select(words)
}

/// The name of a type: one word or several.
fn any_cast() -> impl Strategy<Value = String> {
    prop_oneof![
        any_word(),
        prop::collection::vec(any_word(), 2..4).prop_map(|words| words.join(" "))
    ]
}

fn any_word() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_]{0,8}"
}

fn any_column() -> impl Strategy<Value = Column> {
    let place = prop_oneof![
        any_text().prop_map(Place::Key),
        any::<i32>().prop_map(Place::Index)
    ];
    (any_text(), prop::collection::vec(place, 0..3), any::<bool>()).prop_map(|(name, places, text)| {
        let last = places.len().saturating_sub(1);
        let arrow = |index| {
            if text && index == last {
                Arrow::Text
            } else {
                Arrow::Json
            }
        };
        let steps = places.into_iter().enumerate();
        let path = steps
            .map(|(index, to)| Step {
                arrow: arrow(index),
                to,
            })
            .collect();
        Column { name, path }
    })
}

fn any_test() -> impl Strategy<Value = Test> {
    let value = || prop_oneof![Just(String::new()), any_text()];
    let quantifier = prop::option::of(prop_oneof![Just(Quantifier::Any), Just(Quantifier::All)]);
    prop_oneof![
        (prop::sample::select(&Comparison::ALL[..]), quantifier, value())
            .prop_map(|((_, comparison, _), quantifier, value)| Test::Compare(comparison, quantifier, value)),
        (prop::sample::select(&Operator::ALL[..]), value())
            .prop_map(|((_, operator, _), value)| Test::Relate(operator, value)),
        value().prop_map(Test::Distinct),
        prop::sample::select(&Is::ALL[..]).prop_map(|(_, is, _)| Test::Is(is)),
        prop::collection::vec(value(), 0..4).prop_map(Test::In),
        (
            prop::sample::select(&Search::ALL[..]),
            prop::option::of(any_word()),
            value()
        )
            .prop_map(|((_, search, _), configuration, value)| Test::Search(
                search,
                configuration,
                value
            )),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter<Column>> {
    let test = (any_column(), any_test()).prop_map(|(column, test)| Filter::Test(column, test));
    let negated = |filter, not| {
        if not {
            Filter::Not(Box::new(filter))
        } else {
            filter
        }
    };
    let leaf = (test, any::<bool>()).prop_map(move |(test, not)| negated(test, not));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (prop::collection::vec(inner, 1..4), any::<bool>(), any::<bool>()).prop_map(
            move |(parts, any, not)| {
                negated(
                    if any {
                        Filter::Any(parts)
                    } else {
                        Filter::All(parts)
                    },
                    not,
                )
            },
        )
    })
}

fn any_level() -> impl Strategy<Value = Level> {
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    let nulls = prop::option::of(prop_oneof![Just(Nulls::First), Just(Nulls::Last)]);
    let key =
        (prop::option::of(any_text()), any_column()).prop_map(|(embed, column)| SortKey { embed, column });
    let term = (key, direction, nulls).prop_map(|(key, direction, nulls)| OrderTerm {
        key,
        direction,
        nulls,
    });
    let offset = prop::option::of(0..=i64::MAX.unsigned_abs());
    (
        prop::collection::vec(any_filter(), 0..3).prop_map(Filter::All),
        prop::collection::vec(term, 0..3),
        prop::option::of(any::<u64>()),
        offset,
    )
        .prop_map(|(filter, order, limit, offset)| Level {
            filter,
            order,
            limit,
            offset,
        })
}

fn any_item() -> impl Strategy<Value = SelectItem> {
    let word = || prop::option::of(any_cast());
    let alias = || prop::option::of(any_text());
    let aggregate = (prop::sample::select(&AggregateFunction::ALL[..]), word())
        .prop_map(|((_, function), cast)| Aggregate { function, cast });
    let leaf = prop_oneof![
        Just(SelectItem::Star),
        (alias(), word()).prop_map(|(alias, cast)| SelectItem::Count { alias, cast }),
        (any_column(), alias(), word(), prop::option::of(aggregate)).prop_map(
            |(column, alias, cast, aggregate)| SelectItem::Column {
                column,
                alias,
                cast,
                aggregate,
            }
        ),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let parts = (any_text(), alias(), alias(), any::<bool>(), any::<bool>());
        (parts, prop::collection::vec(inner, 0..4)).prop_map(
            |((relation, alias, hint, inner, spread), select)| {
                SelectItem::Embed(EmbedItem {
                    relation,
                    alias: alias.filter(|_| !spread),
                    hint,
                    inner,
                    spread,
                    select,
                })
            },
        )
    })
}

/// Requests of all kinds that the grammar knows.
pub(super) fn any_query_string() -> impl Strategy<Value = QueryString> {
    let path = prop::collection::vec(any_text(), 1..3);
    let embedded = prop::collection::vec((path, any_level()), 0..3);
    let select = prop::collection::vec(any_item(), 0..4);
    let of_lists = prop::option::of((any_text(), any_text()));
    let deleted = prop::option::of(prop::sample::select(&Deleted::ALL[..]));
    let names = || prop::option::of(prop::collection::hash_set(any_text(), 1..3));
    let of_writes = (deleted, names(), names());
    (select, any_level(), embedded, of_lists, of_writes).prop_map(
        |(select, root, embedded, of_lists, of_writes)| {
            let (cursor, search) = of_lists.unzip();
            let (deleted, columns, on_conflict) = of_writes;
            let mut said = QueryString {
                select,
                root,
                embedded: Vec::new(),
                deleted: deleted.map(|(_, deleted)| deleted),
                cursor,
                search,
                columns: columns.map(Vec::from_iter),
                on_conflict: on_conflict.map(Vec::from_iter),
            };
            for (path, level) in embedded {
                // What says nothing is not there, and each way is there once.
                if level != Level::default() {
                    *said.level(&path) = level;
                }
            }
            said
        },
    )
}
