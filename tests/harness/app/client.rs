//! Requests that read as prose, and what comes back.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::pin::Pin;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::TestApp;

/// Somebody who asks one host, with or without credentials.
#[derive(Clone)]
pub struct Client {
    app: TestApp,
    host: String,
    headers: HeaderMap,
}

/// A request; `.await` sends it.
#[must_use = "a request is sent when it is awaited"]
pub struct Ask {
    app: TestApp,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    panics: bool,
}

/// A response, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    pub(crate) fn new(app: TestApp, host: &str) -> Self {
        Self {
            app,
            host: host.to_owned(),
            headers: HeaderMap::new(),
        }
    }

    /// The same host asked with `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(&self, credential: &str) -> Self {
        self.with("authorization", &format!("Bearer {credential}"))
    }

    /// The same with one header more on every request.
    #[must_use]
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client
            .headers
            .insert(name, value.parse().expect("a header's value"));
        client
    }

    /// The same credentials at another host.
    #[must_use]
    pub fn at(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.clone()
        }
    }

    /// The same credentials at another instance.
    #[must_use]
    pub fn through(&self, app: &TestApp) -> Self {
        Self {
            app: app.clone(),
            ..self.clone()
        }
    }

    /// `GET`
    pub fn get(&self, target: &str) -> Ask {
        self.ask(Method::GET, target)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, target: &str, body: &Value) -> Ask {
        self.ask(Method::POST, target).json(body)
    }

    /// `PATCH` with a JSON body.
    pub fn patch(&self, target: &str, body: &Value) -> Ask {
        self.ask(Method::PATCH, target).json(body)
    }

    /// `DELETE`
    pub fn delete(&self, target: &str) -> Ask {
        self.ask(Method::DELETE, target)
    }

    /// Any request: path and query, without a body.
    pub fn ask(&self, method: Method, target: &str) -> Ask {
        let mut headers = self.headers.clone();
        headers.insert(header::HOST, self.host.parse().expect("a header's value"));
        let (app, target) = (self.app.clone(), target.to_owned());
        Ask {
            app,
            method,
            target,
            headers,
            body: Bytes::new(),
            panics: false,
        }
    }
}

impl Ask {
    /// One header more.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        self.headers.append(
            name,
            HeaderValue::from_bytes(value.as_ref()).expect("a header's value"),
        );
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// A body as it is.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A body that panics when the handler reads it.
    pub fn panicking_body(mut self) -> Self {
        self.panics = true;
        self
    }

    /// What it asks, for a message.
    pub fn describe(&self) -> String {
        let target: String = self.target.chars().take(160).collect();
        format!("{} {target}", self.method)
    }

    /// Whether the answer has no body, whatever it is.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Sends it and gives the response with its body unread.
    ///
    /// # Panics
    /// When the request is malformed.
    pub async fn respond(self) -> Response<Body> {
        let body = if self.panics {
            let panics = || -> Option<Result<Bytes, Infallible>> { panic!("on purpose") };
            Body::from_stream(stream::iter(std::iter::from_fn(panics)))
        } else {
            Body::from(self.body)
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target.parse().expect("a request's target");
        *request.headers_mut() = self.headers;
        let Ok(response) = self.app.router().oneshot(request).await;
        response
    }

    async fn send(self) -> Answer {
        let (parts, body) = self.respond().await.into_parts();
        let body = body.collect().await.expect("an answer is whole").to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header that stands at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("our headers are ASCII"))
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("our bodies are UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!(
                "{} with a body that is not JSON ({error}): {}",
                self.status,
                self.text()
            ),
        }
    }

    /// One member of a JSON object, as text.
    pub fn field(&self, name: &str) -> String {
        match &self.json()[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The problem's `code`.
    pub fn code(&self) -> String {
        self.field("code")
    }

    /// The body without what differs from request to request by itself: its id and its path.
    pub fn anonymous(&self) -> String {
        let problem = self.json();
        let mut text = self.text().to_owned();
        for member in ["request_id", "instance"] {
            text = text.replace(
                &format!("\"{member}\":{}", problem[member]),
                &format!("\"{member}\":…"),
            );
        }
        text
    }

    /// The same answer, or a panic that says which request was answered otherwise.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check is the point")]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}
