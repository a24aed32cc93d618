//! The channel on which servers hear of changes belongs to them alone.

use catalog::changes::Change;
use tests::TestApp;
use tokio_postgres::Client;

async fn sqlstate(login: &Client, sql: &str) -> String {
    let refused = login.batch_execute(sql).await.expect_err(sql);
    refused.code().expect("PostgreSQL refuses").code().to_owned()
}

#[tokio::test]
async fn a_login_of_a_tenant_can_neither_name_it_nor_use_it() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let login = app.db().as_superuser().await;
    let enter = format!("set session authorization {}_rw", acme.tenant.schema);
    login.batch_execute(&enter).await.expect("a role of the cluster");
    for sql in [
        "select name from catalog.change_channel",
        "select catalog.listen_to_changes()",
        "select catalog.notify_change()",
    ] {
        assert_eq!(sqlstate(&login, sql).await, "42501", "{sql}");
    }
    let name = app.db().as_owner().await;
    let name = name
        .query_one("select name from catalog.change_channel", &[])
        .await;
    let name: String = name.expect("the one row").get(0);
    let told = "select (select count(*) from pg_proc where strpos(prosrc, $1) > 0) \
        + (select count(*) from pg_description where strpos(description, $1) > 0) \
        + (select count(*) from pg_stat_activity where strpos(query, $1) > 0)";
    let told = app.db().as_superuser().await.query_one(told, &[&name]).await;
    assert_eq!(told.expect("counted").get::<_, i64>(0), 0, "nothing else says it");

    let (forged, real) = (app.db().source().id(), acme.organization());
    let news = app.news();
    let forge = format!("notify tenantry_catalog, 'user:{forged}'; notify tenantry, 'user:{forged}'");
    login
        .batch_execute(&forge)
        .await
        .expect("NOTIFY knows no privileges");
    let update = format!("update catalog.organizations set name = 'Other' where id = '{real}'");
    let changed = app.db().as_owner().await.batch_execute(&update).await;
    changed.expect("the owner may");
    let heard = news.until(Change::Organization(real)).await;
    assert!(!heard.contains(&Change::User(forged)), "{heard:?}");
}

#[tokio::test]
async fn every_database_has_one_of_its_own_for_good() {
    let app = TestApp::new().await;
    let owner = app.db().as_owner().await;
    let again = "insert into catalog.change_channel default values";
    assert_eq!(sqlstate(&owner, again).await, "23505", "there is one");
    for sql in [
        "select name from catalog.change_channel",
        "update catalog.change_channel set name = name",
    ] {
        let server = app.db().as_server().await;
        assert_eq!(sqlstate(&server, sql).await, "42501", "{sql}");
    }
}
