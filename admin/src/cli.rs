//! The command line as data: what can be typed and what the help says. Nothing here decides anything.

mod backup;
mod ceiling;
mod dba;
mod doctor;
mod domain;
mod environment;
mod key;
mod lifetime;
mod migrate;
mod organization;
mod plan;
mod selection;
mod shard;
mod shell;
mod spare;
mod sql;
mod template;
mod tenant;
mod user;

use std::path::PathBuf;

use catalog::slug::Slug;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::backup::{BackupArgs, BackupCommand};
pub(crate) use self::ceiling::Ceiling;
pub(crate) use self::dba::{DbaCommand, DbaGrantArgs, DbaRevokeArgs};
pub(crate) use self::doctor::{DoctorArgs, FailOn};
pub(crate) use self::domain::{DomainArgs, DomainCommand, VerifyArgs};
pub(crate) use self::key::{KeyCommand, KeyCreateArgs};
pub(crate) use self::lifetime::Lifetime;
pub(crate) use self::migrate::{MigrateArgs, MigrateCommand, MigrateSubject};
pub(crate) use self::organization::{GroupKind, OrganizationCommand, OrganizationCreateArgs};
pub(crate) use self::plan::{LimitArgs, PlanCommand};
pub(crate) use self::selection::SelectionArgs;
pub(crate) use self::shard::{NodeAddress, ShardCommand};
pub(crate) use self::shell::{CompletionsArgs, ManArgs, Shell};
pub(crate) use self::spare::{SpareCommand, SpareDropArgs, SpareFillArgs};
pub(crate) use self::sql::{SqlArgs, SqlFormat};
pub(crate) use self::template::{CheckTarget, TemplateCheckArgs, TemplateCommand};
pub(crate) use self::tenant::{
    RemovalArgs, SeedSize, SizeOrder, TenantArchiveArgs, TenantCloneArgs, TenantCommand, TenantCreateArgs,
    TenantDropArgs, TenantExportArgs, TenantImportArgs, TenantKind, TenantListArgs, TenantMoveArgs,
    TenantPurgeArgs, TenantSizesArgs, TenantStatsArgs,
};
pub(crate) use self::user::{UserCommand, UserCreateArgs};

/// A schema of its own for every customer, in one PostgreSQL database
///
/// Tenantry gives every customer organization its own PostgreSQL schema, its own subdomain and its own REST API,
/// inside one ordinary PostgreSQL database.
///
/// An ORGANIZATION is a customer; one that is a TENANT owns a schema, which is built from the TEMPLATE (numbered
/// migrations; the one that ships is a CRM). People type its SLUG, which is also its subdomain: acme.example.com. The
/// CATALOG is the shared schema that says who exists: users, organizations, memberships, keys.
#[derive(Debug, Parser)]
#[command(
    name = "tenantry",
    version,
    max_term_width = 110,
    after_help = "Try it:  tenantry demo\nMore:    tenantry --help",
    after_long_help = environment::overview(OVERVIEW)
)]
pub(crate) struct Cli {
    /// Print one JSON document instead of text; errors too, on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Build and serve tenants from the SQL files of this folder (`V1__first.sql`, …), not from the CRM that ships; all
    /// tenants of a database have the same template
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) template: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

const OVERVIEW: &str = "\
Start here, with nothing set up:
  tenantry demo          PostgreSQL, three tenants, the API on 127.0.0.1:8080
  tenantry psql acme     in a second terminal: psql on one tenant of the demo

On a database of yours:
  export DATABASE_URL=postgres://owner@db.example.com/app
  tenantry init --server-password-stdin < password
  tenantry tenant create acme --name Acme --owner-email ann@acme.example
  tenantry key create acme --name 'Web site' --scope contacts:read
  export SERVER_DATABASE_URL=postgres://tenantry_server:…@db.example.com/app
  tenantry serve
  tenantry migrate       after every upgrade: the catalog and all tenants";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: PostgreSQL, three tenants with data, the API
    Demo(DemoArgs),
    /// Serve the API over HTTP
    Serve(ServeArgs),
    /// Those that need the owner's connection.
    #[command(flatten)]
    Operate(OperatorCommand),
    /// Draw the tables of the catalog or of a tenant as a Mermaid diagram
    Erd(ErdArgs),
    /// Templates: what tenants are built from
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Write a manual page for every command
    Man(ManArgs),
    /// Print what a shell needs to complete commands and options
    Completions(CompletionsArgs),
}

/// The commands of an operator.
#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Make a database fit for Tenantry, or bring its catalog up to date
    Init(InitArgs),
    /// Platforms and agencies: organizations without a schema
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Tenants: organizations with a schema of their own
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Spare schemas: built before anybody wants them, so that a tenant is there at once
    #[command(subcommand)]
    Spare(SpareCommand),
    /// Plans: what tenants may take
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Citus: on which node tenants are, and moving them
    #[command(subcommand)]
    Shard(ShardCommand),
    /// People
    #[command(subcommand)]
    User(UserCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Domains of organizations: said to be theirs, and shown to be
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Bring the catalog and all tenants to this program's version
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(Box<MigrateArgs>),
    /// Find what is not as it should be in the fleet and the database, and mend it
    Doctor(DoctorArgs),
    /// Write every tenant into a container of its own
    #[command(after_help = backup::EXAMPLES)]
    Backup(BackupArgs),
    /// Open psql on one tenant, as a login that can see that tenant only
    Psql(PsqlArgs),
    /// Logins of people: which may open which tenant with a plain psql
    #[command(subcommand)]
    Dba(DbaCommand),
    /// Run one statement in many tenants, each under its own role, with one result
    #[command(after_help = sql::EXAMPLES)]
    Sql(Box<SqlArgs>),
}

