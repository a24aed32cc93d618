//! `tenantry doctor` as an operator and as a monitoring system use it.

use insta::assert_snapshot;
use serde_json::{Value, json};
use tests::{Cluster, TestDb};

use super::program::{Tenantry, masked};

#[tokio::test]
async fn it_tells_what_is_wrong_mends_it_and_says_so_by_its_status() {
    let _masked = masked();
    // Roles belong to the cluster, and the doctor looks at all of them.
    let t = TestDb::on(Cluster::own().await).await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let tenantry = Tenantry::on(&t).await;
    // A test's server is not set up to keep anything.
    let healthy = tenantry.does("doctor --skip settings").await.stdout;
    assert!(
        healthy.starts_with("healthy: nothing found; 2 tenants, "),
        "{healthy}"
    );
    let disk = healthy
        .lines()
        .find(|line| line.starts_with("disk"))
        .expect("a figure");
    assert!(disk.contains("MB"), "{disk}");
    let faults = format!(
        "comment on schema {} is null; grant delete on {}.members to {}_rw; create role ann login; grant {}_ro to ann",
        acme.schema, globex.schema, globex.schema, globex.schema
    );
    t.as_superuser()
        .await
        .batch_execute(&faults)
        .await
        .expect("faults");
    let ill = "doctor --check stamps,grants,foreign-rights";
    assert_snapshot!(tenantry.run(ill).await, @r"
    exit status 1
    -- out
    not healthy: 2 errors and 1 warning; 2 tenants, 3 checks

    stamps (error): A schema's comment does not say that it is the schema of this tenant.
      acme: the schema bears no stamp
        repair, --fix:
          comment on schema <schema> is 'tenantry tenant sha256:67e83d50cadf000c1120947beeeda77b175ad8924799d7db89b222ddb64bc494';

    grants (error): A tenant's roles may do less or more in its schema than the template says.
      globex: its roles have other rights than the template gives them on 1 object
        members: _rw has rd, should have r
        repair, --fix:
          revoke all on <schema>.members from <schema>_rw, <schema>_ro;
          grant select on <schema>.members to <schema>_rw;
          grant select on <schema>.members to <schema>_ro;

    foreign-rights (warn): A tenant's role has rights outside its schema, or somebody else has rights inside it.
      globex: rights reach beyond the tenant, or into it from outside
        ann may assume <schema>_ro
        repair, by hand:
          revoke <schema>_ro from ann;

    next: `tenantry doctor --fix` mends 2 of these
    ");
    assert_statuses(&tenantry).await;
    assert_json(&tenantry).await;

    let mended = tenantry.run(&format!("{ill} --fix")).await;
    assert_eq!(mended.status, Some(1), "ann is left to a person: {mended}");
    let verdict =
        "not quite healthy: 1 warning; 2 tenants, 3 checks\n\nmended: stamps acme\nmended: grants globex\n";
    assert!(mended.stdout.starts_with(verdict), "{mended}");
    let ran = tenantry.run("doctor --fix --skip settings --json").await;
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    assert_eq!(document["mended"], json!([]));
    assert_eq!(document["verdict"], "warn");
}

async fn assert_statuses(tenantry: &Tenantry) {
    for (arguments, status) in [
        ("doctor --only globex --check stamps", 0),
        ("doctor --only acme,globex --check stamps", 1),
        ("doctor --check foreign-rights --fail-on error", 0),
        ("doctor --check foreign-rights", 1),
        ("doctor --skip stamps,grants,foreign-rights,settings", 0),
    ] {
        let ran = tenantry.run(arguments).await;
        assert_eq!(ran.status, Some(status), "{arguments}\n{ran}");
    }
}

async fn assert_json(tenantry: &Tenantry) {
    let ran = tenantry.run("doctor --check stamps --json").await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{ran}");
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    let finding = &document["findings"][0];
    assert_eq!(
        (&document["verdict"], &document["tenants"], &document["errors"]),
        (&json!("error"), &json!(2), &json!(1))
    );
    assert_eq!(document["checks"], json!([{"name": "stamps", "findings": 1}]));
    assert_eq!(finding["tenant"], "acme");
    assert_eq!(finding["repair"]["applied_by"], "--fix");
}

#[tokio::test]
async fn what_keeps_it_from_looking_is_status_2() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    for (arguments, why) in [
        ("doctor --check gout", "there is no check gout"),
        ("doctor --only acme", "acme"),
        ("doctor --only acme --check runs", "nothing is left to look for"),
    ] {
        let ran = tenantry.run(arguments).await;
        assert_eq!(ran.status, Some(2), "{ran}");
        assert!(ran.stderr.contains(why), "{ran}");
    }
    let nowhere = tenantry.with("DATABASE_URL", "postgres://ann@127.0.0.1:1/app");
    assert_eq!(nowhere.run("doctor").await.status, Some(2));
}

#[tokio::test]
async fn the_list_names_every_check() {
    let tenantry = Tenantry::on(&TestDb::new().await).await;
    let listed = tenantry.json("doctor --list").await;
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), tenant_schema::doctor::CHECKS.len());
    for (check, listed) in tenant_schema::doctor::CHECKS.iter().zip(listed) {
        assert_eq!(listed["name"], check.name);
    }
}
