//! The SQL of made-up values.
//!
//! Each comes of 32 bytes, the SHA-256 of a seed and of what the value belongs to. In the statement the origin's row is `o`
//! and the seed `s.seed`.

use tokio_postgres::Row;

use crate::personal::{Kind, Mark};

/// What kind of values a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// An array of texts.
    Texts,
    Json,
    Date,
    /// A day with a time.
    Time,
    Uuid,
    /// A search vector.
    Vector,
    Other,
}

impl Form {
    pub(super) fn of(row: &Row) -> Self {
        let category = |name| row.get::<_, Option<&str>>(name).unwrap_or_default();
        match (row.get::<_, &str>("base_type"), category("category")) {
            ("json" | "jsonb", _) => Self::Json,
            ("date", _) => Self::Date,
            ("timestamp without time zone" | "timestamp with time zone", _) => Self::Time,
            ("uuid", _) => Self::Uuid,
            ("tsvector", _) => Self::Vector,
            (_, "S") => Self::Text,
            (_, "A") if category("element_category") == "S" => Self::Texts,
            _ => Self::Other,
        }
    }
}

/// What takes the place of a column's values.
pub(in super::super) struct MadeUp {
    mark: Mark,
    form: Form,
    /// The column in the origin, `o.name`.
    of: String,
    number: i32,
    type_name: String,
    max_length: Option<i32>,
    is_unique: bool,
}

/// Words are made of these: two letters each, 64 of them.
const SYLLABLES: &str = "babebibobudadedidodufafefifofugagegigogukakekikokulalelilolumamemimomunaneninonupapepipopurarerirorusasesisosutatetitotuvavevivo";

/// Fills texts; no word of it is longer than most fields.
const FILLER: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et \
    dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat ";

/// Where words of it begin.
const BEGINNINGS: &str = "array[1,7,13,19,23,28,40,51]";

/// How deep the form of a document is kept; what is deeper is empty.
const DEPTH: u32 = 4;

impl MadeUp {
    /// Nothing where no value of that type can be made up and it cannot be empty either.
    pub(super) fn of(mark: Mark, form: Form, row: &Row) -> Option<Self> {
        if form == Form::Other && row.get::<_, bool>("is_required") {
            return None;
        }
        Some(Self {
            mark,
            form,
            of: format!("o.{}", row.get::<_, &str>("quoted_column")),
            number: row.get("number"),
            type_name: row.get("type_name"),
            max_length: row.get("max_length"),
            is_unique: row.get("is_unique"),
        })
    }

    /// What is joined for it, under a name of its own.
    pub(in super::super) fn join(&self) -> String {
        if matches!(self.form, Form::Texts | Form::Vector | Form::Other) {
            return String::new();
        }
        let key = self.key(&format!("{}::text", self.of), "");
        format!(
            " cross join lateral (select {} as d offset 0) d{}",
            digest(&key),
            self.number
        )
    }

    /// The value.
    pub(in super::super) fn value(&self) -> String {
        let (of, digest) = (&self.of, format!("d{}.d", self.number));
        let made = match self.form {
            Form::Text => self.text(&format!("{of}::text"), &digest),
            Form::Texts => self.texts(),
            Form::Json => format!("{}::text", json(&format!("{of}::jsonb"), &digest, DEPTH)),
            Form::Date => format!("({of} - {})::text", days(&digest)),
            Form::Time => format!(
                "({of} - pg_catalog.make_interval(days => {}))::text",
                days(&digest)
            ),
            Form::Uuid => uuid(&digest),
            Form::Vector => "''".to_owned(),
            Form::Other => "null::text".to_owned(),
        };
        format!("(case when {of} is not null then {made} end)::{}", self.type_name)
    }

    /// What a value belongs to: itself where it is linked, else its row and column, and `part` of it. All days of a row belong
    /// to the row alone.
    fn key(&self, value: &str, part: &str) -> String {
        if self.mark.is_linked {
            let kind = self.mark.kind;
            return format!("s.seed || '{kind:?} ' || pg_catalog.lower(pg_catalog.btrim({value}))");
        }
        let number = match self.form {
            Form::Date | Form::Time => 0,
            _ => self.number,
        };
        format!("s.seed || '{number} ' || o.tableoid::text || o.ctid::text{part}")
    }

