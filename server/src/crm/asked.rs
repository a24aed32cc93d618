//! What a request for a verb says besides its path.

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tenant_schema::crm::{self, Manner, Verb};
use tenant_schema::records::{Conditions, CursorSeal, Preferences, execute};
use uuid::Uuid;

use crate::access::Opened;
use crate::body::{RawBody, is_json};
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::records::Answered;
use crate::records::answer;
use crate::records::asked::{conditions, preferences};
use crate::records::once::Once;
use crate::state::AppState;

/// A request for a verb, but for its path.
pub(crate) struct Asked {
    state: AppState,
    preferences: Preferences,
    once: Option<Box<Once>>,
    context: RequestContext,
    /// `If-Match` and `If-None-Match`
    pub(crate) conditions: Conditions,
    /// The path, as it came.
    path: String,
    /// The query string, as it came.
    pub(crate) query: String,
    /// Empty where nothing was sent.
    pub(crate) body: Bytes,
}

impl FromRequest<AppState> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let (preferences, conditions) = (preferences(&parts.headers), conditions(&parts.headers)?);
        let (once, context) = (Once::asked(&parts)?, RequestContext::of(&parts)?);
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let says_json = is_json(&parts.headers);
        let body = if reads {
            Bytes::new()
        } else {
            RawBody::from_request(Request::from_parts(parts, body), state)
                .await?
                .0
        };
        if !body.is_empty() && !says_json {
            return Err(ApiError::unsupported_media_type("application/json, in UTF-8"));
        }
        Ok(Self {
            state: state.clone(),
            preferences,
            once: once.map(Box::new),
            context,
            conditions,
            path,
            query,
            body,
        })
    }
}

impl Asked {
    /// This moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state.source().now()
    }

    /// The id of something new.
    pub(crate) fn new_id(&self) -> Uuid {
        self.state.source().uuid()
    }

    /// Runs the verb in the tenant that its caller was let into: one transaction, then the answer.
    pub(crate) async fn run(&self, opened: &Opened, verb: &Verb) -> Answered {
        let (tenant, actor) = (&opened.tenant, opened.caller.actor());
        let once = self.once.as_deref();
        let claim = once.map(|once| once.claim_with(tenant.first_schema(), &actor, &self.body));
        let manner = Manner {
            preferences: &self.preferences,
            claim: claim.as_ref(),
        };
        let prepared = crm::prepare(&opened.model, verb, manner)?;
        let tenants = self.state.tenants();
        let answered = execute(tenants, tenant, &actor, self.context.id(), &prepared).await;
        let answered = answered.map_err(|error| opened.refused(&self.state, error))?;
        answer::respond_at(&self.path, answered, None, false)
    }

    /// `Prefer: timezone`, if there is such a zone: one that there is not is not followed, or refused where it has to be.
    pub(crate) fn preferred_zone(&self, opened: &Opened) -> Option<&str> {
        let zones = &opened.model.time_zones;
        let zone = self.preferences.time_zone.as_deref();
        zone.filter(|zone| zones.contains(*zone))
    }

    /// What signs the cursors of the tenant.
    pub(crate) fn cursors(&self, opened: &Opened) -> CursorSeal {
        self.state.cursors().of(opened.tenant.organization_id())
    }
}
