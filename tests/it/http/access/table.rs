//! Every route, whom it is for, and what each caller of the test gets.

use axum::http::Method;
use catalog::access::Action;
use server::access::Access;

/// One request by all callers: method, path as the router has it, object, access, and a status per caller.
pub(super) type Row = (Method, &'static str, &'static str, Access, [u16; 13]);

pub(super) const SIGN_UP: &str = "/auth/v1/signup";
pub(super) const TOKEN: &str = "/auth/v1/token";
pub(super) const MANY: &str = "/rest/v1/{object}";
pub(super) const ONE: &str = "/rest/v1/{object}/{id}";
pub(super) const RESTORE: &str = "/rest/v1/{object}/{id}/restore";
pub(super) const PURGE: &str = "/rest/v1/{object}/{id}/purge";
pub(super) const RPC: &str = "/rest/v1/rpc/{function}";
pub(super) const TIMELINE: &str = "/crm/v1/{object}/{id}/timeline";

/// Functions of the template that has some: one that reads, one that every member calls, and one that admins call.
pub(super) const READS: &str = "add";
pub(super) const WRITES: &str = "place_order";
const ADMINS_WRITE: &str = "refresh_wages";

/// Everybody gets this.
const fn all(status: u16) -> [u16; 13] {
    [status; 13]
}

/// What a member, an admin, a key with the scope and one without get; the others are refused as ever.
const fn guarded([member, admin, right, wrong]: [u16; 4]) -> [u16; 13] {
    [
        401, 401, 404, 401, member, admin, right, wrong, 401, 401, 403, 404, 404,
    ]
}

/// The routes that are about no object.
fn routes_without_object() -> Vec<Row> {
    let mut rows = vec![
        (Method::GET, "/healthz", "", Access::Public, all(200)),
        (Method::GET, "/readyz", "", Access::Public, all(200)),
        (
            Method::GET,
            "/.well-known/jwks.json",
            "",
            Access::Public,
            all(200),
        ),
        (Method::POST, SIGN_UP, "", Access::SignIn, all(200)),
        // The credentials are the body's. Members of a suspended organization are told so.
        (Method::POST, TOKEN, "", Access::SignIn, {
            let mut statuses = all(200);
            statuses[10] = 403;
            statuses
        }),
        (
            Method::GET,
            "/auth/v1/user",
            "",
            Access::User,
            guarded([200, 200, 403, 403]),
        ),
        (
            Method::POST,
            "/auth/v1/logout",
            "",
            Access::User,
            guarded([204, 204, 403, 403]),
        ),
        (Method::GET, "/docs", "", Access::SignIn, all(200)),
        (Method::GET, "/docs/page.js", "", Access::SignIn, all(200)),
    ];
    let verbs = server::routes::table().into_iter().map(|route| route.path);
    let verbs = verbs.filter(|path| path.starts_with("/crm/v1/"));
    let verbs: std::collections::BTreeSet<&str> = verbs.collect();
    for path in ["/rest/v1/", MANY, ONE, RESTORE, PURGE, RPC]
        .into_iter()
        .chain(verbs)
    {
        rows.push((Method::OPTIONS, path, "", Access::Public, all(200)));
    }
    for path in ["/openapi.json", "/rest/v1/"] {
        rows.push((
            Method::GET,
            path,
            "",
            Access::Caller,
            guarded([200, 200, 200, 200]),
        ));
    }
    rows
}

/// What a row names that is about verbs.
pub(super) const VERB: &str = "verb";

type Uses = &'static [(&'static str, Action)];

