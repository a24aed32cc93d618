//! What the record engine refuses, as an answer: it has chosen status, code and texts already.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use tenant_schema::crm::Refusal;
use tenant_schema::records::{Raised, RecordError};

use super::{ApiError, FieldError};

/// `Allow` of a 405 of the engine's (RFC 9110, section 15.5.6): the address takes the method, but what it names does not,
/// or not said like this.
fn allowed(refused: &RecordError) -> HeaderValue {
    HeaderValue::from_static(match refused {
        RecordError::PutFilters => "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE",
        // It wanted to write in a transaction that only reads: a function, called by GET.
        refused if refused.code() == READ_ONLY => "OPTIONS,POST",
        // Addresses that take nothing else.
        RecordError::NotWritable {
            action: RecordError::RESTORE | RecordError::PURGE,
            ..
        } => "OPTIONS",
        _ => "OPTIONS,GET,HEAD",
    })
}

/// `read_only_sql_transaction`
const READ_ONLY: &str = "25006";

impl From<RecordError> for ApiError {
    fn from(refused: RecordError) -> Self {
        if let RecordError::Raised(raised) = &refused {
            return from_template(raised, &refused);
        }
        if let RecordError::Refused(refusal) = refused {
            return (*refusal).into();
        }
        if let RecordError::Moved(cause) = &refused {
            tracing::debug!(cause, "the tenant has changed since the request was planned");
            return Self::tenant_changing();
        }
        let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = refused.code().to_owned();
        let cause = || {
            refused
                .cause()
                .unwrap_or("the record engine did not say")
                .to_owned()
        };
        match status {
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(cause()).with_code(code),
            status if status.is_server_error() => Self::internal(cause()).with_code(code),
            status => {
                let mut error = Self::new(status, code.clone(), refused.message());
                error.0.details = refused.details().map(Into::into);
                error.0.candidates = refused.candidates().map(<[_]>::to_vec).unwrap_or_default();
                error.0.hint = refused.hint().map(Into::into);
                if status == StatusCode::METHOD_NOT_ALLOWED {
                    error = error.with_header(header::ALLOW, allowed(&refused));
                }
                if let Some((name, value)) = told(&refused) {
                    error = error.with_header(name, value);
                }
                error.with_errors(field_errors(&refused, code))
            }
        }
    }
}

/// What a verb refuses.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut error = Self::new(status, refusal.code, refusal.message);
        error.0.particulars = refusal.details;
        error.0.hint = refusal.hint;
        let errors = refusal.errors.into_iter();
        error.with_errors(
            errors
                .map(|wrong| FieldError {
                    field: wrong.field,
                    code: wrong.code,
                    message: wrong.message,
                })
                .collect(),
        )
    }
}

/// What a refusal tells by headers: the tag of the record as it is, and when to try again.
fn told(refused: &RecordError) -> Option<(HeaderName, HeaderValue)> {
    match refused {
        RecordError::Outdated {
            version: Some(version),
            ..
        } => {
            let tag = HeaderValue::try_from(format!("\"{version}\""));
            tag.ok().map(|tag| (header::ETAG, tag))
        }
        RecordError::KeyInUse => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => None,
    }
}

/// What a template raises for the client is answered in its words, whatever the status.
fn from_template(raised: &Raised, refused: &RecordError) -> ApiError {
    let status = StatusCode::from_u16(raised.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut error = ApiError::new(status, raised.code.clone(), refused.message());
    error.0.details = refused.details().map(Into::into);
    error.0.hint = refused.hint().map(Into::into);
    for (name, value) in &raised.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            error = error.with_header(name, value);
        }
    }
    error
}

/// A value that was understood and is not valid, by its field.
fn field_errors(refused: &RecordError, code: String) -> Vec<FieldError> {
    match refused {
        RecordError::Database(error) if refused.status() == 422 => error
            .column()
            .map(|field| FieldError {
                field: field.to_owned(),
                code: code.into(),
                message: refused.message(),
            })
            .into_iter()
            .collect(),
        RecordError::Outdated { changed, .. } => changed
            .iter()
            .map(|field| FieldError {
                field: field.clone(),
                code: "changed".into(),
                message: "Others have changed this field".to_owned(),
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_the_methods_that_are_left() {
        for (action, left) in [
            ("update records", "OPTIONS,GET,HEAD"),
            ("call it", "OPTIONS,GET,HEAD"),
            (RecordError::RESTORE, "OPTIONS"),
            (RecordError::PURGE, "OPTIONS"),
        ] {
            let object = "totals".to_owned();
            let refused = RecordError::NotWritable { object, action };
            assert_eq!(refused.status(), 405);
            assert_eq!(allowed(&refused), left, "{action}");
        }
    }
}
