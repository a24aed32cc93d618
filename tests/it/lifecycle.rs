//! The life of a tenant: made whole or not at all, whoever else asks for the same, whatever breaks.

use catalog::error::CatalogError;
use catalog::organizations::{self, NewOrganization, OrganizationKind};
use catalog::pg::sqlstate::PgError;
use catalog::tenant_schemas;
use tenant_schema::lifecycle::{self, LifecycleError, Provisioned};
use tenant_schema::template::Template;
use tests::TestDb;
use tests::tenant::{owner, standalone};

use self::leftovers::{assert_nothing_is_left, leftovers};

mod anonymise;
pub(crate) mod clone;
pub(crate) mod crash;
pub(crate) mod leftovers;
pub(crate) mod migrate;
pub(crate) mod purge;
mod purge_besides;
pub(crate) mod relocate;
mod spares;

async fn provision(t: &TestDb, new: &NewOrganization, email: &str) -> Result<Provisioned, LifecycleError> {
    let person = t.user(email).await;
    let mut tx = t.catalog().begin_unhurried().await?;
    let made = lifecycle::provision(
        &mut tx,
        t.template(),
        new,
        &owner(&person),
        &t.actor(),
        t.source(),
    )
    .await?;
    tx.commit().await?;
    Ok(made)
}

#[tokio::test]
async fn a_provisioned_tenant_is_whole() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let (schema, organization) = (&acme.schema, acme.organization);

    let mut tx = t.catalog().begin().await.expect("a transaction");
    let known = tenant_schemas::find(&mut tx, organization)
        .await
        .expect("an answer")
        .expect("a row");
    assert_eq!(
        (&known.schema, known.template_version),
        (schema, Template::shipped().latest())
    );
    let found = organizations::find_by_slug(&mut tx, &acme.slug)
        .await
        .expect("an answer")
        .expect("a row");
    assert_eq!(found.id, organization);
    tx.commit().await.expect("committed");

    let superuser = t.as_superuser().await;
    let ask =
        async |sql: String| -> String { superuser.query_one(&sql, &[]).await.expect("an answer").get(0) };
    let stamp = ask(format!(
        "select obj_description('{schema}'::regnamespace, 'pg_namespace')"
    ))
    .await;
    assert_eq!(stamp, lifecycle::stamp(organization));
    assert!(
        !stamp.contains(&organization.to_string()),
        "every login can read it"
    );
    let roles = ask(format!(
        "select string_agg(rolname || ' ' || rolcanlogin || ' ' || rolinherit, ', ' order by rolname)
           from pg_roles where rolname like '{schema}%'"
    ));
    assert_eq!(
        roles.await,
        format!("{schema}_ro false false, {schema}_rw false false")
    );
    let members = ask(format!(
        "select string_agg(m.roleid::regrole::text, ' ' order by m.roleid::regrole::text) from pg_auth_members m
          where m.member = 'tenantry_server'::regrole and m.roleid::regrole::text like '{schema}%'"
    ));
    assert_eq!(members.await, format!("{schema}_ro {schema}_rw"));
    let history = ask(format!(
        "select max(version)::text from {schema}.refinery_schema_history"
    ))
    .await;
    assert_eq!(history, Template::shipped().latest().to_string());
    let mirror = ask(format!(
        "select concat_ws(' ', m.email, m.role, m.is_owner, m.id = c.id, m.user_id = c.user_id)
           from {schema}.members m join catalog.memberships c using (id)"
    ));
    assert_eq!(mirror.await, "owner@acme.test admin t t t");
    let audit = ask(format!(
        "select string_agg(actor || ' ' || event_type, ', ') from catalog.catalog_audit_logs
          where organization_id = '{organization}'"
    ));
    assert_eq!(audit.await, "operator:test organization.provisioned");
}

