//! The frame around the router: everything that is done to every request, in one layer.
//!
//! In this order: request id and span, admission (a bounded number at once, a bounded body), deadline, panics caught,
//! the body of an error written, the id echoed, one line in the access log. The line names the matched route, never
//! the query or a value.

use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::admission::Place;
use crate::body;
use crate::context::{REQUEST_ID, RequestContext, TENANT_STORAGE};
use crate::error::ApiError;
use crate::forwarded;
use crate::state::AppState;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const NOSNIFF: (HeaderName, HeaderValue) = (
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderValue::from_static("nosniff"),
);

/// The layer that puts a [`Framed`] around every route.
#[derive(Clone)]
pub(crate) struct Frame(pub(crate) AppState);

/// A route with the frame around it.
#[derive(Clone)]
pub(crate) struct Framed<S> {
    inner: S,
    state: AppState,
}

impl<S> Layer<S> for Frame {
    type Service = Framed<S>;

    fn layer(&self, inner: S) -> Framed<S> {
        Framed {
            inner,
            state: self.0.clone(),
        }
    }
}

impl<S> Service<Request> for Framed<S>
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

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = self.state.clone();
        let context = RequestContext::new(request.headers(), state.source());
        request.extensions_mut().insert(context.clone());
        let line = Line::of(&request, &state, context);
        let place = state.admission().place();
        request.extensions_mut().insert(place.clone());
        let too_large = body::check_announced(request.headers(), state.config().body_limit);
        let future = self.inner.call(request);
        let span = tracing::info_span!("request", id = line.context.id());
        Box::pin(
            async move {
                let answer = match too_large {
                    Ok(()) => admitted(&state, &line, &place, future).await,
                    Err(error) => error.into_response(),
                };
                Ok(line.finish(answer))
            }
            .instrument(span),
        )
    }
}

/// Runs the handler if the server has room for it, and for no longer than the deadline. The handler may give the place
/// back for a while.
async fn admitted<F>(state: &AppState, line: &Line, place: &Place, future: F) -> Response
where
    F: Future<Output = Result<Response, Infallible>>,
{
    // A full server must still answer /healthz: otherwise it would be restarted for being busy.
    let alive = line
        .route
        .as_ref()
        .is_some_and(|route| route.as_str() == "/healthz");
    if !alive && let Err(full) = place.hold() {
        return full.into_response();
    }
    let answer = match tokio::time::timeout(state.config().request_deadline, caught(future)).await {
        Ok(response) => response,
        Err(elapsed) => ApiError::unavailable(elapsed).into_response(),
    };
    place.give_back();
    answer
}

/// Turns a panic into a 500, so that the connection and what else runs on it go on.
async fn caught<F>(future: F) -> Response
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let mut future = pin!(future);
    let outcome = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    match outcome.await {
        Ok(Ok(response)) => response,
        Err(panic) => ApiError::internal(format!("panic: {}", panic_message(&*panic))).into_response(),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// What the access log says about a request, as far as it is known at its head.
struct Line {
    context: RequestContext,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    client: Option<std::net::IpAddr>,
}

impl Line {
    fn of(request: &Request, state: &AppState, context: RequestContext) -> Self {
        Self {
            context,
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: request.extensions().get().cloned(),
            client: forwarded::client_address(request.headers(), request.extensions(), state.config()),
        }
    }

    /// Writes an error's body, the headers every answer has, and the line itself.
    fn finish(&self, mut response: Response) -> Response {
        if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
            error.log();
            *response.body_mut() = Body::from(error.body(self.uri.path(), self.context.id()));
            response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.context.id_header());
        headers.insert(NOSNIFF.0, NOSNIFF.1);
        if let Some(room) = self.context.room() {
            headers.insert(TENANT_STORAGE, room);
        }
        self.log(&response);
        response
    }

    fn log(&self, response: &Response) {
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            route = self.route.as_ref().map_or("-", MatchedPath::as_str),
            status = response.status().as_u16(),
            duration_ms = self.context.elapsed_ms(),
            organization = self.context.organization().map(tracing::field::display),
            caller = self.context.caller(),
            bytes = response.body().size_hint().exact(),
            client = self.client.map(tracing::field::display),
        );
    }
}

#[cfg(test)]
mod tests;
