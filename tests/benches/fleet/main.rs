//! What the fleet's work costs over the same DDL sent by `psql`: `cargo bench -p tests --bench fleet`.
//!
//! Tenants are provisioned and then migrated by one more version (a column and an index), and as many schemas are made
//! and changed by `psql` with the same statements, one transaction each, over the same number of connections, without a
//! catalog, a lock or a record. Both take turns, a quarter of the fleet at a time, so that both meet the same database.
//! Between the two every tenant is held against its version (`tenantry doctor --check drift`). At last a fleet with
//! nothing to do is migrated, and single tenants are made from the pool of spare schemas and in place, in turns.
//!
//! The cluster does not wait for its disk, which would hide what is measured.
//!
//! Environment: `BENCH_TENANTS` (200), `BENCH_JOBS` (2).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod drift;
mod psql;
mod spares;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::init;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser};
use futures_util::future::try_join_all;
use psql::Psql;
use tenant_schema::fleet::{self, Event, Fleet, Plan, StopSignal};
use tenant_schema::lifecycle::{self, Owner};
use tenant_schema::template::Template;
use tests::config::numbers;

/// In how many turns a fleet is worked through.
const TURNS: usize = 4;

/// The next version of the template.
const NEXT: &str = "\
alter table contacts add column bench text;
comment on column contacts.bench is 'For the benchmark.';
create index contacts_bench_idx on contacts (bench);
";

#[tokio::main]
async fn main() -> Result<()> {
    let tenants = numbers("BENCH_TENANTS", "200")?[0];
    let jobs = NonZeroUsize::new(numbers("BENCH_JOBS", "2")?[0]).context("BENCH_JOBS is zero")?;
    let ground = Box::pin(tests::bench::Fleet::start(0)).await?;
    let place = ground.pgbench()?;
    let settings = PoolSettings {
        size: jobs.get() + 2,
        ..PoolSettings::default()
    };
    let bench = Bench {
        db: CatalogDb::new(place.config.clone(), settings),
        source: Source::system(),
        actor: Actor::Operator("bench".to_owned()),
        jobs,
    };
    let psql = Psql::new(&place, jobs)?;
    println!("{tenants} tenants, {jobs} jobs\n");
    println!("| | tenantry | psql | of psql |\n|---|---:|---:|---:|");
    bench.provision(tenants, &psql).await?;
    drift::scan(&bench.db, &bench.source, &Template::shipped(), tenants).await?;
    bench.migrate(&psql).await?;
    bench.nothing_to_do(tenants).await?;
    spares::compare(&bench, tenants).await?;
    ground.stop().await
}

struct Bench {
    db: CatalogDb,
    source: Source,
    actor: Actor,
    jobs: NonZeroUsize,
}

impl Bench {
    fn fleet<'a>(&'a self, template: &'a Template) -> Fleet<'a> {
        Fleet {
            db: &self.db,
            template,
            actor: &self.actor,
            source: &self.source,
            settings: fleet::Settings {
                jobs: self.jobs,
                ..fleet::Settings::default()
            },
        }
    }

    async fn provision(&self, tenants: usize, psql: &Psql) -> Result<()> {
        let (mut ours, mut raw) = (Duration::ZERO, Duration::ZERO);
        for turn in 0..TURNS {
            let numbers: Vec<usize> = (0..tenants).filter(|n| n % TURNS == turn).collect();
            let began = Instant::now();
            let share = numbers.len().div_ceil(self.jobs.get()).max(1);
            try_join_all(numbers.chunks(share).map(|chunk| self.provision_all(chunk))).await?;
            ours += began.elapsed();
            raw += psql.run(&numbers, psql::creation).await?;
        }
        row("provision", tenants, ours, raw);
        Ok(())
    }

    async fn provision_all(&self, numbers: &[usize]) -> Result<()> {
        for n in numbers {
            self.provision_one(*n)
                .await
                .with_context(|| format!("provisioning tenant {n}"))?;
        }
        Ok(())
    }

    async fn provision_one(&self, n: usize) -> Result<()> {
        let mut tx = self.db.begin_unhurried().await?;
        let email = format!("owner{n}@example.com");
        let user = users::insert(&mut tx, &NewUser::with_email(email.parse()?), &self.source).await?;
        let new = NewOrganization {
            kind: OrganizationKind::Standalone,
            parent: None,
            slug: format!("bench{n}").parse()?,
            name: format!("Bench {n}"),
            status: OrganizationStatus::Active,
            contact_email: None,
        };
        let owner = Owner {
            user: user.id,
            display_name: format!("Owner {n}"),
            email,
        };
        let template = Template::shipped();
        lifecycle::provision(&mut tx, &template, &new, &owner, &self.actor, &self.source).await?;
        Ok(tx.commit().await?)
    }

    async fn migrate(&self, psql: &Psql) -> Result<()> {
        let folder = tempfile::tempdir()?;
        for (name, text) in Template::shipped().migrations().files() {
            std::fs::write(folder.path().join(format!("{name}.sql")), text)?;
        }
        let next = format!("V{}__bench.sql", Template::shipped().latest() + 1);
        std::fs::write(folder.path().join(next), NEXT)?;
        let template = Template::read(folder.path())?;
        let fleet = self.fleet(&template);
        let plan = fleet.plan().await?;
        let tenants = plan.steps.len();
        let (mut ours, mut raw) = (Duration::ZERO, Duration::ZERO);
        for turn in 0..TURNS {
            let numbers: Vec<usize> = (0..tenants).filter(|n| n % TURNS == turn).collect();
            let part = Plan {
                steps: numbers.iter().map(|n| plan.steps[*n].clone()).collect(),
                ..plan.clone()
            };
            raw += psql.run(&numbers, |n| psql::change(n, NEXT)).await?;
            let began = Instant::now();
            run(&fleet, &part).await?;
            ours += began.elapsed();
        }
        row("migrate: a column and an index", tenants, ours, raw);
        Ok(())
    }

    /// All that `tenantry migrate` does then, without the start of the program.
    async fn nothing_to_do(&self, tenants: usize) -> Result<()> {
        self.db.begin().await?.rollback().await?;
        // The template that ships is behind what the tenants have.
        let template = Template::shipped();
        let fleet = self.fleet(&template);
        let began = Instant::now();
        init::init(&self.db, None).await?;
        let plan = fleet.plan().await?;
        ensure!(plan.steps.is_empty(), "there is something to do");
        run(&fleet, &plan).await?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        println!("| nothing to do at {tenants} tenants | {took:.1} ms | | |");
        Ok(())
    }
}

async fn run(fleet: &Fleet<'_>, plan: &Plan) -> Result<()> {
    let mut failed = Vec::new();
    let report = |event| {
        if let Event::Tenant(tenant) = event
            && let Err(error) = tenant.outcome
        {
            failed.push(format!("{}: {}", tenant.slug, error.explain()));
        }
    };
    fleet.migrate(plan, &StopSignal::never(), report).await?;
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many tenants")]
fn row(what: &str, tenants: usize, ours: Duration, raw: Duration) {
    let rate = |took: Duration| tenants as f64 / took.as_secs_f64();
    let (ours, raw) = (rate(ours), rate(raw));
    println!(
        "| {what} | {ours:.0}/s | {raw:.0}/s | {:.0} % |",
        100.0 * ours / raw
    );
    eprintln!("{what}: done");
}
