//! Browser applications on other origins (the Fetch standard, section "CORS protocol"): what the server's answers allow
//! them to see, and the preflight requests that browsers send ahead.
//!
//! A layer of our own, because the usual one answers every `OPTIONS` by itself: ours tells a browser what it asks and
//! leaves the address's own answer, with its `Allow`, to everybody else. Credentials are headers that the application
//! itself sets, never cookies, so nothing here allows credentials of the browser's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use tower::{Layer, Service};

use crate::state::AppState;

/// What a browser shows a page of an answer, besides what it always shows.
const SHOWN: HeaderValue = HeaderValue::from_static(
    "Allow, Content-Disposition, Content-Encoding, Content-Location, Content-Range, ETag, Idempotent-Replayed, Link, \
     Location, Preference-Applied, Retry-After, Tenantry-Storage, WWW-Authenticate, X-Request-Id",
);

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS");

/// How long a browser may remember what a preflight told it, in seconds: PostgREST's day.
const REMEMBERED: HeaderValue = HeaderValue::from_static("86400");

/// Where no headers are named in the request; those of the clients that are known.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Accept-Profile, Apikey, Authorization, Content-Profile, Content-Type, If-Match, If-None-Match, \
     Idempotency-Key, Prefer, Range, Range-Unit, X-Client-Info, X-Organization, X-Request-Id",
);

/// The layer that puts a [`Shared`] around every route.
#[derive(Clone)]
pub(crate) struct Cors(pub(crate) AppState);

/// A route that pages of allowed origins may ask.
#[derive(Clone)]
pub(crate) struct Shared<S> {
    inner: S,
    state: AppState,
}

impl<S> Layer<S> for Cors {
    type Service = Shared<S>;

    fn layer(&self, inner: S) -> Shared<S> {
        Shared {
            inner,
            state: self.0.clone(),
        }
    }
}

impl<S> Service<Request> for Shared<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let origins = &self.state.config().allowed_origins;
        if origins.is_empty() {
            return Box::pin(self.inner.call(request));
        }
        let varies = !origins.are_all();
        let origin = request.headers().get(ORIGIN);
        let is_allowed = |origin: &&HeaderValue| origin.to_str().is_ok_and(|said| origins.allow(said));
        let shared = origin.filter(is_allowed).map(|origin| {
            if varies {
                origin.clone()
            } else {
                HeaderValue::from_static("*")
            }
        });
        let is_preflight = *request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight && shared.is_some() {
            let told = share(told(request.headers()), shared, varies);
            return Box::pin(std::future::ready(Ok(told)));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if shared.is_some() {
                response
                    .headers_mut()
                    .insert(ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
            }
            Ok(share(response, shared, varies))
        })
    }
}

/// Lets the origin see the answer; without one, says that another origin might see it.
fn share(mut response: Response, origin: Option<HeaderValue>, varies: bool) -> Response {
    let headers = response.headers_mut();
    if varies {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// The answer to a preflight request: every method, and the headers it names.
fn told(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let named = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, named.unwrap_or(HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    headers.append(VARY, ACCESS_CONTROL_REQUEST_HEADERS.into());
    response
}
