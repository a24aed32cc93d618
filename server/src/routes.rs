//! The one list of routes: it makes the router and the table that tests drive.
//!
//! A handler's first argument is the proof of its access ([`crate::access`]); the table takes the access from that
//! type, so it cannot say anything else than what is enforced, and a handler without proof does not compile.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, header};
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::access::{Access, Proof, Public};
use crate::cors::Cors;
use crate::error::ApiError;
use crate::frame::Frame;
use crate::state::AppState;
use crate::{auth, crm, health, openapi, records};

/// One row of the table of routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for a segment that varies.
    pub path: &'static str,
    /// What a caller must be.
    pub access: Access,
}

/// Where the tenants' records are, and what is done with them.
const OF_TENANTS: [&str; 2] = ["/rest/v1/", "/crm/v1/"];

struct Route {
    info: RouteInfo,
    handler: MethodRouter<AppState>,
}

/// Handlers whose first argument is a [`Proof`]; `T` is the tuple of argument types that axum infers.
pub(crate) trait Guarded<T>: Handler<T, AppState> {
    /// The access the first argument proves.
    const ACCESS: Access;
}

macro_rules! guarded {
    ($($argument:ident),*) => {
        impl<F, M, P: Proof, $($argument),*> Guarded<(M, P, $($argument,)*)> for F
        where
            F: Handler<(M, P, $($argument,)*), AppState>,
        {
            const ACCESS: Access = P::ACCESS;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);

fn routes() -> Vec<Route> {
    let mut routes = declared();
    routes.extend(verbs());
    let mut paths: Vec<&'static str> = routes.iter().map(|route| route.info.path).collect();
    paths.retain(|path| OF_TENANTS.iter().any(|root| path.starts_with(root)));
    paths.sort_unstable();
    paths.dedup();
    let options: Vec<Route> = paths.iter().map(|path| options(path, &routes)).collect();
    routes.extend(options);
    routes
}

fn declared() -> Vec<Route> {
    vec![
        get("/healthz", health::alive),
        get("/readyz", health::ready),
        get("/.well-known/jwks.json", auth::keys),
        post("/auth/v1/signup", auth::sign_up::sign_up),
        post("/auth/v1/token", auth::token::token),
        get("/auth/v1/user", auth::user),
        post("/auth/v1/logout", auth::sign_out::sign_out),
        get("/openapi.json", openapi::document),
        get("/docs", openapi::page),
        get("/docs/page.js", openapi::script),
        get("/rest/v1/", openapi::document),
        get("/rest/v1/{object}", records::list),
        post("/rest/v1/{object}", records::insert),
        patch("/rest/v1/{object}", records::update_filtered),
        put("/rest/v1/{object}", records::replace_filtered),
        delete("/rest/v1/{object}", records::delete_filtered),
        get("/rest/v1/{object}/{id}", records::get),
        patch("/rest/v1/{object}/{id}", records::update),
        put("/rest/v1/{object}/{id}", records::replace),
        delete("/rest/v1/{object}/{id}", records::delete),
        post("/rest/v1/{object}/{id}/restore", records::restore),
        post("/rest/v1/{object}/{id}/purge", records::purge),
        get("/rest/v1/rpc/{function}", records::call_to_read),
        post("/rest/v1/rpc/{function}", records::call),
    ]
}

fn verbs() -> Vec<Route> {
    vec![
        get("/crm/v1/activities/due", crm::activities::list_due),
        post("/crm/v1/activities/{id}/complete", crm::activities::complete),
        post("/crm/v1/activities/{id}/reopen", crm::activities::reopen),
        post("/crm/v1/deals/{id}/move", crm::deals::move_it),
        post("/crm/v1/deals/{id}/win", crm::deals::win),
        post("/crm/v1/deals/{id}/lose", crm::deals::lose),
        post("/crm/v1/deals/{id}/reopen", crm::deals::reopen),
        post("/crm/v1/pipelines", crm::pipelines::create),
        put("/crm/v1/pipelines/{id}", crm::pipelines::replace),
        get("/crm/v1/pipelines/{id}/board", crm::pipelines::board),
        post("/crm/v1/pipelines/{id}/reorder", crm::pipelines::reorder),
        get("/crm/v1/reports/activities", crm::reports::activities),
        get("/crm/v1/reports/cycle-time", crm::reports::cycle_time),
        get("/crm/v1/reports/forecast", crm::reports::forecast),
        get("/crm/v1/reports/funnel", crm::reports::funnel),
        get("/crm/v1/reports/win-rate", crm::reports::win_rate),
        get("/crm/v1/{object}/{id}/timeline", crm::timeline::read),
        get("/crm/v1/slots", crm::booking::slots),
        post("/crm/v1/appointments/hold", crm::booking::hold),
        post("/crm/v1/appointments/book", crm::booking::book),
        post("/crm/v1/appointments/{id}/book", crm::booking::book_held),
        post("/crm/v1/appointments/{id}/reschedule", crm::booking::reschedule),
        post("/crm/v1/appointments/{id}/confirm", crm::booking::confirm),
        post("/crm/v1/appointments/{id}/complete", crm::booking::complete),
        post("/crm/v1/appointments/{id}/no-show", crm::booking::no_show),
        post("/crm/v1/appointments/{id}/cancel", crm::booking::cancel),
    ]
}

fn get<T: 'static>(path: &'static str, handler: impl Guarded<T>) -> Route {
    route(Method::GET, MethodFilter::GET, path, handler)
}

fn post<T: 'static>(path: &'static str, handler: impl Guarded<T>) -> Route {
    route(Method::POST, MethodFilter::POST, path, handler)
}