/// `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry demo
  tenantry demo --port 9000
  tenantry demo --data /tmp/demo    somewhere else; remove the folder to begin anew

PostgreSQL is found on this machine or downloaded. Data and keys are kept: the next start takes seconds. Ctrl-C stops
everything. While it runs, the other commands use its database unless DATABASE_URL is set.")]
pub(crate) struct DemoArgs {
    /// The folder for data and keys, if not that of the environment (see `tenantry --help`)
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The port of the API on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// How logs are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
}

const SERVE: &str = "\
Example:
  SERVER_DATABASE_URL=postgres://tenantry_server:…@db.example.com/app \\
  TENANTRY_KEYRING_FILE=/etc/tenantry/keyring TENANTRY_BASE_DOMAIN=example.com \\
  tenantry serve --log-format json

Any number of servers may run on one database. SIGTERM or Ctrl-C finishes the requests in flight; a second one does
not wait for them. A server refuses to start on a login that could see more than one tenant at a time.";

/// `serve`.
#[derive(Debug, Args)]
#[command(after_help = format!("{SERVE}\n\nMore: tenantry serve --help"), after_long_help = environment::all(SERVE))]
pub(crate) struct ServeArgs {
    /// How logs are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
    /// Let the header X-Organization name the tenant on the base domain: for programs that cannot resolve
    /// *.localhost, never in production
    #[arg(long)]
    pub(crate) allow_organization_header: bool,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry init --server-password-stdin < password
  TENANTRY_SERVER_PASSWORD=… tenantry init

Safe to repeat. The owner needs CREATEROLE and the right to create schemas and extensions in the database; it need not
be a superuser.")]
pub(crate) struct InitArgs {
    /// Read the password of the server's login from standard input
    #[arg(long)]
    pub(crate) server_password_stdin: bool,
}

/// `psql`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry psql acme
  tenantry psql acme -- -c '\\d contacts'
  tenantry psql acme -- --csv -f report.sql
  tenantry psql acme --read-only
  tenantry psql acme --json         a login for another program, good for twelve hours

psql runs under a login made for this session and removed after it. It is a member of the tenant's role and of nothing
else: the catalog and the other tenants are out of its sight. The exit status is psql's.")]
pub(crate) struct PsqlArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// Only look
    #[arg(long)]
    pub(crate) read_only: bool,
    /// What psql is given, after --
    #[arg(last = true, value_name = "PSQL ARGUMENT")]
    pub(crate) arguments: Vec<std::ffi::OsString>,
}

/// `erd`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry erd > template.mmd
  tenantry erd catalog
  tenantry erd --tenant acme        with the tenant's own objects

The tables are read from the live database. With neither DATABASE_URL nor a running demo, a temporary PostgreSQL is
started, migrated and drawn.")]
pub(crate) struct ErdArgs {
    /// What to draw
    #[arg(value_enum, default_value_t, conflicts_with = "tenant")]
    pub(crate) subject: ErdSubject,
    /// One tenant instead
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<Slug>,
}

/// What `erd` draws.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum ErdSubject {
    /// Who exists
    Catalog,
    /// What every tenant has
    #[default]
    Template,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn visit(command: &clap::Command) {
            if command.get_subcommands().next().is_none() {
                let after = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    after.contains("tenantry "),
                    "{} has no example",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Cli::command());
    }

    /// The whole of what `tenantry serve --help` prints.
    #[test]
    fn serves_help_explains_every_variable() {
        let mut cli = Cli::command();
        let serve = cli.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        for name in crate::config::variables() {
            assert!(help.contains(&name), "{name} is not in the help of serve");
        }
    }

    #[test]
    fn what_follows_two_dashes_is_psqls() {
        let cli =
            Cli::try_parse_from(["tenantry", "psql", "acme", "--read-only", "--", "-c", "\\dt"]).unwrap();
        let Command::Operate(OperatorCommand::Psql(args)) = cli.command else {
            panic!("psql was typed")
        };
        assert!(args.read_only);
        assert_eq!(args.arguments, ["-c", "\\dt"]);
    }

    #[test]
    fn a_client_needs_its_agency() {
        let typed = [
            "tenantry",
            "tenant",
            "create",
            "acme",
            "--name",
            "A",
            "--owner-email",
            "a@b.example",
        ];
        assert!(Cli::try_parse_from(typed).is_ok());
        let client = typed.iter().chain(&["--kind", "client"]);
        assert!(Cli::try_parse_from(client).is_err());
    }
}
