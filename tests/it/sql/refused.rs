//! What the record engine refuses of the tables of the CRM, and why.

use std::collections::BTreeSet;

use tests::tenant::OBJECTS;

/// Links have a key of two columns and so no path; what the platform and triggers keep cannot be written.
pub(super) fn refusals() -> BTreeSet<String> {
    let links = LINKS.into_iter().flat_map(|object| {
        let by_path = ["get", "put", "update", "delete"].map(|name| format!("{object} {name}: PGRST125"));
        // They have no moment of their own.
        let partly = format!("{object} insert partly: PGRST204");
        by_path.into_iter().chain([partly])
    });
    let writes = [
        "insert defaults",
        "insert partly",
        "insert",
        "put",
        "update",
        "update filtered",
        "delete",
        "delete filtered",
    ];
    let kept = READ_ONLY
        .into_iter()
        .flat_map(|object| writes.map(|name| format!("{object} {name}: PGRST117")));
    let binless = NO_BIN
        .into_iter()
        .flat_map(|object| ["restore", "purge"].map(|name| format!("{object} {name}: bin_unsupported")));
    let filtered = NO_BIN.into_iter().map(|object| {
        let code = match object {
            kept if READ_ONLY.contains(&kept) => "PGRST117",
            _ => "bin_unsupported",
        };
        format!("{object} update deleted: {code}")
    });
    // They have no moment of their own.
    let momentless = ["consents", "settings"].map(|object| format!("{object} insert partly: PGRST204"));
    let searched = ["companies", "contact_points", "contacts", "deals"];
    let others = OBJECTS.into_iter().filter(|object| !searched.contains(object));
    let unsearched = others.map(|object| format!("{object} search: search_unsupported"));
    links
        .chain(kept)
        .chain(binless)
        .chain(filtered)
        .chain(unsearched)
        .chain(momentless)
        .collect()
}

/// The tables with a key of two columns.
const LINKS: [&str; 7] = [
    "company_tags",
    "contact_tags",
    "deal_tags",
    "member_roles",
    "role_permissions",
    "staff_services",
    "team_members",
];

/// The tables that the template lets nobody write.
pub(super) const READ_ONLY: [&str; 4] = [
    "appointment_events",
    "current_consents",
    "deal_stage_history",
    "members",
];

/// The tables that keep no record that was removed.
const NO_BIN: [&str; 26] = [
    "appointment_events",
    "company_tags",
    "consent_purposes",
    "consents",
    "contact_tags",
    "current_consents",
    "deal_contacts",
    "deal_stage_history",
    "deal_tags",
    "lost_reasons",
    "member_roles",
    "members",
    "note_targets",
    "role_permissions",
    "roles",
    "schedule_overrides",
    "schedule_rules",
    "settings",
    "staff_services",
    "stages",
    "tags",
    "team_members",
    "teams",
    "time_off",
    "views",
    "widgets",
];
