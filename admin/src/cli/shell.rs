//! `tenantry man` and `tenantry completions`: what a package or a shell wants of the command line itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry man --output ~/.local/share/man/man1
  man tenantry-tenant-create

Every command has a page of its own, named after it. The folder is made if it is not there; no database is needed.")]
pub(crate) struct ManArgs {
    /// The folder to write the pages to
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry completions bash > ~/.local/share/bash-completion/completions/tenantry
  tenantry completions zsh > ~/.zfunc/_tenantry
  tenantry completions fish > ~/.config/fish/completions/tenantry.fish

No database is needed.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A shell.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
}
