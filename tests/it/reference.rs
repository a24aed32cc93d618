//! PostgREST's reference (versions 12 to 14), example by example, over HTTP.
//!
//! One module for each page, one row for each example, in the page's order; the template and its records are our own
//! (`tests/reference_template`). What a page shows and we do not have stands where its row would stand, with the reason.
//! Writes are undone (`Prefer: tx=rollback`), so that every row sees the same records.

use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tests::app::{Answer, Person};
use tests::{TestApp, TestDb};

mod aggregate_functions;
mod computed_fields;
mod cors;
mod errors;
mod functions;
mod media_type_handlers;
mod openapi;
mod options;
mod pagination_count;
mod preferences;
mod resource_embedding;
mod resource_representation;
mod schemas;
mod tables_views;
mod url_grammar;

/// What a browser encodes of an address that is typed.
const TYPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'`');

/// A request of the reference, and what it says of the answer.
#[derive(Clone)]
struct Example {
    method: Method,
    target: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<&'static str>,
    status: u16,
    tells: Vec<(&'static str, Option<&'static str>)>,
    answer: Option<&'static str>,
    /// `code`, `message`, `details` and `hint` of a problem.
    problem: Option<&'static str>,
}

fn ask(method: Method, target: &'static str) -> Example {
    Example {
        method,
        target,
        headers: Vec::new(),
        body: None,
        status: 200,
        tells: Vec::new(),
        answer: None,
        problem: None,
    }
}

fn get(target: &'static str) -> Example {
    ask(Method::GET, target)
}

fn head(target: &'static str) -> Example {
    ask(Method::HEAD, target)
}

fn options(target: &'static str) -> Example {
    ask(Method::OPTIONS, target)
}

fn post(target: &'static str, body: &'static str) -> Example {
    ask(Method::POST, target).sends(body, "application/json")
}

fn patch(target: &'static str, body: &'static str) -> Example {
    ask(Method::PATCH, target).sends(body, "application/json")
}

fn put(target: &'static str, body: &'static str) -> Example {
    ask(Method::PUT, target).sends(body, "application/json")
}

fn delete(target: &'static str) -> Example {
    ask(Method::DELETE, target)
}

impl Example {
    fn sends(mut self, body: &'static str, media_type: &'static str) -> Self {
        self.body = Some(body);
        self.headers.retain(|(name, _)| *name != "content-type");
        self.with("content-type", media_type)
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn prefers(self, preferences: &'static str) -> Self {
        self.with("prefer", preferences)
    }

    fn accepts(self, media_type: &'static str) -> Self {
        self.with("accept", media_type)
    }

    fn is(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The answer has this header.
    fn tells(mut self, name: &'static str, value: &'static str) -> Self {
        self.tells.push((name, Some(value)));
        self
    }

    /// The answer does not have this header.
    fn hides(mut self, name: &'static str) -> Self {
        self.tells.push((name, None));
        self
    }

    /// The whole body; of JSON, without regard to white space between its words, but with regard to the order of keys.
    fn gives(mut self, body: &'static str) -> Self {
        self.answer = Some(body);
        self
    }

    /// The members of the problem that PostgREST's errors have.
    fn fails(mut self, status: u16, error: &'static str) -> Self {
        self.problem = Some(error);
        self.is(status)
    }

    fn writes(&self) -> bool {
        ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }

    async fn try_out(&self, person: &Person) -> Result<(), String> {
        let target = format!("/rest/v1/{}", utf8_percent_encode(self.target, TYPED));
        let mut ask = person.ask(self.method.clone(), &target);
        for (name, value) in &self.headers {
            ask = ask.header(name, value);
        }
        if self.writes() {
            ask = ask.header("prefer", "tx=rollback");
        }
        if let Some(body) = self.body {
            ask = ask.body(body);
        }
        self.compare(&ask.await)
    }

    fn compare(&self, answer: &Answer) -> Result<(), String> {
        let mut wrong = Vec::new();
        if answer.status() != self.status {
            wrong.push(format!("{} instead of {}", answer.status(), self.status));
        }
        for (name, value) in &self.tells {
            // What undoes the writes is nobody's example.
            let told = answer.header(name).map(|told| told.replace(", tx=rollback", ""));
            if told.as_deref() != *value {
                wrong.push(format!("{name}: {told:?} instead of {value:?}"));
            }
        }
        if let Some(body) = self.answer
            && squeezed(body) != squeezed(answer.text())
        {
            wrong.push(format!("the body, instead of {body}"));
        }
        if let Some(error) = self.problem {
            let told = answer.json();
            let expected: serde_json::Value = serde_json::from_str(error).expect("JSON");
            for name in ["code", "message", "details", "hint"] {
                if told[name] != expected[name] {
                    wrong.push(format!("{name}, instead of {}", expected[name]));
                }
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let (method, target) = (&self.method, self.target);
        Err(format!(
            "{method} {target}\n    {}\n    {}",
            wrong.join("\n    "),
            answer.text()
        ))
    }
}

/// JSON without the white space between its words; any other text as it is, without white space at its end.
fn squeezed(text: &str) -> String {
    if !text.starts_with(['[', '{']) {
        return text.trim_end().to_owned();
    }
    let (mut quoted, mut escaped) = (false, false);
    let is_kept = |c: &char| {
        let is_space = !quoted && c.is_ascii_whitespace();
        (quoted, escaped) = match (quoted, escaped, c) {
            (true, false, '\\') => (true, true),
            (inside, false, '"') => (!inside, false),
            (inside, ..) => (inside, false),
        };
        !is_space
    };
    text.chars().filter(is_kept).collect()
}

/// A tenant of the reference's template, and who asks it.
async fn stage() -> Person {
    let app = TestApp::on(Arc::new(TestDb::reference().await), |_| {}).await;
    app.tenant("acme").await.member("ada", Admin).await
}

/// Every example is answered as the reference says.
async fn walk(person: &Person, examples: &[Example]) {
    let mut wrong = Vec::new();
    for example in examples {
        wrong.extend(example.try_out(person).await.err());
    }
    let (n_wrong, n_all) = (wrong.len(), examples.len());
    assert!(n_wrong == 0, "{n_wrong} of {n_all}:\n{}", wrong.join("\n"));
}

#[test]
fn white_space_in_texts_counts() {
    assert_eq!(squeezed("[{\"a b\": 1}, \n 2]"), "[{\"a b\":1},2]");
    assert_eq!(squeezed("{\"\\\" \" : 1}"), "{\"\\\" \":1}");
    assert_eq!(squeezed("a, b\n"), "a, b");
}
