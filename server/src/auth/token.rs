//! `POST /auth/v1/token`: a session for a password, and for a refresh token its successor.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use catalog::authenticate::{Refresh, SignIn, SignedIn};
use catalog::changes::Change;
use catalog::password::PlainPassword;
use catalog::secret::{PlainSecret, Purpose};
use catalog::sessions::{Device, RevokeReason};
use serde::Deserialize;

use super::private;
use crate::access::Tenant;
use crate::attempts::TokenAttempt;
use crate::auth::view::{SessionView, UserView};
use crate::body::JsonBody;
use crate::device::Client;
use crate::error::ApiError;
use crate::query::single_value;
use crate::state::AppState;
use crate::token::{LIFETIME, Subject};

/// The body of either grant; which members count says `grant_type`.
#[derive(Deserialize)]
pub(crate) struct TokenBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Gives a session to whoever proves to be a member.
pub(crate) async fn token(
    tenant: Tenant,
    State(state): State<AppState>,
    (RawQuery(query), Client(device), _): (RawQuery, Client, TokenAttempt),
    JsonBody(body): JsonBody<TokenBody>,
) -> Result<Response, ApiError> {
    let grant_type = single_value(query.as_deref().unwrap_or_default(), "grant_type")?;
    let signed_in = match (grant_type.as_deref(), body) {
        (
            Some("password"),
            TokenBody {
                email: Some(email),
                password: Some(password),
                ..
            },
        ) => by_password(&state, &tenant, &email, password, &device).await?,
        (
            Some("refresh_token"),
            TokenBody {
                refresh_token: Some(token),
                ..
            },
        ) => by_refresh(&state, &tenant, &token, &device).await?,
        (Some("password"), _) => return Err(missing("email and password")),
        (Some("refresh_token"), _) => return Err(missing("refresh_token")),
        (Some(_) | None, _) => {
            return Err(ApiError::bad_request(
                "unsupported_grant_type",
                "grant_type must be password or refresh_token",
            ));
        }
    };
    hand_out(&state, &tenant, &signed_in, &device).await
}

async fn by_password(
    state: &AppState,
    tenant: &Tenant,
    email: &str,
    password: String,
    device: &Device,
) -> Result<Box<SignedIn>, ApiError> {
    let (Ok(email), Ok(password)) = (email.parse(), PlainPassword::presented(password)) else {
        // No account has such an address or password, which is no secret.
        return Err(invalid_credentials());
    };
    match state
        .authenticator()
        .sign_in(tenant.organization(), &email, &password, device)
        .await?
    {
        SignIn::Ok(signed_in) => Ok(signed_in),
        SignIn::Refused => Err(invalid_credentials()),
        SignIn::Busy => Err(ApiError::overloaded("passwords hashed at once")),
    }
}

async fn by_refresh(
    state: &AppState,
    tenant: &Tenant,
    token: &str,
    device: &Device,
) -> Result<Box<SignedIn>, ApiError> {
    let unknown = || ApiError::bad_request("refresh_token_not_found", "The refresh token is not valid");
    let token = PlainSecret::parse(Purpose::Refresh, token).map_err(|_| unknown())?;
    match state
        .authenticator()
        .refresh(tenant.organization(), &token, device)
        .await?
    {
        Refresh::Ok(signed_in) => Ok(signed_in),
        Refresh::Raced => Err(ApiError::conflict(
            "conflict",
            "Another request exchanged this refresh token a moment ago; use what it was given",
        )),
        Refresh::Reused(session) => {
            state.callers().forget(&Change::Session(session));
            Err(ApiError::bad_request(
                "refresh_token_already_used",
                "The refresh token was used before; its session has been ended",
            ))
        }
        Refresh::Refused => Err(unknown()),
    }
}

/// The session as the client gets it. While the organization is suspended its members are told so, and the session
/// they could do nothing with is ended.
async fn hand_out(
    state: &AppState,
    tenant: &Tenant,
    signed_in: &SignedIn,
    device: &Device,
) -> Result<Response, ApiError> {
    if let Err(suspended) = tenant.check_active() {
        let of = (signed_in.caller.user, signed_in.session.id);
        let reason = RevokeReason::OrganizationSuspended;
        state
            .authenticator()
            .sign_out(tenant.organization(), of, reason, device)
            .await?;
        return Err(suspended);
    }
    let caller = &signed_in.caller;
    let subject = Subject {
        user: caller.user,
        session: caller.session,
        organization: tenant.organization(),
    };
    let minted = state
        .callers()
        .keys()
        .mint(subject, &tenant.place(state).issuer(), state.source())
        .map_err(ApiError::internal)?;
    Ok(private(SessionView {
        access_token: &minted.token,
        token_type: "bearer",
        expires_in: LIFETIME.num_seconds(),
        expires_at: minted.expires_at.timestamp(),
        refresh_token: signed_in.refresh.reveal(),
        user: UserView::of(caller),
    }))
}

fn invalid_credentials() -> ApiError {
    ApiError::bad_request("invalid_credentials", "Invalid login credentials")
}

fn missing(what: &str) -> ApiError {
    ApiError::bad_request("validation_failed", format!("This grant needs {what}"))
}
