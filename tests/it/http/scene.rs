//! Where most tests of the server begin: a service, a tenant, and an admin of it.

use std::sync::Arc;

use catalog::memberships::MemberRole::Admin;
use tests::app::{AppSettings, AppTenant, Person};
use tests::{TestApp, TestDb};

/// A tenant and an admin of it. What a module needs besides, it adds to this type.
pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) acme: AppTenant,
    pub(super) ada: Person,
}

impl Scene {
    /// On the template that ships.
    pub(super) async fn set() -> Self {
        Self::on(TestApp::new().await).await
    }

    /// On the template that ships, with other settings.
    pub(super) async fn with(set: impl FnOnce(&mut AppSettings)) -> Self {
        Self::on(TestApp::with(set).await).await
    }

    /// On the template that has everything.
    pub(super) async fn workshop() -> Self {
        Self::on(TestApp::on(Arc::new(TestDb::workshop().await), |_| {}).await).await
    }

    /// In this service.
    pub(super) async fn on(app: TestApp) -> Self {
        let acme = app.tenant("acme").await;
        let ada = acme.member("ada", Admin).await;
        Self { app, acme, ada }
    }
}
