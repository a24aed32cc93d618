//! `tenantry man` and `tenantry completions`.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use serde::Serialize;

use crate::cli::{Cli, CompletionsArgs, ManArgs, Shell};
use crate::exit::ExitStatus;
use crate::output::Output;

#[derive(Serialize)]
struct Pages {
    folder: String,
    pages: Vec<String>,
}

/// A script for a shell.
#[derive(Serialize)]
struct Script {
    script: String,
}

/// Writes a page for every command.
pub(super) fn man(args: &ManArgs, output: Output) -> anyhow::Result<ExitStatus> {
    let folder = &args.output;
    let pages = write_pages(folder)
        .with_context(|| format!("could not write manual pages to {}", folder.display()))?;
    let document = Pages {
        folder: folder.display().to_string(),
        pages,
    };
    output.document(&document, |document| {
        format!("{} pages in {}", document.pages.len(), document.folder)
    })?;
    Ok(ExitStatus::Done)
}

fn write_pages(folder: &Path) -> anyhow::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let mut left = vec![command];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().cloned());
        let page = clap_mangen::Man::new(command);
        page.generate_to(folder)?;
        pages.push(page.get_filename());
    }
    pages.sort();
    Ok(pages)
}

/// Prints a shell's script.
pub(super) fn completions(args: &CompletionsArgs, output: Output) -> anyhow::Result<ExitStatus> {
    let mut command = Cli::command();
    let mut script = Vec::new();
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(shell, &mut command, "tenantry", &mut script);
    let script = String::from_utf8(script).context("the script is not UTF-8")?;
    output.document(&Script { script }, |document| document.script.clone())?;
    Ok(ExitStatus::Done)
}
