//! The bare axum route: what HTTP alone costs, with an answer of a contact's size and no work behind it.

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The argument that makes the benchmark's own program the bare server.
pub const MODE: &str = "--bare-axum";

/// About what a contact of the template takes.
const BODY: &str = concat!(
    r#"{"id":"0190a0b0-0000-7000-8000-000000000000","first_name":"Ada","last_name":"Lovelace","full_name":"Ada Lovelace","#,
    r#""email":"ada@example.com","phone":null,"status":"lead","company_id":null,"owner_id":null,"job_title":null,"#,
    r#""source":null,"tag_ids":[],"created_at":"2026-01-01T00:00:00+00:00","updated_at":"2026-01-01T00:00:00+00:00","#,
    r#""created_by":"operator:bench","updated_by":"operator:bench","version":1,"deleted_at":null}"#
);

/// The running server, in a process of its own as `tenantry serve` is.
#[derive(Debug)]
pub struct Bare {
    child: Child,
    address: SocketAddr,
}

/// Serves until it is killed, and prints its address first.
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let answer = || async { ([(CONTENT_TYPE, "application/json")], BODY) };
            let router = Router::new().route("/rest/v1/{object}/{id}", get(answer));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            println!("{}", listener.local_addr()?);
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).await?;
            Ok(())
        })
}

/// One request, as the load sends it to the real server too.
pub fn requests() -> Vec<Vec<u8>> {
    vec![
        b"GET /rest/v1/contacts/0190a0b0-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: bare.localhost\r\n\r\n".to_vec(),
    ]
}

impl Bare {
    /// Starts the server.
    pub async fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(MODE)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the bare server")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is piped")?)
            .read_line(&mut line)
            .await?;
        let address = line
            .trim()
            .parse()
            .context("the bare server printed no address")?;
        Ok(Self { child, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it.
    pub async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
