//! `POST /auth/v1/logout`: ends this session, the others of the person in this organization, or all of them.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use catalog::changes::Change;

use crate::access::Signed;
use crate::error::ApiError;
use crate::query::single_value;
use crate::state::AppState;

/// `scope` is `global` (the default, as in Supabase Auth), `local` or `others`.
pub(crate) async fn sign_out(
    signed: Signed,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    let caller = &signed.caller;
    let scope = single_value(query.as_deref().unwrap_or_default(), "scope")?;
    let (organization, verbs) = (signed.organization, state.authenticator());
    match scope.as_deref() {
        None | Some("global") => verbs.sign_out_everywhere(organization, caller.user, None).await?,
        Some("local") => verbs.sign_out(organization, caller.session).await?,
        Some("others") => {
            verbs
                .sign_out_everywhere(organization, caller.user, Some(caller.session))
                .await?
        }
        Some(_) => {
            return Err(ApiError::bad_request(
                "validation_failed",
                "scope must be global, local or others",
            ));
        }
    }
    state.callers().forget(Change::User(caller.user));
    Ok(StatusCode::NO_CONTENT)
}
