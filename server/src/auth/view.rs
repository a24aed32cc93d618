//! Users and sessions as Supabase Auth's clients expect them.

use catalog::authenticate::SessionCaller;
use catalog::email::EmailAddress;
use catalog::ids::{MembershipId, UserId};
use catalog::memberships::MemberRole;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::token::{AUDIENCE, ROLE};

/// A user. Members that have no meaning here are present and empty, because clients read them.
#[derive(Serialize)]
pub(super) struct UserView<'a> {
    id: UserId,
    aud: &'static str,
    role: &'static str,
    email: &'a EmailAddress,
    phone: &'static str,
    email_confirmed_at: Option<DateTime<Utc>>,
    last_sign_in_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    app_metadata: AppMetadata,
    user_metadata: UserMetadata<'a>,
    identities: [(); 0],
    is_anonymous: bool,
}

/// What the service knows of a user, which a user cannot change.
#[derive(Serialize)]
struct AppMetadata {
    provider: &'static str,
    providers: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<MembershipId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_role: Option<&'static str>,
}

/// What a user says of themselves.
#[derive(Serialize)]
struct UserMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

/// A session just opened or refreshed.
#[derive(Serialize)]
pub(super) struct SessionView<'a> {
    pub(super) access_token: &'a str,
    pub(super) token_type: &'static str,
    /// Seconds.
    pub(super) expires_in: i64,
    /// Seconds since 1970.
    pub(super) expires_at: i64,
    pub(super) refresh_token: &'a str,
    pub(super) user: UserView<'a>,
}

impl<'a> UserView<'a> {
    /// A signed-in member.
    pub(super) fn of(caller: &'a SessionCaller) -> Self {
        Self {
            email_confirmed_at: caller.email_verified_at,
            last_sign_in_at: caller.last_login_at,
            updated_at: caller.updated_at,
            app_metadata: AppMetadata {
                member_id: Some(caller.membership),
                member_role: Some(match caller.role {
                    MemberRole::Admin => "admin",
                    MemberRole::Member => "member",
                }),
                ..AppMetadata::EMAIL
            },
            ..Self::accepted(
                caller.user,
                &caller.email,
                caller.display_name.as_deref(),
                caller.created_at,
            )
        }
    }

    /// The answer to signing up: the same whether or not the address was known before.
    pub(super) fn accepted(
        id: UserId,
        email: &'a EmailAddress,
        display_name: Option<&'a str>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            aud: AUDIENCE,
            role: ROLE,
            email,
            phone: "",
            email_confirmed_at: None,
            last_sign_in_at: None,
            created_at,
            updated_at: created_at,
            app_metadata: AppMetadata::EMAIL,
            user_metadata: UserMetadata { display_name },
            identities: [],
            is_anonymous: false,
        }
    }
}

impl AppMetadata {
    const EMAIL: Self = Self {
        provider: "email",
        providers: ["email"],
        member_id: None,
        member_role: None,
    };
}
