//! Stamps: whether each schema says that it is its tenant's.

use std::collections::BTreeMap;

use super::look::Look;
use super::{Finding, Kind, Repair};
use crate::lifecycle::stamp;
use crate::tenant_db::quote_literal;

/// Schemas whose comment is not the stamp of their tenant. One that bears another tenant's may be that tenant's, exchanged
/// by somebody: that is for a person to find out.
pub(super) fn stamps(look: &Look<'_>) -> Vec<Finding> {
    let mut whose = BTreeMap::new();
    for resident in &look.residents {
        whose.insert(stamp(resident.organization), resident);
    }
    let mut findings = Vec::new();
    for tenant in look.tenants() {
        let right = stamp(tenant.organization);
        let found = look.ground.schemas.get(&tenant.schema);
        let found = found.and_then(|schema| schema.stamp.as_deref());
        if found == Some(&right) {
            continue;
        }
        let set = format!("comment on schema {} is {}", tenant.schema, quote_literal(&right));
        let finding = match found.map(|text| (text, whose.get(text))) {
            Some((_, Some(other))) => Finding::of(
                Kind::Stamps,
                &tenant,
                format!("the schema bears the stamp of another tenant, {other}"),
            )
            .next("find out whose records are in it before anything is changed")
            .with(Repair::by_hand(vec![set])),
            Some((text, None)) => {
                let shown: String = text.chars().take(80).collect();
                Finding::of(
                    Kind::Stamps,
                    &tenant,
                    format!("the schema does not bear its tenant's stamp, but {shown:?}"),
                )
                .with(Repair::safe(vec![set]))
            }
            None => {
                Finding::of(Kind::Stamps, &tenant, "the schema bears no stamp").with(Repair::safe(vec![set]))
            }
        };
        findings.push(finding);
    }
    findings
}