fn patch<T: 'static>(path: &'static str, handler: impl Guarded<T>) -> Route {
    route(Method::PATCH, MethodFilter::PATCH, path, handler)
}

fn put<T: 'static>(path: &'static str, handler: impl Guarded<T>) -> Route {
    route(Method::PUT, MethodFilter::PUT, path, handler)
}

fn delete<T: 'static>(path: &'static str, handler: impl Guarded<T>) -> Route {
    route(Method::DELETE, MethodFilter::DELETE, path, handler)
}

/// `OPTIONS` tells which methods an address takes. It tells it of every host, object and function alike, whether they
/// are there or not, so it needs no credentials.
fn options(path: &'static str, routes: &[Route]) -> Route {
    let here = routes.iter().filter(|route| route.info.path == path);
    let mut allow = "OPTIONS".to_owned();
    for route in here {
        allow.push(',');
        allow.push_str(route.info.method.as_str());
        if route.info.method == Method::GET {
            allow.push_str(",HEAD");
        }
    }
    let told = async move |_: Public| [(header::ALLOW, allow)];
    route(Method::OPTIONS, MethodFilter::OPTIONS, path, told)
}

fn route<T: 'static, H: Guarded<T>>(
    method: Method,
    filter: MethodFilter,
    path: &'static str,
    handler: H,
) -> Route {
    Route {
        info: RouteInfo {
            method,
            path,
            access: H::ACCESS,
        },
        handler: on(filter, handler),
    }
}

/// Every route with its access; HEAD stands beside every GET.
pub fn table() -> Vec<RouteInfo> {
    let with_head = |route: Route| {
        let head = (route.info.method == Method::GET).then(|| RouteInfo {
            method: Method::HEAD,
            ..route.info.clone()
        });
        std::iter::once(route.info).chain(head)
    };
    routes().into_iter().flat_map(with_head).collect()
}

/// The whole service, for a server's connections and for calls in process.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for Route { info, handler } in routes() {
        router = router.route(info.path, handler);
    }
    router
        .fallback(|| async { ApiError::nothing_here() })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(Frame(state.clone()))
        .layer(Cors(state.clone()))
        .with_state(state)
}
