//! `tenantry user …`.

use catalog::email::EmailAddress;
use catalog::memberships::MemberRole;
use catalog::slug::Slug;
use clap::{Args, Subcommand};

/// `user …`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a person's account, or add an existing one to an organization
    #[command(after_help = "\
Examples:
  tenantry user create --email bob@acme.example --name 'Bob Lee' --organization acme
  tenantry user create --email ann@acme.example --organization globex --role admin

A new account gets a password that is printed once, or the one on standard input. You vouch for the address. An
account that exists keeps its password, unless its address was never verified: then somebody else may have chosen it,
so it is replaced and every session is ended.")]
    Create(UserCreateArgs),
}

/// `user create`.
#[derive(Debug, Args)]
pub(crate) struct UserCreateArgs {
    /// The account's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: EmailAddress,
    /// The person's name, if the account is new
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Read the password from standard input instead of making one up
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The organization to join
    #[arg(long, value_name = "SLUG")]
    pub(crate) organization: Option<Slug>,
    /// What the person may do there: admin or member
    #[arg(long, default_value = "member", requires = "organization")]
    pub(crate) role: MemberRole,
}
