//! What the fleet's work costs over the same DDL sent by `psql`: `cargo bench -p tests --bench fleet`.
//!
//! Tenants are provisioned and then migrated by one more version (a column and an index), and as many schemas are made
//! and changed by `psql` with the same statements, one transaction each, over the same number of connections, without a
//! catalog, a lock or a record. Both take turns, so that both meet the same database: a quarter of the fleet at a time where
//! tenants are provisioned, and a half by `psql`, all by us, and the other half where they are migrated.
//! Between the two every tenant is held against its version (`tenantry doctor --check drift`), and one with records is
//! exported, as it was when it was alone. A fleet with nothing to do is migrated, and one more version shows what the network
//! is to both: PostgreSQL is a millisecond away then. At last single tenants are made from the pool of spare schemas and in
//! place, in turns.
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
mod export;
mod psql;
mod spares;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::init;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser};
use futures_util::future::try_join_all;
use psql::Psql;
use tenant_schema::fleet::{self, Event, Fleet, Plan, StopSignal};
use tenant_schema::lifecycle::{self, Owner};
use tenant_schema::template::Template;
use tests::bench::Transactions;
use tests::config::numbers;

/// In how many turns a fleet is worked through.
const TURNS: usize = 4;

/// How long a message takes from here to PostgreSQL in the last part.
const EACH_WAY: Duration = Duration::from_millis(1);

#[tokio::main]
async fn main() -> Result<()> {
    let tenants = numbers("BENCH_TENANTS", "200")?[0];
    let jobs = NonZeroUsize::new(numbers("BENCH_JOBS", "2")?[0]).context("BENCH_JOBS is zero")?;
    let ground = Box::pin(tests::bench::Fleet::start(0)).await?;
    let place = ground.pgbench()?;
    let bench = Bench::new(place.config.clone(), jobs);
    let psql = Psql::new(&place, jobs)?;
    println!("{tenants} tenants, {jobs} jobs\n");
    let export = export::Export::alone(&bench.db, &bench.actor, &bench.source).await?;
    println!("| | tenantry | psql | of psql |\n|---|---:|---:|---:|");
    bench.provision(tenants, &psql).await?;
    let exported = export.in_fleet(&bench.db, &bench.source).await?;
    // With the one that is exported.
    drift::scan(&bench.db, &bench.source, &Template::shipped(), tenants + 1).await?;
    bench
        .migrate("migrate: a column and an index", &Next::new(1)?, &psql)
        .await?;
    bench.nothing_to_do(&Next::new(1)?, tenants).await?;
    let (link, config) = ground.far_away(EACH_WAY).await?;
    let far = Transactions {
        config: config.clone(),
        ..place
    };
    Bench::new(config, jobs)
        .migrate("the same, 1 ms away", &Next::new(2)?, &Psql::new(&far, jobs)?)
        .await?;
    drop(link);
    spares::compare(&bench, tenants).await?;
    println!("\n{exported}");
    ground.stop().await
}

struct Bench {
    db: CatalogDb,
    source: Source,
    actor: Actor,
    jobs: NonZeroUsize,
}

/// A later version of the template.
struct Next {
    template: Template,
    /// What it adds to the one before.
    text: String,
}

impl Next {
    /// So many versions later, each of which adds a column and an index.
    fn new(later: i32) -> Result<Self> {
        let shipped = Template::shipped();
        let folder = tempfile::tempdir()?;
        for (name, text) in shipped.migrations().files() {
            std::fs::write(folder.path().join(format!("{name}.sql")), text)?;
        }
        let mut text = String::new();
        for n in 1..=later {
            text = format!(
                "alter table contacts add column bench{n} text;\n\
                 comment on column contacts.bench{n} is 'For the benchmark.';\n\
                 create index contacts_bench{n}_idx on contacts (bench{n});\n"
            );
            let name = format!("V{}__bench{n}.sql", shipped.latest() + n);
            std::fs::write(folder.path().join(name), &text)?;
        }
        let template = Template::read(folder.path())?;
        Ok(Self { template, text })
    }
}

impl Bench {
    fn new(config: PgConfig, jobs: NonZeroUsize) -> Self {
        let settings = PoolSettings {
            size: jobs.get() + 2,
            ..PoolSettings::default()
        };
        Self {
            db: CatalogDb::new(config, settings),
            source: Source::system(),
            actor: Actor::Operator("bench".to_owned()),
            jobs,
        }
    }

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

    /// One run, as an operator would begin it, between the two halves of what `psql` does.
    async fn migrate(&self, what: &str, template: &Next, psql: &Psql) -> Result<()> {
        let fleet = self.fleet(&template.template);
        let plan = fleet.plan().await?;
        let tenants = plan.steps.len();
        let half = |which| (0..tenants).filter(move |n| n % 2 == which).collect::<Vec<_>>();
        let mut raw = psql.run(&half(0), |n| psql::change(n, &template.text)).await?;
        let began = Instant::now();
        run(&fleet, &plan).await?;
        let ours = began.elapsed();
        raw += psql.run(&half(1), |n| psql::change(n, &template.text)).await?;
        row(what, tenants, ours, raw);
        Ok(())
    }

    /// All that `tenantry migrate` does then, without the start of the program.
    async fn nothing_to_do(&self, template: &Next, tenants: usize) -> Result<()> {
        self.db.begin().await?.rollback().await?;
        let fleet = self.fleet(&template.template);
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
