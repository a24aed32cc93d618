//! `tenantry`: the one binary. It reads the command line, resolves the settings once, runs one command and ends
//! with that command's exit status.

mod accounts;
mod cli;
mod client_program;
mod commands;
mod config;
mod demo_folder;
mod exit;
mod failure;
mod joining;
mod keys;
mod logging;
mod new_file;
mod operator;
mod output;
mod service;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::output::Output;

/// A request makes and drops some hundred small values; the C library's allocator is a tenth of its processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => {
            let json = std::env::args_os().any(|argument| argument == "--json");
            return failure::report_usage(&said, Output::new(json)).into();
        }
    };
    let output = Output::new(cli.json);
    let status = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(commands::run(cli, output)))
        .unwrap_or_else(|error| failure::report(&error, output));
    status.into()
}
