//! `POST /auth/v1/signup`: an account for a person, a member of nothing yet.

use axum::extract::State;
use axum::response::Response;
use catalog::authenticate::{Profile, SignUp};
use catalog::email::EmailAddress;
use catalog::password::{PasswordRefused, PlainPassword};
use serde::Deserialize;

use super::private;
use crate::access::Tenant;
use crate::attempts::SignUpAttempt;
use crate::auth::view::UserView;
use crate::body::JsonBody;
use crate::error::{ApiError, FieldError};
use crate::state::AppState;

/// The longest name to show, in characters.
const LONGEST_NAME: usize = 200;

/// What Supabase's clients send; members they also send and that mean nothing here are passed over.
#[derive(Deserialize)]
pub(crate) struct SignUpBody {
    email: String,
    password: String,
    #[serde(default)]
    data: Option<SignUpData>,
}

/// The `options.data` of a client, as far as there is a place for it.
#[derive(Default, Deserialize)]
struct SignUpData {
    #[serde(alias = "full_name", alias = "name")]
    display_name: Option<String>,
}

/// Answers new and known addresses alike.
///
/// It also answers alike on the host of a suspended organization: an account is a member of nothing yet, so there is
/// nothing to refuse, and a refusal would tell strangers that the organization is suspended. Signing in, which is for
/// members, does tell (403 `organization_suspended`).
pub(crate) async fn sign_up(
    tenant: Tenant,
    State(state): State<AppState>,
    _: SignUpAttempt,
    JsonBody(body): JsonBody<SignUpBody>,
) -> Result<Response, ApiError> {
    let (email, password, profile) = body.check()?;
    match state
        .authenticator()
        .sign_up(tenant.organization(), &email, &password, &profile)
        .await?
    {
        SignUp::Accepted { user, created_at } => Ok(private(UserView::accepted(
            user,
            &email,
            profile.display_name.as_deref(),
            created_at,
        ))),
        SignUp::Busy => Err(ApiError::overloaded("passwords hashed at once")),
    }
}

impl SignUpBody {
    /// Reads the members, or refuses with an error for each that is not valid.
    fn check(self) -> Result<(EmailAddress, PlainPassword, Profile), ApiError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, code: &'static str, message: String| {
            errors.push(FieldError {
                field: field.to_owned(),
                code: code.into(),
                message,
            });
        };
        let email = self.email.parse::<EmailAddress>();
        if let Err(error) = &email {
            wrong("email", "email_address_invalid", error.to_string());
        }
        // A password is judged with or without an address to compare it with.
        let password = match &email {
            Ok(email) => PlainPassword::chosen(self.password, email),
            Err(_) => PlainPassword::chosen(self.password, &stand_in()),
        };
        if let Err(error) = &password {
            wrong("password", password_code(*error), error.to_string());
        }
        let display_name = self
            .data
            .unwrap_or_default()
            .display_name
            .map(|name| name.trim().to_owned());
        let display_name = display_name.filter(|name| !name.is_empty());
        if display_name
            .as_ref()
            .is_some_and(|name| name.chars().count() > LONGEST_NAME || name.contains('\0'))
        {
            let message = format!("a name has at most {LONGEST_NAME} characters, none of them NUL");
            wrong("display_name", "validation_failed", message);
        }
        match (email, password) {
            (Ok(email), Ok(password)) if errors.is_empty() => Ok((email, password, Profile { display_name })),
            _ => Err(refusal(errors)),
        }
    }
}

fn stand_in() -> EmailAddress {
    // RFC 2606 keeps this domain out of use.
    "nobody@example.invalid".parse().expect("the form of an address")
}

fn refusal(errors: Vec<FieldError>) -> ApiError {
    match errors.as_slice() {
        [only] => ApiError::unprocessable(only.code.clone(), only.message.clone()),
        _ => ApiError::unprocessable(
            "validation_failed",
            format!("{} fields are not valid", errors.len()),
        ),
    }
    .with_errors(errors)
}

fn password_code(refused: PasswordRefused) -> &'static str {
    match refused {
        PasswordRefused::TooShort | PasswordRefused::SameAsAddress => "weak_password",
        PasswordRefused::TooLong | PasswordRefused::Nul => "validation_failed",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: serde_json::Value) -> Result<(EmailAddress, PlainPassword, Profile), ApiError> {
        serde_json::from_value::<SignUpBody>(body)
            .expect("a sign-up")
            .check()
    }

    #[test]
    fn a_name_is_taken_from_where_clients_put_it() {
        for name in ["display_name", "full_name", "name"] {
            let body = json!({ "email": "ann@example.com", "password": "correct horse battery",
                "data": { name: " Ann ", "age": 7 }, "gotrue_meta_security": {} });
            let (_, _, profile) = check(body).expect("valid");
            assert_eq!(profile.display_name.as_deref(), Some("Ann"), "{name}");
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let long = "x".repeat(201);
        let body = json!({ "email": "ann", "password": "y".repeat(300), "data": { "name": long } });
        let error = check(body).expect_err("three times wrong");
        let body: serde_json::Value =
            serde_json::from_slice(&error.body("/auth/v1/signup", "1")).expect("JSON");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(3), "{body}");
        assert_eq!(body["code"], "validation_failed");
    }

    #[test]
    fn one_error_gives_its_own_code() {
        let error = check(json!({ "email": "ann@example.com", "password": "short" })).expect_err("too short");
        assert_eq!((error.status().as_u16(), error.code()), (422, "weak_password"));
    }
}
