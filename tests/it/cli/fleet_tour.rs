//! The script of the documentation that does everything once, on a small fleet in an empty database.

use secrecy::ExposeSecret as _;
use tests::{Cluster, TestDb};

use super::program::Tenantry;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/fleet-tour.sh");

#[tokio::test]
async fn every_command_does_its_work_from_an_empty_database_to_a_clean_end() {
    // Logins belong to the cluster, and the script makes some.
    let t = TestDb::on(Cluster::own().await).await;
    let superuser = t.cluster().superuser("postgres").await;
    for database in ["tour", "tour2"] {
        let create = format!("create database {database} owner tenantry_owner");
        superuser.batch_execute(&create).await.expect("an empty database");
    }
    let url = t.owner_url();
    let url = |database: &str| {
        let place = format!("/{database}?");
        url.expose_secret().replace(&format!("/{}?", t.name()), &place)
    };
    let tenantry = Tenantry::on(&t)
        .await
        .with("DATABASE_URL", url("tour"))
        .with("TARGET_DATABASE_URL", url("tour2"));
    let program = Tenantry::program();
    let bin = std::path::Path::new(&program)
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    let script = format!("PATH={bin}:$PATH exec bash {SCRIPT}");
    let mut command = tenantry.other("bash", &["-c", &script]);
    command.env("TOUR_TENANTS", "12").env("TOUR_JOBS", "2");
    let ran = tenantry.end_of(command).await;
    assert_eq!(ran.status, Some(0), "{ran}");
    let steps = ran.stdout.lines().filter(|line| line.ends_with(" s |")).count();
    assert!(steps > 60, "{steps} steps\n{ran}");
    let left = "select count(*) from pg_namespace where nspname like 't\\_%'";
    let tour = t.cluster().superuser("tour").await;
    let left: i64 = tour.query_one(left, &[]).await.expect("an answer").get(0);
    assert_eq!(left, 0, "nothing of any tenant is left");
}
