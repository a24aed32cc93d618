//! `POST /auth/v1/logout`: ends this session, the others of the person in this organization, or all of them.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use catalog::changes::Change;
use catalog::sessions::RevokeReason;

use crate::access::Signed;
use crate::device::Client;
use crate::error::ApiError;
use crate::query::single_value;
use crate::state::AppState;

/// `scope` is `global` (the default, as in Supabase Auth), `local` or `others`.
pub(crate) async fn sign_out(
    signed: Signed,
    State(state): State<AppState>,
    (RawQuery(query), Client(device)): (RawQuery, Client),
) -> Result<StatusCode, ApiError> {
    let caller = &signed.caller;
    let scope = single_value(query.as_deref().unwrap_or_default(), "scope")?;
    let (organization, verbs) = (signed.organization, state.authenticator());
    let but = match scope.as_deref() {
        None | Some("global") => None,
        Some("others") => Some(caller.session),
        Some("local") => {
            let of = (caller.user, caller.session);
            verbs
                .sign_out(organization, of, RevokeReason::SignOut, &device)
                .await?;
            return Ok(forgotten(&state, &Change::Session(caller.session)));
        }
        Some(_) => {
            return Err(ApiError::bad_request(
                "validation_failed",
                "scope must be global, local or others",
            ));
        }
    };
    verbs
        .sign_out_everywhere(organization, caller.user, but, &device)
        .await?;
    Ok(forgotten(&state, &Change::User(caller.user)))
}

fn forgotten(state: &AppState, change: &Change) -> StatusCode {
    state.callers().forget(change);
    StatusCode::NO_CONTENT
}
