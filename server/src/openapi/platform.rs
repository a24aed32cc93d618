//! The paths of a tenant's host that are not about records: signing in, and the state of the service.

use serde_json::{Value, json};

/// Adds them to a document.
pub(super) fn describe(document: &mut Value) {
    for (part, more) in [
        ("/paths", auth()),
        ("/paths", service()),
        ("/components/schemas", schemas()),
    ] {
        if let (Some(Value::Object(there)), Value::Object(more)) = (document.pointer_mut(part), more) {
            there.extend(more);
        }
    }
    if let Some(Value::Array(tags)) = document.pointer_mut("/tags") {
        tags.push(
            json!({ "name": "auth", "description": "Identity, as clients of Supabase Auth expect it." }),
        );
        tags.push(json!({ "name": "service", "description": "The service itself." }));
    }
}

fn auth() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "/auth/v1/signup": { "post": {
            "operationId": "auth.signup",
            "tags": ["auth"],
            "summary": "Make an account, a member of nothing yet",
            "security": [],
            "requestBody": body(&json!({
                "type": "object",
                "required": ["email", "password"],
                "properties": {
                    "email": { "type": "string", "format": "email" },
                    "password": text,
                    "data": { "type": "object", "properties": { "display_name": text } },
                },
            })),
            "responses": answers(&[("200", "The account. Known addresses are answered alike.", Some("auth.User"))]),
        } },
        "/auth/v1/token": { "post": {
            "operationId": "auth.token",
            "tags": ["auth"],
            "summary": "Open a session with a password, or exchange a refresh token",
            "security": [],
            "parameters": [{
                "name": "grant_type",
                "in": "query",
                "required": true,
                "schema": { "type": "string", "enum": ["password", "refresh_token"] },
            }],
            "requestBody": body(&json!({
                "type": "object",
                "properties": { "email": text, "password": text, "refresh_token": text },
            })),
            "responses": answers(&[("200", "The session.", Some("auth.Session"))]),
        } },
        "/auth/v1/user": { "get": {
            "operationId": "auth.user",
            "tags": ["auth"],
            "summary": "Who I am",
            "security": [{ "bearer": [] }],
            "responses": answers(&[("200", "The signed-in person.", Some("auth.User"))]),
        } },
        "/auth/v1/logout": { "post": {
            "operationId": "auth.logout",
            "tags": ["auth"],
            "summary": "End sessions",
            "security": [{ "bearer": [] }],
            "parameters": [{
                "name": "scope",
                "in": "query",
                "description": "All of the person's sessions here, this one, or all others.",
                "schema": { "type": "string", "enum": ["global", "local", "others"], "default": "global" },
            }],
            "responses": answers(&[("204", "They have ended.", None)]),
        } },
    })
}

fn service() -> Value {
    json!({
        "/.well-known/jwks.json": { "get": public(
            "service.keys", "The public keys that access tokens are checked with (RFC 7517)", &[("200", KEYS)],
        ) },
        "/healthz": { "get": public("service.alive", "Whether the process is alive", &[("200", "It is.")]) },
        "/readyz": { "get": public("service.ready", "Whether the database answers", &[("200", "It does.")]) },
    })
}

fn public(id: &str, summary: &str, done: &[(&str, &str)]) -> Value {
    let done: Vec<_> = done
        .iter()
        .map(|(status, description)| (*status, *description, None))
        .collect();
    json!({
        "operationId": id,
        "tags": ["service"],
        "summary": summary,
        "security": [],
        "responses": answers(&done),
    })
}

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

/// The good answers, and the problems that any of these routes may answer.
fn answers(done: &[(&str, &str, Option<&str>)]) -> Value {
    let mut answers = json!({});
    for (status, problem) in [
        ("400", "bad_request"),
        ("401", "unauthorized"),
        ("403", "forbidden"),
        ("404", "not_found"),
        ("405", "method_not_allowed"),
        ("409", "conflict"),
        ("413", "too_large"),
        ("415", "unsupported_media_type"),
        ("422", "unprocessable"),
        ("429", "too_many"),
        ("500", "internal"),
        ("503", "unavailable"),
    ] {
        answers[status] = json!({ "$ref": format!("#/components/responses/{problem}") });
    }
    for (status, description, schema) in done {
        let mut answer = json!({ "description": description });
        if *status == "200" {
            let schema = schema.map_or_else(
                || json!({ "type": "object" }),
                |name| json!({ "$ref": format!("#/components/schemas/{name}") }),
            );
            let kind = if *description == KEYS {
                "application/jwk-set+json"
            } else {
                "application/json"
            };
            answer["content"] = json!({ kind: { "schema": schema } });
        }
        answers[*status] = answer;
    }
    answers
}

/// The one answer that is not plain JSON (RFC 7517, section 8.5).
const KEYS: &str = "The keys.";

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let moment = json!({ "type": ["string", "null"], "format": "date-time" });
    json!({
        "auth.User": {
            "type": "object",
            "required": ["id", "email", "created_at"],
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "aud": text,
                "role": text,
                "email": { "type": "string", "format": "email" },
                "phone": text,
                "email_confirmed_at": moment,
                "last_sign_in_at": moment,
                "created_at": { "type": "string", "format": "date-time" },
                "updated_at": { "type": "string", "format": "date-time" },
                "app_metadata": { "type": "object" },
                "user_metadata": { "type": "object" },
                "identities": { "type": "array", "items": {} },
                "is_anonymous": { "type": "boolean" },
            },
        },
        "auth.Session": {
            "type": "object",
            "required": ["access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"],
            "properties": {
                "access_token": text,
                "token_type": { "type": "string", "const": "bearer" },
                "expires_in": { "type": "integer", "description": "Seconds." },
                "expires_at": { "type": "integer", "description": "Seconds since 1970." },
                "refresh_token": text,
                "user": { "$ref": "#/components/schemas/auth.User" },
            },
        },
    })
}
