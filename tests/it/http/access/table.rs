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

/// A verb: method, path, what its body is in a request as it would be right, and what it does with records.
pub(super) struct VerbRow {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) uses: &'static [(&'static str, Action)],
    /// The status where it is allowed.
    pub(super) status: u16,
}

const APPOINTMENT: &[(&str, Action)] = &[("appointments", Action::Update), ("appointments", Action::Read)];

const NEW_APPOINTMENT: &[(&str, Action)] = &[
    ("appointments", Action::Insert),
    ("appointments", Action::Read),
    ("services", Action::Read),
    ("staff", Action::Read),
];

const SLOTS: &[(&str, Action)] = &[
    ("appointments", Action::Read),
    ("schedules", Action::Read),
    ("services", Action::Read),
    ("staff", Action::Read),
];

const DEAL: &[(&str, Action)] = &[
    ("deals", Action::Update),
    ("deals", Action::Read),
    ("stages", Action::Read),
];

/// The verbs, each of which every member may use unless it writes what only admins do.
pub(super) fn verbs() -> Vec<VerbRow> {
    let verb = |method, path, uses| VerbRow {
        method,
        path,
        uses,
        status: 200,
    };
    let new = |path| VerbRow {
        status: 201,
        ..verb(Method::POST, path, NEW_APPOINTMENT)
    };
    vec![
        verb(Method::POST, "/crm/v1/deals/{id}/move", DEAL),
        verb(Method::POST, "/crm/v1/deals/{id}/win", DEAL),
        verb(Method::POST, "/crm/v1/deals/{id}/lose", DEAL),
        verb(Method::POST, "/crm/v1/deals/{id}/reopen", DEAL),
        verb(Method::GET, "/crm/v1/slots", SLOTS),
        new("/crm/v1/appointments/hold"),
        new("/crm/v1/appointments/book"),
        verb(Method::POST, "/crm/v1/appointments/{id}/book", APPOINTMENT),
        verb(Method::POST, "/crm/v1/appointments/{id}/reschedule", APPOINTMENT),
        verb(Method::POST, "/crm/v1/appointments/{id}/confirm", APPOINTMENT),
        verb(Method::POST, "/crm/v1/appointments/{id}/complete", APPOINTMENT),
        verb(Method::POST, "/crm/v1/appointments/{id}/no-show", APPOINTMENT),
        verb(Method::POST, "/crm/v1/appointments/{id}/cancel", APPOINTMENT),
    ]
}

/// What a row names that is about verbs. Their statuses are those of [`verbs`].
pub(super) const VERB: &str = "verb";

fn rows_of_verbs() -> Vec<Row> {
    let of_admins = ["pipelines", "stages"];
    let rows = verbs().into_iter().map(|verb| {
        let is_for_admins = verb
            .uses
            .iter()
            .any(|(object, action)| *action != Action::Read && of_admins.contains(object));
        let member = if is_for_admins { 403 } else { verb.status };
        let statuses = guarded([member, verb.status, verb.status, 403]);
        (verb.method, verb.path, VERB, Access::Verb(verb.uses), statuses)
    });
    rows.collect()
}

pub(super) fn table() -> Vec<Row> {
    let mut rows = routes_without_object();
    rows.extend(rows_of_verbs());
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