const CHANGE_DEAL: Uses = &[
    ("deals", Action::Update),
    ("deals", Action::Read),
    ("stages", Action::Read),
];
const CHANGE_APPOINTMENT: Uses = &[("appointments", Action::Update), ("appointments", Action::Read)];
const MOVE_APPOINTMENT: Uses = &[
    ("appointments", Action::Update),
    ("appointments", Action::Read),
    ("schedules", Action::Read),
    ("services", Action::Read),
    ("staff", Action::Read),
];
const NEW_APPOINTMENT: Uses = &[
    ("appointments", Action::Insert),
    ("appointments", Action::Read),
    ("schedules", Action::Read),
    ("services", Action::Read),
    ("staff", Action::Read),
];
const FIND_SLOTS: Uses = &[
    ("appointments", Action::Read),
    ("schedules", Action::Read),
    ("services", Action::Read),
    ("staff", Action::Read),
];
const CHANGE_ACTIVITY: Uses = &[("activities", Action::Update), ("activities", Action::Read)];
const READ_ACTIVITIES: Uses = &[("activities", Action::Read)];
const READ_BOARD: Uses = &[
    ("pipelines", Action::Read),
    ("stages", Action::Read),
    ("deals", Action::Read),
];
const CREATE_PIPELINE: Uses = &[
    ("pipelines", Action::Insert),
    ("pipelines", Action::Update),
    ("stages", Action::Insert),
    ("pipelines", Action::Read),
    ("stages", Action::Read),
];
const REPLACE_PIPELINE: Uses = &[
    ("pipelines", Action::Update),
    ("stages", Action::Insert),
    ("stages", Action::Update),
    ("stages", Action::Delete),
    ("pipelines", Action::Read),
    ("stages", Action::Read),
];
const REORDER_STAGES: Uses = &[
    ("stages", Action::Update),
    ("stages", Action::Read),
    ("pipelines", Action::Read),
];
const SUM_DEALS: Uses = &[("deals", Action::Read), ("stages", Action::Read)];
const FOLLOW_DEALS: Uses = &[
    ("deals", Action::Read),
    ("stages", Action::Read),
    ("pipelines", Action::Read),
    ("deal_stage_history", Action::Read),
];

