//! What is said of a tenant that is not served as usual: 503 while it is changed, 421 when it has moved away.

use std::ops::RangeInclusive;

use axum::http::{HeaderValue, StatusCode, header};

use super::ApiError;

impl ApiError {
    /// 503: an operator has taken the tenant out of service for a while.
    pub fn in_maintenance() -> Self {
        Self::tenant_unavailable(
            "tenant_maintenance",
            "This tenant is being maintained; please try again later",
            "30",
        )
    }

    /// 503: the tenant is being copied to another database, and can be read only.
    pub fn tenant_moving() -> Self {
        Self::tenant_unavailable(
            "tenant_moving",
            "This tenant is being moved and can only be read at the moment; please try again",
            "1",
        )
    }

    /// 421: another server answers for the tenant; a client may ask again over another connection (RFC 9110, section
    /// 15.5.20).
    pub fn moved() -> Self {
        let message = "This tenant has moved and is not served here any more";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "tenant_moved", message)
            .with_hint("Look the name of the host up again: it may lead elsewhere by now")
    }

    /// 503: the tenant was migrated, moved or dropped while it was asked. Nothing was done.
    pub fn tenant_changing() -> Self {
        Self::tenant_unavailable(
            "tenant_changing",
            "This tenant is being changed; please try again",
            "1",
        )
    }

    /// 503: a tenant of a template version that this server cannot serve: it waits for its migration, or the server for
    /// its own replacement.
    pub fn version_unsupported(version: i32, supported: &RangeInclusive<i32>) -> Self {
        let mut error = Self::tenant_unavailable(
            "tenant_version_unsupported",
            "This tenant is being brought to another version; please try again later",
            "30",
        );
        let (from, to) = (supported.start(), supported.end());
        let told = format!("The tenant is at version {version}; this server serves versions {from} to {to}");
        error.0.details = Some(told.into());
        error
    }

    fn tenant_unavailable(code: &'static str, message: &'static str, seconds: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static(seconds))
    }
}
