//! `tenantry serve`: the API over HTTP.

use anyhow::Context as _;
use catalog::clock::Source;
use serde::Serialize;

use crate::cli::ServeArgs;
use crate::config::Config;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::output::Output;
use crate::service::{self, Ways};
use crate::signals::Stop;

#[derive(Serialize)]
struct Listening {
    listening: String,
    base_domain: String,
}

/// Starts only where it is safe to: a login of its own, a current catalog, a key ring.
pub(super) async fn run(args: &ServeArgs, config: Config, output: Output) -> anyhow::Result<ExitStatus> {
    let mut stop = Stop::listen().context("could not listen for signals")?;
    let (server, base_domain) = Box::pin(bind(args, config)).await.context("could not serve")?;
    let listening = format!("http://{}", server.local_addr());
    output.document(
        &Listening {
            listening,
            base_domain,
        },
        |document| {
            format!(
                "listening on {}, base domain {}",
                document.listening, document.base_domain
            )
        },
    )?;
    service::run(server, &mut stop).await;
    Ok(ExitStatus::Done)
}

async fn bind(args: &ServeArgs, config: Config) -> anyhow::Result<(server::Server, String)> {
    let database = config.server_database.ok_or_else(|| {
        Problem::environment(
            "SERVER_DATABASE_URL is not set",
            "give it the connection of login tenantry_server, whose password `tenantry init` sets",
        )
    })?;
    let ring = config.key_ring.ok_or_else(|| {
        Problem::environment(
            "there is no key ring to open the signing keys with",
            "set TENANTRY_KEYRING or TENANTRY_KEYRING_FILE to what `tenantry init` was run with",
        )
    })?;
    let mut settings = config.server;
    settings.allow_organization_header = args.allow_organization_header;
    let base_domain = settings.base_domain.to_string();
    let ways = Ways {
        database,
        direct: config.server_direct_database,
    };
    let server = service::bind(
        &ways,
        &ring,
        settings,
        &config.sizing,
        &config.template,
        &Source::system(),
    )
    .await?;
    Ok((server, base_domain))
}
