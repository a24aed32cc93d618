//! `tenantry demo`: everything on this machine, with nothing set up.

mod card;
mod people;
mod seed;

use std::convert::Infallible;
use std::future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::time::Duration;

use anyhow::Context as _;
use catalog::clock::Source;
use catalog::init::{self, SERVER_LOGIN};
use catalog::jwks;
use catalog::pg::config::PgConfig;
use catalog::pg::local::LocalCluster;
use secrecy::{ExposeSecret as _, SecretString};
use server::config::{AllowedOrigins, Scheme};
use server::{Server, ServerConfig};

use self::card::Card;
use super::spare::keeper::Keeper;
use crate::cli::DemoArgs;
use crate::config::{self, Config};
use crate::demo_folder::{DemoFolder, Running};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output::Output;
use crate::service::{self, Ways};
use crate::signals::Stop;

/// The demo's database in its cluster.
const DATABASE: &str = "tenantry";

/// How many spare schemas there are.
const SPARES: usize = 2;

/// How often it is looked whether one was taken.
const EVERY: Duration = Duration::from_secs(5);

/// Starts PostgreSQL, makes what is missing, serves; stops in the opposite order.
pub(super) async fn run(args: DemoArgs, config: Config, output: Output) -> anyhow::Result<ExitStatus> {
    let mut stop = Stop::listen().context("could not listen for signals")?;
    let folder = folder(&args, &config)?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    check_port(&folder, listen).context("could not start the demo")?;
    folder.create()?;

    output.progress(format_args!("starting PostgreSQL on {}", folder.path().display()));
    let source = Source::system();
    let cluster = folder.cluster();
    let starting = LocalCluster::start(&cluster, config.postgres.clone(), &source);
    let cluster = tokio::select! {
        started = starting => started.context("could not start the demo")?,
        () = stop.next() => return Ok(ExitStatus::Done),
    };
    let served = tokio::select! {
        ready = prepare(&folder, &cluster, listen, config, output) => match ready {
            Ok((server, card, operator)) => serve(server, &card, &operator, &mut stop).await,
            Err(error) => Err(error.context("could not start the demo")),
        },
        () = stop.next() => Ok(()),
    };
    output.progress("stopping PostgreSQL");
    folder.withdraw();
    tokio::select! {
        stopped = cluster.stop() => stopped.context("could not stop PostgreSQL")?,
        () = stop.next() => {
            // The guardian process beside PostgreSQL stops it when this process ends.
            process::exit(ExitStatus::Done.code().into());
        }
    }
    served.map(|()| ExitStatus::Done)
}

fn folder(args: &DemoArgs, config: &Config) -> anyhow::Result<DemoFolder> {
    let path = args.data.as_ref().or(config.demo_data.as_ref()).ok_or_else(|| {
        Problem::environment(
            "there is no folder for the demo's data, since HOME is not set",
            "name one by --data DIR",
        )
    })?;
    let path = std::path::absolute(path).context("could not find out where we are")?;
    Ok(DemoFolder::at(path))
}

/// Checked before PostgreSQL is started, so that a port in use is told at once.
fn check_port(folder: &DemoFolder, listen: SocketAddr) -> anyhow::Result<()> {
    if let Some(running) = folder.running()? {
        let (pid, url) = (running.pid, running.listen);
        let why = format!(
            "a demo runs on {} already (process {pid}, http://{url})",
            folder.path().display()
        );
        return Err(
            Problem::refused(why, "use that one, stop it, or name another folder by --data DIR").into(),
        );
    }
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) => Err(service::cannot_listen(&error, listen)),
    }
}

/// Makes what the database lacks for a demo, and takes the port.
async fn prepare(
    folder: &DemoFolder,
    cluster: &LocalCluster,
    listen: SocketAddr,
    config: Config,
    output: Output,
) -> anyhow::Result<(Server, Card, Operator)> {
    let source = Source::system();
    let ring = folder.key_ring(&source)?;
    let mut secrets = folder.secrets(&source)?;
    let owner = owner(cluster).await?;
    let program = config.program.clone();
    let is_default = config.demo_data.as_deref() == Some(folder.path());
    let operator = Operator::on(owner.clone(), Some(cluster.bin_dir().to_owned()), config, output);

    let password = SecretString::from(secrets.server_password.clone());
    init::init(&operator.db, Some(&password)).await?;
    let mut tx = operator.db.begin().await?;
    jwks::ensure_active(&mut tx, &ring, &operator.actor, &source).await?;
    tx.commit().await?;
    seed::migrate(&operator).await?;
    for tenant in people::TENANTS {
        seed::ensure(tenant, folder, &mut secrets, &operator).await?;
    }

    let settings = ServerConfig {
        listen,
        base_domain: config::localhost(),
        public_scheme: Scheme::Http,
        public_port: Some(listen.port()),
        allow_organization_header: true,
        allowed_origins: match &operator.config.server.allowed_origins {
            unset if unset.is_empty() => AllowedOrigins::of_this_machine(),
            set => set.clone(),
        },
        ..operator.config.server.clone()
    };
    let ways = Ways {
        database: owner.with_login(SERVER_LOGIN, &secrets.server_password),
        direct: None,
    };
    let server = service::bind(
        &ways,
        &ring,
        settings,
        &operator.config.sizing,
        &operator.config.template,
        &source,
    )
    .await?;
    folder.announce(&Running {
        pid: process::id(),
        listen: server.local_addr(),
        postgres: SocketAddr::from((Ipv4Addr::LOCALHOST, cluster.port())),
        database_url: cluster.socket_url(DATABASE).expose_secret().to_owned(),
        bin_dir: cluster.bin_dir().to_owned(),
    })?;
    let data = folder.path().to_owned();
    let card = Card::new(server.local_addr().port(), &secrets, data, is_default, &program);
    Ok((server, card, operator))
}

async fn owner(cluster: &LocalCluster) -> anyhow::Result<PgConfig> {
    let config = |name| cluster.socket_url(name).expose_secret().parse::<PgConfig>();
    init::ensure_database(&config("postgres")?, DATABASE)
        .await
        .context("could not make the demo's database")?;
    Ok(config(DATABASE)?)
}

async fn serve(server: Server, card: &Card, operator: &Operator, stop: &mut Stop) -> anyhow::Result<()> {
    operator.output.document(card, Card::text)?;
    tokio::select! {
        () = service::run(server, stop) => Ok(()),
        never = keep_spares(operator) => match never {},
    }
}

/// A tenant that is made while the demo runs is there at once. If that cannot be, it takes a moment longer.
async fn keep_spares(operator: &Operator) -> Infallible {
    let keeper = Keeper {
        db: &operator.db,
        template: &operator.config.template,
        source: &operator.source,
        target: SPARES,
        every: EVERY,
    };
    let Err(error) = keeper.keep(|_| Ok(())).await;
    tracing::warn!("no spare schemas are built any more: {error:#}");
    future::pending().await
}
