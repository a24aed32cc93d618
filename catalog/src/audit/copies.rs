//! What changed when a tenant was copied or moved, or was to be.

use serde_json::{Value, json};

use super::AuditEvent;

impl AuditEvent {
    /// What changed: an object. Empty for every other event.
    pub(super) fn changes_by_copy(&self) -> Value {
        match self {
            Self::TenantCloned {
                origin,
                schema,
                template_version,
                rows,
                anonymised,
            } => json!({
                "origin_id": origin, "schema": schema.as_str(), "template_version": template_version, "rows": rows,
                "anonymised": anonymised
            }),
            Self::TenantImported {
                origin,
                schema,
                template_version,
                rows,
                content,
            } => json!({
                "origin_id": origin, "schema": schema.as_str(), "template_version": template_version, "rows": rows,
                "content": content
            }),
            Self::TenantArchived { location, sha256 } => json!({"location": location, "sha256": sha256}),
            Self::TenantUnarchived { sha256, status } => json!({"sha256": sha256, "status": status}),
            Self::TenantMoved { token, target } => json!({"move_id": token, "target": target}),
            Self::MoveGivenUp { token, target, state } => {
                json!({"move_id": token, "target": target, "state": state.as_str()})
            }
            Self::TenantArrived {
                token,
                schema,
                template_version,
                rows,
                content,
            } => json!({
                "move_id": token, "schema": schema.as_str(), "template_version": template_version, "rows": rows,
                "content": content
            }),
            _ => json!({}),
        }
    }
}