    fn texts(&self) -> String {
        let key = digest(&self.key("u.v", " || ' ' || u.n::text"));
        let made = self.text("e.v", "e.d");
        format!(
            "(select coalesce(pg_catalog.array_agg({made} order by e.n), '{{}}')
                from (select u.v, u.n, {key} as d from pg_catalog.unnest({}::text[]) with ordinality u (v, n) offset 0) e)::text",
            self.of
        )
    }

    /// A text in the place of another.
    fn text(&self, value: &str, digest: &str) -> String {
        let made = match self.mark.kind {
            Kind::Name => {
                let (one, two) = (capital(digest, 0), capital(digest, 4));
                if self.is_unique {
                    format!("{one} || ' ' || {two}")
                } else {
                    format!(
                        "{one} || case when pg_catalog.strpos({value}, ' ') > 0 then ' ' || {two} else '' end"
                    )
                }
            }
            Kind::Email => self.email(digest),
            Kind::Phone => format!(
                "'+999' || pg_catalog.substr(pg_catalog.translate({}, 'abcdef', '483951'), 1, {})",
                hex(digest),
                if self.is_unique { 12 } else { 9 }
            ),
            Kind::Address => format!(
                "{} || ' Street ' || (1 + pg_catalog.get_byte({digest}, 0))::text",
                capital(digest, 1)
            ),
            Kind::Date => format!("(date '1950-01-01' + {})::text", days(digest)),
            Kind::Url => {
                let host = format!(
                    "{} || pg_catalog.left({}, 16) || '.invalid'",
                    word(digest, 8),
                    hex(digest)
                );
                format!("case when {value} like '%://%' then 'https://' else '' end || {host}")
            }
            Kind::Json => "'{}'".to_owned(),
            Kind::Account => {
                let id = uuid(digest);
                format!(
                    "case when {value} ~ '^[a-z]+:' then pg_catalog.split_part({value}, ':', 1) || ':' else '' end
                     || case when {value} ~ '[0-9a-f]{{8}}-' then {id} else {} end",
                    word(digest, 0)
                )
            }
            Kind::Text | Kind::Keep if self.is_unique => hex(digest),
            Kind::Text | Kind::Keep => filler(value, digest),
        };
        let made = match self.max_length {
            Some(length) => format!("pg_catalog.left({made}, {length})"),
            None => made,
        };
        format!("case when {value} = '' then '' when {value} is not null then {made} end")
    }

    fn email(&self, digest: &str) -> String {
        // A fully made up one takes 39 characters.
        match self.max_length {
            Some(length) if length < 39 => format!(
                "pg_catalog.left({}, {}) || '@x.invalid'",
                hex(digest),
                (length - 10).max(1)
            ),
            _ => format!(
                "{} || '.' || {} || pg_catalog.left({}, 6) || '@example.invalid'",
                word(digest, 3),
                word(digest, 7),
                hex(digest)
            ),
        }
    }
}

fn digest(key: &str) -> String {
    format!("pg_catalog.sha256(pg_catalog.convert_to({key}, 'UTF8'))")
}

fn hex(digest: &str) -> String {
    format!("pg_catalog.encode({digest}, 'hex')")
}

fn uuid(digest: &str) -> String {
    format!("pg_catalog.encode(pg_catalog.substr({digest}, 1, 16), 'hex')::uuid::text")
}

/// Eight letters, of four bytes from this one on.
fn word(digest: &str, from: usize) -> String {
    let syllable = |at| {
        format!("pg_catalog.substr('{SYLLABLES}', 1 + 2 * (pg_catalog.get_byte({digest}, {at}) & 63), 2)")
    };
    (from..from + 4).map(syllable).collect::<Vec<_>>().join(" || ")
}

fn capital(digest: &str, from: usize) -> String {
    format!("pg_catalog.initcap({})", word(digest, from))
}

/// Words of no meaning, as long as the text.
fn filler(value: &str, digest: &str) -> String {
    let length = FILLER.len();
    format!(
        "pg_catalog.left(pg_catalog.substr('{FILLER}', ({BEGINNINGS})[1 + (pg_catalog.get_byte({digest}, 0) & 7)])
           || pg_catalog.repeat('{FILLER}', pg_catalog.length({value}) / {length} + 1), pg_catalog.length({value}) - 1) || '.'"
    )
}

/// One to nine years.
fn days(digest: &str) -> String {
    format!("(366 + (256 * pg_catalog.get_byte({digest}, 0) + pg_catalog.get_byte({digest}, 1)) % 2922)")
}

/// A document of the same form. Keys that read like names of fields stay.
fn json(value: &str, digest: &str, depth: u32) -> String {
    let (object, list) = if depth == 0 {
        ("'{}'::jsonb".to_owned(), "'[]'::jsonb".to_owned())
    } else {
        let below = json("e.value", "e.d", depth - 1);
        let part =
            |name: &str| format!("pg_catalog.sha256({digest} || pg_catalog.convert_to({name}, 'UTF8'))");
        let (of_key, of_place) = (part("u.key"), part("u.n::text"));
        (
            format!(
                "(select coalesce(pg_catalog.jsonb_object_agg(
                           case when e.key ~ '^[A-Za-z_][A-Za-z0-9_-]{{0,40}}$' then e.key
                                else 'key_' || pg_catalog.left({hex}, 12) end, {below}), '{{}}')
                    from (select u.key, u.value, {of_key} as d from pg_catalog.jsonb_each({value}) u offset 0) e)",
                hex = hex("e.d")
            ),
            format!(
                "(select coalesce(pg_catalog.jsonb_agg({below} order by e.n), '[]')
                    from (select u.value, u.n, {of_place} as d
                            from pg_catalog.jsonb_array_elements({value}) with ordinality u (value, n) offset 0) e)"
            ),
        )
    };
    format!(
        "case pg_catalog.jsonb_typeof({value}) when 'string' then pg_catalog.to_jsonb({word}) \
              when 'number' then pg_catalog.to_jsonb(pg_catalog.get_byte({digest}, 4)) \
              when 'object' then {object} when 'array' then {list} else {value} end",
        word = capital(digest, 0)
    )
}
