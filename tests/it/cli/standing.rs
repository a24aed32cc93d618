//! Tenants that are suspended, renamed, moved, dropped, brought back and removed, as an operator types it.

use insta::assert_snapshot;
use tests::{TestApp, TestDb};

use super::program::{Tenantry, masked};

const ACME: &str = "tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example";

#[tokio::test]
async fn a_tenant_is_suspended_and_resumed() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let suspend = "tenant suspend acme --reason 'an invoice is unpaid'";
    assert_snapshot!(tenantry.run(suspend).await, @r"
    exit status 0
    -- out
    acme is suspended; `tenantry tenant resume acme` ends it
    ");
    assert_snapshot!(tenantry.run("tenant suspend acme").await, @r"
    exit status 0
    -- out
    acme is suspended already, since <time> by operator:ann: an invoice is unpaid; nothing was changed
    ");
    let shown = tenantry.json("tenant show acme").await;
    assert_eq!(shown["suspended"]["reason"], "an invoice is unpaid");
    assert_eq!(shown["suspended"]["by"], "operator:ann");
    assert_eq!(shown["status"], "suspended");
    assert_snapshot!(tenantry.run("tenant resume acme").await, @r"
    exit status 0
    -- out
    acme is served again
    ");
    assert_snapshot!(tenantry.run("tenant resume acme --json").await, @r#"
    exit status 0
    -- out
    {"slug":"acme","id":"<id>","name":"Acme Industrial","status":"active","changed":false,"url":"http://acme.localhost:8080"}
    "#);
    assert_snapshot!(tenantry.run("tenant suspend globex").await, @r"
    exit status 1
    -- err
    error: could not suspend tenant globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn a_tenant_is_renamed_and_moved() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("tenant rename acme --name Acme").await, @r"
    exit status 0
    -- out
    acme is called Acme now; it was Acme Industrial
    ");
    assert_snapshot!(tenantry.run("tenant rename acme --name ' '").await, @r"
    exit status 1
    -- err
    error: could not rename tenant acme: a value is refused by organizations_name_check
    ");
    assert_snapshot!(tenantry.run("tenant slug acme acme-works").await, @r"
    exit status 0
    -- out
    acme is acme-works now; the old slug is kept from others for 90 days and answered with 404
    ");
    assert_snapshot!(tenantry.run("tenant slug acme-works admin").await, @r"
    exit status 1
    -- err
    error: could not move tenant acme-works to admin: the slug is reserved
      next: choose another slug
    ");
    // Another cannot take the label that was left; the tenant itself can go back.
    let other = "tenant create acme --name Other --owner-email olga@other.example";
    assert_snapshot!(tenantry.run(other).await, @r"
    exit status 1
    -- err
    error: could not create tenant acme: the slug was another organization's until recently and rests for 90 days
      next: choose another slug
    ");
    tenantry.does("tenant slug acme-works acme").await;
    assert_eq!(tenantry.json("tenant show acme").await["name"], "Acme");
}

#[tokio::test]
async fn a_tenant_is_dropped_and_brought_back() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await.with("TENANTRY_DROP_GRACE", "2w");
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("tenant drop acme").await, @r"
    exit status 1
    -- err
    error: could not drop tenant acme: nothing is dropped without --yes
      next: `tenantry tenant drop acme --yes` takes it away
    ");
    assert_snapshot!(tenantry.run("tenant drop acme --yes").await, @r"
    exit status 0
    -- out
    acme is dropped; until <time> `tenantry tenant undrop acme` brings it back
    ");
    assert_snapshot!(tenantry.run("tenant drop acme --yes").await, @r"
    exit status 0
    -- out
    acme is dropped already, and nothing was changed; until <time> `tenantry tenant undrop acme` brings it back
    ");
    let shown = tenantry.does("tenant show acme").await;
    assert!(shown.stdout.contains("can be brought back until"), "{shown}");
    assert_snapshot!(tenantry.run("tenant suspend acme").await, @r"
    exit status 1
    -- err
    error: could not suspend tenant acme: it has been dropped
      next: `tenantry tenant undrop acme` brings it back first
    ");
    assert_snapshot!(tenantry.run("tenant purge-dropped").await, @r"
    exit status 1
    -- err
    error: could not purge the dropped tenants: nothing is removed without --yes
      next: `--dry-run` shows what would be removed, `--yes` removes it
    ");
    let plan = tenantry.json("tenant purge-dropped --dry-run").await;
    assert_eq!(plan[0]["due"], false);
    assert!(plan[0]["locks"].as_i64() > Some(300), "{plan}");
    assert_snapshot!(tenantry.run("tenant purge-dropped --yes").await, @r"
    exit status 0
    -- out
    no tenant is dropped and past its grace
    ");
    assert_snapshot!(tenantry.run("tenant undrop acme").await, @r"
    exit status 0
    -- out
    acme is back, active: http://acme.localhost:8080
    ");
    assert_snapshot!(tenantry.run("tenant undrop acme").await, @r"
    exit status 1
    -- err
    error: could not bring tenant acme back: it is not dropped
      next: nothing is left to do; `tenantry tenant show` tells how it stands
    ");
}

#[tokio::test]
async fn a_tenant_is_removed_for_good() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let gone = tenantry.json("tenant drop acme --yes --now").await;
    assert_eq!(gone["erasure"]["transactions"], 1);
    assert_snapshot!(tenantry.run("tenant drop acme --yes --now").await, @r"
    exit status 1
    -- err
    error: could not drop tenant acme: there is no organization acme
      next: `tenantry tenant list` shows those there are
    ");
    let proofs = tenantry.json("tenant erasures").await;
    assert_eq!(proofs[0]["sha256"], gone["erasure"]["sha256"]);
    assert_eq!(proofs[0]["intact"], true);
    assert_snapshot!(tenantry.run(ACME).await, @r"
    exit status 1
    -- err
    error: could not create tenant acme: the slug was another organization's until recently and rests for 90 days
      next: choose another slug
    ");
}

#[tokio::test]
async fn a_tenant_is_cloned() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let clone = "tenant clone acme acme-staging --owner-email ann@acme.example";
    assert_snapshot!(tenantry.run(clone).await, @r"
    exit status 0
    -- out
    tenant   acme-staging
    copy of  acme
    id       <id>
    schema   <schema>
    version  <version>
    rows     8
    url      http://acme-staging.localhost:8080

    ann@acme.example has an account already and keeps its password

    next:
      tenantry key create acme-staging --name 'First key' --scope '*:*'
    ");
    let shown = tenantry.json("tenant show acme-staging").await;
    assert_eq!(shown["name"], "Acme Industrial");
    assert_eq!(shown["members"][0]["owner"], true);
    let again = "tenant clone globex other --owner-email ann@acme.example";
    assert_snapshot!(tenantry.run(again).await, @r"
    exit status 1
    -- err
    error: could not clone tenant globex to other: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn a_tenant_is_cloned_without_its_people() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let anonymised = "tenant clone acme acme-public --owner-email ann@acme.example --anonymise";
    assert_snapshot!(tenantry.run(anonymised).await, @r"
    exit status 0
    -- out
    tenant   acme-public
    copy of  acme
    id       <id>
    schema   <schema>
    version  <version>
    rows     8
    url      http://acme-public.localhost:8080
    made up  40 columns

    ann@acme.example has an account already and keeps its password

    next:
      tenantry key create acme-public --name 'First key' --scope '*:*'
    ");
    let by_another_word = "tenant clone acme acme-us --owner-email ann@acme.example --anonymize";
    let document = tenantry.json(by_another_word).await;
    assert_eq!(document["anonymised"]["unmarked"], serde_json::json!([]));
    let columns = document["anonymised"]["columns"].as_array().expect("columns");
    assert!(columns.contains(&"contacts.email".into()), "{document}");
    let both = "tenant clone acme acme-two --owner-email ann@acme.example --anonymise --with-members";
    assert_eq!(
        tenantry.run(both).await.status,
        Some(1),
        "they exclude each other"
    );
    let unmarked = "create table a (id bigint primary key, email text)";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("V1__a.sql"), unmarked).expect("written");
    let bare = TestDb::new().await;
    let other = Tenantry::on(&bare)
        .await
        .with("TENANTRY_TEMPLATE", folder.path().to_path_buf());
    other.does(ACME).await;
    let refused = "tenant clone acme acme-two --owner-email ann@acme.example --anonymise";
    assert_snapshot!(other.run(refused).await, @r"
    exit status 1
    -- err
    error: could not clone tenant acme to acme-two: its version of the template marks nothing as personal
      next: end comments of columns with a line such as `@personal email` in a migration, or those of all tables with `@personal none`
    ");
}

#[tokio::test]
async fn the_server_knows_at_once() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let globex = app.tenant("globex").await;
    let key = acme.key(&["*:read"]).await;
    let other = globex.key(&["*:read"]).await;
    let tenantry = Tenantry::on(app.db()).await;
    let organization = catalog::changes::Change::Organization(acme.organization());
    for (command, status, code) in [
        ("tenant suspend acme", 403, Some("organization_suspended")),
        ("tenant resume acme", 200, None),
        ("tenant drop acme --yes", 404, Some("not_found")),
        ("tenant undrop acme", 200, None),
        ("tenant drop acme --yes --now", 404, Some("not_found")),
    ] {
        let news = app.news();
        tenantry.does(command).await;
        news.tell(organization.clone()).await;
        let answer = key.get("/rest/v1/contacts").await;
        assert_eq!(answer.status(), status, "{command}");
        if let Some(code) = code {
            assert_eq!(answer.code(), code, "{command}");
        }
        other.get("/rest/v1/contacts").await.expect_status(200);
    }
}
