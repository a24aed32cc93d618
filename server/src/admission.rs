//! How much the server does at once: requests being handled, and bodies being received.
//!
//! A request has a place among those handled, and gives it back while it waits for its client to send the body:
//! otherwise a handful of clients that never finish sending would take all places. Bodies being received have places
//! of their own, by kind, so that those of strangers do not keep out those of callers who are known.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body;
use crate::config::ServerConfig;
use crate::error::ApiError;

/// All places.
pub(crate) struct Admission {
    handled: Arc<Semaphore>,
    /// Bodies sent before anybody knows who sends them.
    pub(crate) credentials: Intake,
    /// Bodies of callers who have proved that they may send one.
    pub(crate) records: Intake,
}

/// One request's place among those handled. Clones are the same place.
#[derive(Clone)]
pub(crate) struct Place(Arc<Inner>);

struct Inner {
    handled: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

/// Bodies of one kind: how many are received at once, how large and how slow they may be.
pub(crate) struct Intake {
    at_once: Semaphore,
    limit: usize,
    deadline: Duration,
}

impl Admission {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self {
            handled: Arc::new(Semaphore::new(config.concurrency_limit)),
            credentials: Intake {
                at_once: Semaphore::new(config.credentials_at_once),
                limit: config.credentials_limit,
                deadline: config.credentials_deadline,
            },
            records: Intake {
                at_once: Semaphore::new(config.bodies_at_once),
                limit: config.body_limit,
                deadline: config.body_deadline,
            },
        }
    }

    /// A place that is not held yet.
    pub(crate) fn place(&self) -> Place {
        Place(Arc::new(Inner {
            handled: Arc::clone(&self.handled),
            held: Mutex::new(None),
        }))
    }
}

impl Place {
    /// Holds it from now on, if the server has one to give.
    pub(crate) fn hold(&self) -> Result<(), ApiError> {
        let permit = Arc::clone(&self.0.handled).try_acquire_owned();
        let permit = permit.map_err(|_| ApiError::overloaded("requests handled at once"))?;
        self.set(Some(permit));
        Ok(())
    }

    /// Lets others have it.
    pub(crate) fn give_back(&self) {
        self.set(None);
    }

    fn set(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

impl Intake {
    /// The whole body, within the size and the time of its kind.
    pub(crate) async fn receive(&self, request: Request) -> Result<Bytes, ApiError> {
        body::check_announced(request.headers(), self.limit)?;
        let receiving = self.at_once.try_acquire();
        let receiving = receiving.map_err(|_| ApiError::overloaded("bodies received at once"))?;
        let place = request.extensions().get::<Place>().cloned();
        if let Some(place) = &place {
            place.give_back();
        }
        let whole = Limited::new(request.into_body(), self.limit).collect();
        let body = match tokio::time::timeout(self.deadline, whole).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(ApiError::payload_too_large(self.limit));
            }
            Ok(Err(_)) => {
                return Err(ApiError::bad_request(
                    "bad_body",
                    "The request's body ended early",
                ));
            }
            Err(_elapsed) => return Err(ApiError::request_timeout()),
        };
        drop(receiving);
        if let Some(place) = &place {
            place.hold()?;
        }
        Ok(body)
    }
}