#[tokio::test]
async fn of_eight_creations_of_one_slug_one_succeeds_and_seven_hear_that_it_is_taken() {
    let t = TestDb::new().await;
    // Eight connections, so that they truly meet in the database.
    let attempts = (0..8).map(|n| {
        let t = &t;
        async move {
            let person = t.user(&format!("founder-{n}@acme.test")).await;
            let db = t.owner_pool_of(1);
            let mut tx = db.begin_unhurried().await?;
            let new = standalone("acme");
            let made = lifecycle::provision(
                &mut tx,
                t.template(),
                &new,
                &owner(&person),
                &t.actor(),
                t.source(),
            )
            .await?;
            tx.commit().await?;
            Ok::<_, LifecycleError>(made)
        }
    });
    let outcomes = futures_util::future::join_all(attempts).await;
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(LifecycleError::Catalog(CatalogError::SlugTaken))))
        .count();
    assert_eq!((made, taken), (1, 7), "{outcomes:?}");
    assert_eq!(leftovers(&t).await.schemas, 1, "the seven left nothing");
}

#[tokio::test]
async fn a_reserved_slug_is_refused() {
    let t = TestDb::new().await;
    let refused = provision(&t, &standalone("admin"), "ann@example.com").await;
    assert!(
        matches!(refused, Err(LifecycleError::Catalog(CatalogError::SlugReserved))),
        "{refused:?}"
    );
    assert_nothing_is_left(&t, "refused").await;
}

#[tokio::test]
async fn only_the_right_nesting_can_be_made() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let before = leftovers(&t).await;
    let client_of_nobody = NewOrganization {
        kind: OrganizationKind::Client,
        ..standalone("globex")
    };
    let client_of_a_tenant = NewOrganization {
        parent: Some(acme.organization),
        ..client_of_nobody.clone()
    };
    let standalone_below = NewOrganization {
        parent: Some(acme.organization),
        ..standalone("globex")
    };
    for (n, wrong) in [client_of_nobody, client_of_a_tenant, standalone_below]
        .iter()
        .enumerate()
    {
        let refused = provision(&t, wrong, &format!("user-{n}@example.com")).await;
        assert!(
            matches!(refused, Err(LifecycleError::Catalog(CatalogError::InvalidParent))),
            "{n}: {refused:?}"
        );
        assert_eq!(leftovers(&t).await, before, "{n}");
    }
    // What has no tenant schema cannot be provisioned as if it had one.
    let agency = NewOrganization {
        kind: OrganizationKind::Platform,
        ..standalone("initech")
    };
    let refused = provision(&t, &agency, "user-9@example.com").await;
    assert!(
        matches!(refused, Err(LifecycleError::Catalog(CatalogError::NotATenant))),
        "{refused:?}"
    );
    assert_eq!(leftovers(&t).await, before);
}

#[tokio::test]
async fn what_failed_behind_a_savepoint_is_forgotten_with_it() {
    let t = TestDb::new().await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let own = tx.transaction();
    own.batch("create temporary table kept (n int); savepoint here")
        .await
        .expect("made");
    let failed = own.rows("select 1 / 0 as never", &[]).await;
    assert_eq!(failed.expect_err("it divides").sqlstate(), Some("22012"));
    own.rollback_to("here").await.expect("it is there");
    let found = own.rows("select n from kept", &[]).await;
    assert_eq!(found.expect("the table is there").len(), 0);
    tx.commit().await.expect("nothing has failed");
}

#[tokio::test]
async fn a_tenant_whose_owner_does_not_exist_is_refused_whole() {
    let t = TestDb::new().await;
    let mut nobody = owner(&t.user("ann@example.com").await);
    nobody.user = t.source().id();
    let mut tx = t.catalog().begin_unhurried().await.expect("a transaction");
    let new = standalone("acme");
    let refused = lifecycle::provision(&mut tx, t.template(), &new, &nobody, &t.actor(), t.source()).await;
    assert!(
        matches!(
            refused,
            Err(LifecycleError::Catalog(CatalogError::NotFound { what: "user" }))
        ),
        "{refused:?}"
    );
    let commit = tx.commit().await;
    assert!(
        matches!(commit, Err(PgError::Aborted)),
        "a caller that commits all the same is told: {commit:?}"
    );
    assert_nothing_is_left(&t, "refused").await;
}
