//! An export as the body of an answer: pieces are made as the client takes them.
//!
//! A task of its own holds the [`Export`] and hands one piece at a time to the answer's body; while the client takes
//! nothing, it waits, and so does PostgreSQL. It gives up when the client has gone, or has taken nothing for a while, or
//! the whole takes too long; then what still runs is cancelled, and the connection closed.
//!
//! Once the first piece was sent, there is no status left to say that something went wrong. So a body ends well only
//! after the task has said that it is whole; in any other case it breaks off: over HTTP/1.1 without its last chunk, over
//! HTTP/2 by `RST_STREAM`. A client that does not notice this takes no notice of lost connections either.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::request::Parts;
use axum::http::{Method, Version, header};
use axum::response::Response;
use hyper::body::Frame;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tenant_schema::exports::{Export, ExportSettings, NoPlace};
use tenant_schema::records::{PreparedExport, RecordError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::{Instrument as _, Span};

use super::Answered;
use super::answer::{PREFERENCE_APPLIED, write_headers};
use crate::access::Opened;
use crate::error::ApiError;
use crate::serve::OnConnection;
use crate::state::AppState;

/// When a tenant that has as many exports as it may should ask again, in seconds.
const ASK_AGAIN: u64 = 5;

/// Where an export goes.
pub(crate) struct Outlet {
    state: AppState,
    connection: Option<OnConnection>,
    is_head: bool,
}

/// What the task tells the body.
enum Piece {
    /// Lines.
    Lines(Bytes),
    /// All was said.
    Whole,
}

type Told = Result<Piece, RecordError>;

/// How an export ended.
enum Ended {
    Whole,
    Failed,
    ClientGone,
    ClientStalled,
    TookTooLong,
}

impl Outlet {
    /// Where an export goes: nowhere over HTTP/1.0, in which a body that breaks off looks like one that is whole.
    pub(super) fn of(parts: &Parts, state: &AppState) -> Result<Self, ApiError> {
        if parts.version < Version::HTTP_11 {
            return Err(ApiError::upgrade_required());
        }
        Ok(Self {
            state: state.clone(),
            connection: parts.extensions.get().cloned(),
            is_head: parts.method == Method::HEAD,
        })
    }

    /// Begins the export and answers as soon as its first piece is there. One that takes long to begin is answered
    /// without knowing how it will go, so that sorting a great table does not take longer than a request may.
    pub(super) async fn run(self, opened: &Opened, prepared: PreparedExport) -> Answered {
        let mut response = Response::new(Body::empty());
        let (lines, applied) = (prepared.lines(), prepared.preference_applied());
        let texts = [
            (header::CONTENT_TYPE, Some(lines.media_type().to_owned())),
            (
                header::CONTENT_DISPOSITION,
                Some(disposition(&opened.name, lines.extension())),
            ),
            (PREFERENCE_APPLIED, applied.map(str::to_owned)),
        ];
        write_headers(&mut response, texts)?;
        if self.is_head {
            return Ok(response);
        }
        let tenants = self.state.tenants();
        let export = tenants.export(&opened.tenant, prepared).map_err(refused)?;
        let (tell, mut told) = mpsc::channel(1);
        let bounds = tenants.exports().settings().clone();
        let in_flight = self.connection.as_ref().map(OnConnection::keep);
        let task = async move {
            run(export, &tell, &bounds).await;
            drop(in_flight);
        };
        tokio::spawn(task.in_current_span());
        let first = match timeout(self.state.config().request_deadline / 2, told.recv()).await {
            Ok(None) => return Err(ApiError::internal("an export ended without a word")),
            Ok(Some(first)) => Some(first.map_err(|error| opened.refused(&self.state, error))?),
            Err(_elapsed) => None,
        };
        *response.body_mut() = Body::new(Pieces {
            first,
            told: Some(told),
            span: Span::current(),
        });
        Ok(response)
    }
}

fn refused(why: NoPlace) -> ApiError {
    match why {
        NoPlace::OnServer => ApiError::overloaded("exports at once"),
        NoPlace::OfTenant => ApiError::too_many_requests(ASK_AGAIN)
            .with_code("too_many_exports")
            .with_hint("As many exports of this tenant are running as may at once"),
    }
}

/// A name for the file (RFC 6266): in ASCII for those who read no more, and as it is.
fn disposition(object: &str, extension: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let plain: String = object
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    if plain == object {
        return format!("attachment; filename=\"{plain}.{extension}\"");
    }
    let exact = utf8_percent_encode(object, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{exact}.{extension}")
}

/// Runs an export to its end, whatever that is, closes its connection, and writes a line about it into the log.
async fn run(mut export: Export, tell: &mpsc::Sender<Told>, bounds: &ExportSettings) {
    let begun = tokio::time::Instant::now();
    let ended = tokio::select! {
        ended = pump(&mut export, tell, bounds.stall) => ended,
        () = tell.closed() => Ended::ClientGone,
        () = sleep(bounds.duration) => Ended::TookTooLong,
    };
    let records = export.records();
    export.close().await;
    let duration_ms = begun.elapsed().as_secs_f64() * 1000.0;
    match ended {
        Ended::Whole => tracing::info!(records, duration_ms, "export ended"),
        Ended::ClientGone => tracing::info!(records, duration_ms, "export broke off: the client has gone"),
        Ended::ClientStalled => {
            tracing::warn!(records, duration_ms, "export broke off: the client takes nothing");
        }
        Ended::TookTooLong => tracing::warn!(records, duration_ms, "export broke off: it took too long"),
        Ended::Failed => tracing::warn!(records, duration_ms, "export broke off"),
    }
}

async fn pump(export: &mut Export, tell: &mpsc::Sender<Told>, stall: Duration) -> Ended {
    loop {
        let (told, ended) = match export.next().await {
            Ok(Some(lines)) => (Ok(Piece::Lines(lines)), None),
            Ok(None) => (Ok(Piece::Whole), Some(Ended::Whole)),
            Err(error) => (Err(error), Some(Ended::Failed)),
        };
        match timeout(stall, tell.send(told)).await {
            Err(_elapsed) => return Ended::ClientStalled,
            Ok(Err(_gone)) => return Ended::ClientGone,
            Ok(Ok(())) => {}
        }
        if let Some(ended) = ended {
            return ended;
        }
    }
}

/// The body: what the task tells, until it says that it was all.
struct Pieces {
    first: Option<Piece>,
    /// Nothing once the end was told.
    told: Option<mpsc::Receiver<Told>>,
    span: Span,
}

impl Pieces {
    /// The client cannot be told any more, so the log is.
    fn log(&self, error: &RecordError) {
        let cause = error.cause();
        self.span.in_scope(|| {
            tracing::error!(
                code = error.code(),
                error = error.message(),
                cause,
                "export failed"
            );
        });
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = match (self.first.take(), &mut self.told) {
            (Some(first), _) => Some(Ok(first)),
            (None, None) => return Poll::Ready(None),
            (None, Some(told)) => match told.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => piece,
            },
        };
        if let Some(Ok(Piece::Lines(lines))) = piece {
            return Poll::Ready(Some(Ok(Frame::data(lines))));
        }
        self.told = None;
        if let Some(Ok(_)) = piece {
            return Poll::Ready(None);
        }
        if let Some(Err(error)) = piece {
            self.log(&error);
        }
        Poll::Ready(Some(Err(io::Error::other("the export broke off"))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.told.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn files_have_names() {
        assert_eq!(
            disposition("contacts", "csv"),
            "attachment; filename=\"contacts.csv\""
        );
        assert_eq!(
            disposition("Ümsatz \"a\"", "ndjson"),
            "attachment; filename=\"_msatz__a_.ndjson\"; filename*=UTF-8''%C3%9Cmsatz%20%22a%22.ndjson"
        );
    }

    async fn collected(pieces: Vec<Told>) -> Result<Bytes, io::Error> {
        let (tell, told) = mpsc::channel(8);
        for piece in pieces {
            assert!(tell.send(piece).await.is_ok());
        }
        drop(tell);
        let body = Pieces {
            first: Some(Piece::Lines(Bytes::from_static(b"a\n"))),
            told: Some(told),
            span: Span::none(),
        };
        Ok(body.collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn a_body_is_whole_when_that_was_said_and_breaks_off_otherwise() {
        let lines = || Ok(Piece::Lines(Bytes::from_static(b"b\n")));
        let whole = collected(vec![lines(), Ok(Piece::Whole)]).await;
        assert_eq!(whole.expect("whole"), "a\nb\n");
        assert!(collected(vec![lines()]).await.is_err());
        let failed = Err(RecordError::Unreadable("x".to_owned()));
        assert!(collected(vec![lines(), failed]).await.is_err());
    }
}