/// The verbs, with what they do with records. Pipelines and stages are written by admins.
fn verbs() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let rows: [(&Method, &'static str, Uses); 25] = [
        (&get, "/crm/v1/activities/due", READ_ACTIVITIES),
        (&post, "/crm/v1/activities/{id}/complete", CHANGE_ACTIVITY),
        (&post, "/crm/v1/activities/{id}/reopen", CHANGE_ACTIVITY),
        (&post, "/crm/v1/appointments/hold", NEW_APPOINTMENT),
        (&post, "/crm/v1/appointments/book", NEW_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/book", CHANGE_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/reschedule", MOVE_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/confirm", CHANGE_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/complete", CHANGE_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/no-show", CHANGE_APPOINTMENT),
        (&post, "/crm/v1/appointments/{id}/cancel", CHANGE_APPOINTMENT),
        (&post, "/crm/v1/deals/{id}/move", CHANGE_DEAL),
        (&post, "/crm/v1/deals/{id}/win", CHANGE_DEAL),
        (&post, "/crm/v1/deals/{id}/lose", CHANGE_DEAL),
        (&post, "/crm/v1/deals/{id}/reopen", CHANGE_DEAL),
        (&post, "/crm/v1/pipelines", CREATE_PIPELINE),
        (&Method::PUT, "/crm/v1/pipelines/{id}", REPLACE_PIPELINE),
        (&get, "/crm/v1/pipelines/{id}/board", READ_BOARD),
        (&post, "/crm/v1/pipelines/{id}/reorder", REORDER_STAGES),
        (&get, "/crm/v1/reports/activities", READ_ACTIVITIES),
        (&get, "/crm/v1/reports/cycle-time", SUM_DEALS),
        (&get, "/crm/v1/reports/forecast", SUM_DEALS),
        (&get, "/crm/v1/reports/funnel", FOLLOW_DEALS),
        (&get, "/crm/v1/reports/win-rate", SUM_DEALS),
        (&get, "/crm/v1/slots", FIND_SLOTS),
    ];
    let rows = rows.into_iter().map(|(method, path, uses)| {
        let is_for_admins = |(object, action): &(&str, Action)| {
            *action != Action::Read && ["pipelines", "stages"].contains(object)
        };
        let done = if [CREATE_PIPELINE, NEW_APPOINTMENT].contains(&uses) {
            201
        } else {
            200
        };
        let member = if uses.iter().any(is_for_admins) { 403 } else { done };
        let statuses = guarded([member, done, done, 403]);
        (method.clone(), path, VERB, Access::Verb(uses), statuses)
    });
    let read = Access::Object(Action::Read);
    let timeline = (
        get.clone(),
        TIMELINE,
        "contacts",
        read,
        guarded([200, 200, 200, 403]),
    );
    rows.chain([timeline]).collect()
}

pub(super) fn table() -> Vec<Row> {
    let mut rows = routes_without_object();
    rows.extend(verbs());
    // What a member, an admin and a key with the scope get for reading, and for writing if it is allowed.
    for (object, member, admin, key) in [
        ("contacts", true, true, true),
        ("pipelines", false, true, true),
        ("members", false, false, false),
        ("deal_stage_history", false, false, false),
    ] {
        let read = Access::Object(Action::Read);
        rows.push((Method::GET, MANY, object, read, guarded([200, 200, 200, 403])));
        rows.push((Method::GET, ONE, object, read, guarded([200, 200, 200, 403])));
        for (method, path, action, done) in [
            (Method::POST, MANY, Action::Insert, 201),
            (Method::PATCH, MANY, Action::Update, 204),
            (Method::DELETE, MANY, Action::Delete, 204),
            (Method::PATCH, ONE, Action::Update, 204),
            (Method::DELETE, ONE, Action::Delete, 204),
        ] {
            let told = |may: bool| if may { done } else { 403 };
            let statuses = guarded([told(member), told(admin), told(key), 403]);
            rows.push((method, path, object, Access::Object(action), statuses));
        }
        // A member's right to delete is none to purge.
        for (path, action, member) in [(RESTORE, Action::Update, member), (PURGE, Action::Purge, false)] {
            let told = |may: bool| if may { 204 } else { 403 };
            let statuses = guarded([told(member), told(admin), told(key), 403]);
            rows.push((Method::POST, path, object, Access::Object(action), statuses));
        }
        for path in [MANY, ONE] {
            let told = |may: bool| if may { 204 } else { 403 };
            let statuses = guarded([told(member), told(admin), told(key), 403]);
            rows.push((Method::PUT, path, object, Access::Replace, statuses));
        }
    }
    with_heads(rows)
}

/// Functions.
pub(super) fn table_of_functions() -> Vec<Row> {
    let (read, write) = (Access::Function(Action::Read), Access::Function(Action::Insert));
    // By GET a function cannot write, and this one tries to.
    let tried = 405;
    let rows = vec![
        (Method::GET, RPC, READS, read, guarded([200, 200, 200, 403])),
        (Method::POST, RPC, READS, write, guarded([200, 200, 200, 403])),
        (
            Method::GET,
            RPC,
            WRITES,
            read,
            guarded([tried, tried, tried, 403]),
        ),
        (Method::POST, RPC, WRITES, write, guarded([200, 200, 200, 403])),
        (
            Method::GET,
            RPC,
            ADMINS_WRITE,
            read,
            guarded([403, tried, tried, 403]),
        ),
        (
            Method::POST,
            RPC,
            ADMINS_WRITE,
            write,
            guarded([403, 204, 204, 403]),
        ),
    ];
    with_heads(rows)
}

fn with_heads(mut rows: Vec<Row>) -> Vec<Row> {
    let heads = rows.iter().filter(|row| row.0 == Method::GET).cloned();
    let heads: Vec<Row> = heads
        .map(|row| (Method::HEAD, row.1, row.2, row.3, row.4))
        .collect();
    rows.extend(heads);
    rows
}
