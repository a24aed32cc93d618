//! A tenant as the server sees it, its members and its keys.

use std::ops::Deref;

use catalog::actor::Actor;
use catalog::api_keys::{self, ApiKey, NewApiKey};
use catalog::changes::Change;
use catalog::credentials;
use catalog::ids::{ApiKeyId, MembershipId, OrganizationId, UserId};
use catalog::memberships::{self, MemberRole, Membership, NewMembership};
use catalog::password::PlainPassword;
use catalog::scope::Scopes;
use catalog::users::User;
use chrono::{DateTime, Utc};
use serde_json::json;
use tenant_schema::members::{self, Member};

use super::{Answer, BASE, Client, TestApp};
use crate::database::TestDb;
use crate::tenant::TestTenant;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// A tenant of a [`TestApp`].
#[derive(Clone)]
pub struct AppTenant {
    app: TestApp,
    /// As the database has it.
    pub tenant: TestTenant,
}

/// A signed-in member; asks its tenant's host with its access token.
#[derive(Clone)]
pub struct Person {
    client: Client,
    /// The account.
    pub user: User,
    /// What makes it a member.
    pub membership: Membership,
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh: String,
}

/// An API key; asks its tenant's host with its secret as Bearer.
#[derive(Clone)]
pub struct Key {
    client: Client,
    /// The key without its secret.
    pub key: ApiKey,
    /// The secret.
    pub secret: String,
}

impl AppTenant {
    pub(crate) fn new(app: TestApp, tenant: TestTenant) -> Self {
        Self { app, tenant }
    }

    /// Its host.
    pub fn host(&self) -> String {
        format!("{}.{BASE}", self.tenant.slug)
    }

    /// The database it lives in.
    pub fn db(&self) -> &TestDb {
        self.app.db()
    }

    /// Its organization.
    pub fn organization(&self) -> OrganizationId {
        self.tenant.organization
    }

    /// Asks its host without credentials.
    pub fn nobody(&self) -> Client {
        self.app.client(&self.host())
    }

    /// An account for `{name}@{slug}.test` that is a member, signed in over HTTP.
    pub async fn member(&self, name: &str, role: MemberRole) -> Person {
        let (user, membership) = Box::pin(self.enroll(name, role)).await;
        let signed_in = self
            .sign_in(user.email.as_str(), PASSWORD)
            .await
            .expect_status(200);
        let (token, refresh) = (signed_in.field("access_token"), signed_in.field("refresh_token"));
        Person {
            client: self.nobody().bearer(&token),
            user,
            membership,
            token,
            refresh,
        }
    }

    /// The same without signing in.
    pub async fn enroll(&self, name: &str, role: MemberRole) -> (User, Membership) {
        let db = self.app.db();
        let user = self.account(name).await;
        let new = NewMembership {
            organization: self.organization(),
            user: user.id,
            role,
            is_owner: false,
        };
        let mut tx = db.catalog().begin().await.expect("a transaction");
        let membership = memberships::insert(&mut tx, &new, db.source())
            .await
            .expect("a membership");
        let row = Member::of(&membership, name, user.email.as_str());
        members::mirror_in(&mut tx, &self.tenant.schema, &row)
            .await
            .expect("mirrored");
        let news = self.app.news();
        tx.commit().await.expect("committed");
        news.tell(Change::Organization(self.organization())).await;
        (user, membership)
    }

    /// An account with [`PASSWORD`], a member of nothing.
    pub async fn account(&self, name: &str) -> User {
        let db = self.app.db();
        let user = db.user(&format!("{name}@{}.test", self.tenant.slug)).await;
        let password = PlainPassword::presented(PASSWORD.to_owned()).expect("short enough");
        let hash = self.app.hasher().hash(&password).await.expect("hashed");
        let mut tx = db.catalog().begin().await.expect("a transaction");
        let now = db.source().now();
        credentials::set_password(&mut tx, user.id, &hash, now)
            .await
            .expect("a password");
        tx.commit().await.expect("committed");
        user
    }

    /// Signs in over HTTP.
    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.nobody()
            .post("/auth/v1/token?grant_type=password", &body)
            .await
    }

    /// Exchanges a refresh token over HTTP.
    pub async fn refresh(&self, token: &str) -> Answer {
        let body = json!({ "refresh_token": token });
        self.nobody()
            .post("/auth/v1/token?grant_type=refresh_token", &body)
            .await
    }

    /// Suspends, cancels or activates the organization; the server has heard of it.
    pub async fn set_status(&self, status: &str) {
        let id = self.organization();
        let sql = format!("update catalog.organizations set status = '{status}' where id = '{id}'");
        self.app.change(&sql, Change::Organization(id)).await;
    }

    /// Disables an account; the server has heard of it.
    pub async fn disable(&self, user: UserId) {
        let sql = format!("update catalog.users set status = 'disabled' where id = '{user}'");
        self.app.change(&sql, Change::User(user)).await;
    }

    /// Ends a membership; the server has heard of it.
    pub async fn dismiss(&self, membership: MembershipId) {
        let sql = format!("update catalog.memberships set active = false where id = '{membership}'");
        self.app
            .change(&sql, Change::Organization(self.organization()))
            .await;
    }

    /// Revokes a key; the server has heard of it.
    pub async fn revoke(&self, key: ApiKeyId) {
        let sql = format!("update catalog.api_keys set revoked_at = now() where id = '{key}'");
        self.app.change(&sql, Change::Key(key)).await;
    }

    /// An API key with these scopes that does not expire.
    pub async fn key(&self, scopes: &[&str]) -> Key {
        self.key_until(scopes, None).await
    }

    /// An API key that ends by itself.
    pub async fn key_until(&self, scopes: &[&str], expires_at: Option<DateTime<Utc>>) -> Key {
        let db = self.app.db();
        let new = NewApiKey {
            organization: self.organization(),
            name: scopes.join(" "),
            scopes: Scopes::parse(scopes).expect("scopes"),
            created_by: Actor::Operator("test".to_owned()),
            expires_at,
        };
        let mut tx = db.catalog().begin().await.expect("a transaction");
        let (key, secret) = api_keys::insert(&mut tx, new, db.source()).await.expect("a key");
        tx.commit().await.expect("committed");
        Key {
            client: self.nobody().bearer(secret.reveal()),
            key,
            secret: secret.reveal().to_owned(),
        }
    }
}

impl Person {
    /// Asks as this person.
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Key {
    /// Asks with this key.
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Deref for Key {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
