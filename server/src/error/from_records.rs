//! What the record engine refuses, as an answer: it has chosen status, code and texts already.

use axum::http::{HeaderValue, StatusCode, header};
use tenant_schema::records::RecordError;

use super::{ApiError, FieldError};

/// What every object can be asked for, whatever it refuses.
const READING: HeaderValue = HeaderValue::from_static("GET, HEAD");

impl From<RecordError> for ApiError {
    fn from(refused: RecordError) -> Self {
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
                error.0.hint = refused.hint().map(Into::into);
                if status == StatusCode::METHOD_NOT_ALLOWED {
                    error = error.with_header(header::ALLOW, READING);
                }
                error.with_errors(field_errors(&refused, code))
            }
        }
    }
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
        _ => Vec::new(),
    }
}
