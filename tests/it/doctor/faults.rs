//! Each fault is made in a real database, found as exactly what it is, mended as is said, and gone.

mod table;

use tenant_schema::doctor::{Finding, How, Kind};
use tests::{Cluster, TestDb, TestTenant};
use tokio_postgres::Client;

use self::table::{AS_SHOWN, FAULTS, Fault, NOBODYS};
use super::{assert_healthy, mend, scan, short, shorts};

/// A cluster of its own, since its roles are looked at, with two tenants.
pub(super) struct Ward {
    pub(super) t: TestDb,
    pub(super) acme: TestTenant,
    globex: TestTenant,
    superuser: Client,
}

impl Ward {
    pub(super) async fn new() -> Self {
        let t = TestDb::on(Cluster::own().await).await;
        Self {
            acme: t.tenant("acme").await,
            globex: t.tenant("globex").await,
            superuser: t.as_superuser().await,
            t,
        }
    }

    /// The server of a test has no autovacuum, and every fault and its repair leave dead rows in the catalogs.
    async fn vacuum(&self) {
        let tables = "pg_attribute, pg_attrdef, pg_class, pg_constraint, pg_depend, pg_description, pg_index, pg_trigger, pg_type";
        let vacuumed = self.superuser.batch_execute(&format!("vacuum {tables}")).await;
        vacuumed.expect("a vacuum");
    }

    async fn does(&self, sql: &str) -> Result<(), String> {
        let sql = sql
            .replace(
                "{stamp}",
                &tenant_schema::lifecycle::stamp(self.acme.organization),
            )
            .replace("{a}", self.acme.schema.as_str())
            .replace("{b}", self.globex.schema.as_str())
            .replace("{o}", NOBODYS);
        let done = self.superuser.batch_execute(&sql).await;
        done.map_err(|error| format!("{error:?}\n{sql}"))
    }

    /// Makes a fault and sees it found, mended or unmade, and gone.
    async fn suffers(&self, fault: &Fault) -> Result<(), String> {
        let Fault { make, found, unmake } = fault;
        self.does(make).await?;
        let first = scan(&self.t).await.findings;
        if shorts(&first).join("; ") != *found {
            return Err(format!("found {first:#?}"));
        }
        let how = first[0].repair.as_ref().map(|repair| repair.how);
        let is_mended = matches!(how, Some(How::Fix | How::FixAgreed));
        if is_mended != unmake.is_empty() {
            return Err(format!("mended by {how:?}"));
        }
        for agreed in [false, true] {
            let tried = mend(&self.t, first.clone(), agreed).await?;
            let wanted = if agreed { How::FixAgreed } else { How::Fix };
            // What was mended the first time is gone the second.
            if tried != usize::from(how == Some(wanted)) {
                return Err(format!("{tried} repairs with agreed = {agreed}"));
            }
        }
        if is_mended {
            return nothing_of(&scan(&self.t).await.findings);
        }
        if *unmake == AS_SHOWN {
            let repair = first[0].repair.as_ref().ok_or("nothing is shown")?;
            self.does(&repair.sql.join(";\n")).await?;
        } else {
            self.does(unmake).await?;
        }
        nothing_of(&scan(&self.t).await.findings)
    }
}

fn nothing_of(findings: &[Finding]) -> Result<(), String> {
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("found afterwards {findings:#?}"))
    }
}

#[tokio::test]
async fn every_fault_is_found_and_mended_as_is_said() {
    let mut ward = Ward::new().await;
    assert_healthy(&ward.t, "before").await;
    let (mut kinds, mut wrong) = (std::collections::BTreeSet::new(), Vec::new());
    for fault in FAULTS {
        ward.vacuum().await;
        if let Err(why) = Box::pin(ward.suffers(fault)).await {
            wrong.push(format!("{} ({})\n{why}", fault.make, fault.found));
            ward = Ward::new().await;
        }
        let found = fault.found.split("; ");
        kinds.extend(found.map(|found| found.split(' ').next()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let untried: Vec<Kind> = super::kinds()
        .into_iter()
        // Post-steps are of templates that have some: `fleet/post_steps.rs`.
        .filter(|kind| ![Kind::Capacity, Kind::PostSteps].contains(kind))
        .filter(|kind| !kinds.contains(&Some(kind.check().name)))
        .collect();
    assert!(untried.is_empty(), "checks without a fault: {untried:?}");
    // What was mended is in the audit log, by check.
    let row = ward
        .superuser
        .query_one(
            "select count(distinct changes ->> 'check'), count(*) from catalog.catalog_audit_logs
              where event_type in ('organization.repaired', 'database.repaired')",
            &[],
        )
        .await
        .expect("an answer");
    let repaired = FAULTS.iter().filter(|fault| fault.unmake.is_empty());
    assert_eq!(
        row.get::<_, i64>(1),
        i64::try_from(repaired.count()).expect("a few")
    );
}

#[tokio::test]
async fn a_tenant_at_which_somebody_works_is_not_judged_and_not_mended_twice() {
    let ward = Ward::new().await;
    let made = ward.does("comment on schema {a} is null").await;
    made.expect("a fault");
    let first = scan(&ward.t).await;
    assert_eq!(shorts(&first.findings), ["stamps error acme --fix"]);
    let lock = format!(
        "begin; select from catalog.tenant_schemas where schema_name = '{}' for no key update",
        ward.acme.schema
    );
    ward.superuser.batch_execute(&lock).await.expect("a lock");
    let busy = scan(&ward.t).await;
    assert!(busy.findings.is_empty(), "{:#?}", busy.findings);
    assert_eq!(busy.busy, std::slice::from_ref(&ward.acme.slug));
    ward.superuser.batch_execute("rollback").await.expect("let go");

    assert_eq!(mend(&ward.t, first.findings.clone(), false).await, Ok(1));
    let exam = super::examination(&ward.t);
    let actor = ward.t.actor();
    let again = Box::pin(tenant_schema::doctor::repair(
        &exam,
        first.findings,
        false,
        &actor,
    ))
    .await;
    let again = again.expect("it can be tried");
    let outcomes: Vec<bool> = again
        .iter()
        .map(|mended| matches!(mended.outcome, tenant_schema::doctor::Outcome::Gone))
        .collect();
    assert_eq!(outcomes, [true], "{}", short(&again[0].finding));
}
