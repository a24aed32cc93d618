//! `tenantry tenant export` and `import`: a tenant in a file, and back.

use std::path::PathBuf;
use std::time::Duration;

use catalog::email::EmailAddress;
use catalog::slug::Slug;
use clap::Args;
use secrecy::SecretString;

use crate::cli::Lifetime;
use crate::config::Interval;

pub(super) const EXPORT: &str = "\
Examples:
  tenantry tenant export acme > acme.tenantry
  tenantry tenant export acme --output acme.tenantry
  tenantry tenant export acme --plain > acme.sql     by pg_dump, to be read by psql

The tenant is seen as it was at one moment, and goes on being served. The container holds its records, people and sequences,
with a hash of each table and of the whole. Keys, sessions and the answers kept for idempotency keys stay behind, and so do
tables and columns that somebody made beside the template: these are named. Whoever has the file has the records.";

pub(super) const IMPORT: &str = "\
Examples:
  tenantry tenant import acme.tenantry --as acme-2
  tenantry tenant import --as acme-2 --owner-email ann@acme.example < acme.tenantry
  tenantry tenant import acme.tenantry --as acme-2 --dry-run    read all of it and say what is in it

All of it happens in one transaction or nothing does. A container of an earlier version of the template is brought to the
latest; every row is read back and held against the container's hashes. The owner is the one that the container names unless
another is. Its people are kept for the records that name them, and may use the tenant only with --with-members, those with an
account here.";

pub(super) const ARCHIVE: &str = "\
Examples:
  tenantry tenant archive acme --to /srv/archive --yes
  tenantry tenant archive acme --to /srv/archive/acme.tenantry --yes

Reads go on while the container is written, and writes wait. The file is read back before schema and roles are removed, in the
transaction that took its snapshot: a write that was answered is in the file. From then on the address is answered with 404.
Members, keys and settings stay in the catalog, with the place and the SHA-256 of the file (`tenantry tenant show`); without
that file the tenant is gone, so keep it well.";

pub(super) const UNARCHIVE: &str = "\
Example:
  tenantry tenant unarchive acme /srv/archive/acme.tenantry

Organization, slug, members and keys are what they were, and its schema has its old name. Only the very file that was written
then is taken. It is brought to the latest version of the template, in one transaction.";

pub(super) const MOVE: &str = "\
Examples:
  tenantry tenant move acme --to postgres://owner@db2.example.com/app
  tenantry tenant move acme --max-pause 20s          with TARGET_DATABASE_URL, where a password is not seen by others
  tenantry tenant move acme --stay --yes             the other database is lost for good

The other database is one that `tenantry init` has prepared, with a catalog of the same version. Reads go on while the tenant is
copied, writes are answered with 503 and Retry-After, for --max-pause at most: then the move is given up and all is as before.
Every row is read back there and compared. Organization, slug, members, their accounts, keys, plan and limits come along, and so
do the answers kept for idempotency keys; sessions do not. Killed at any moment, the tenant is served by one of the two databases
or by none for a while; run the same command again, and it finishes the move or gives it up. --stay gives up a move that was
killed without asking the other database; where the tenant may have arrived there it takes --yes as well, and your word that it
will never be served there: two databases would serve it.
What is left here is kept for the grace of a drop (`tenantry tenant purge-dropped` removes it then) and answered with 421. To go
back is to move it back.";

/// `tenant archive`.
#[derive(Debug, Args)]
pub(crate) struct TenantArchiveArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// The container to write, or the folder for it
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) to: PathBuf,
    /// Yes, remove the schema
    #[arg(long)]
    pub(crate) yes: bool,
    /// Lose the tables and columns that somebody made beside the template
    #[arg(long)]
    pub(crate) leave_out: bool,
}

/// `tenant move`.
#[derive(Debug, Args)]
pub(crate) struct TenantMoveArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// The owner's connection to the other database, if the environment does not name it
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<SecretString>,
    /// How long writes may be refused before the move is given up, such as 500ms, 20s or 5m
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = at_most_a_day)]
    pub(crate) max_pause: Interval,
    /// How long what is left here is kept: a number and m, h, d or w
    #[arg(long, value_name = "TIME")]
    pub(crate) grace: Option<Lifetime>,
    /// Leave behind the tables and columns that somebody made beside the template
    #[arg(long)]
    pub(crate) leave_out: bool,
    /// Give up a move that was begun: the tenant is served here again
    #[arg(long, conflicts_with_all = ["to", "grace", "leave_out"])]
    pub(crate) stay: bool,
    /// Yes, the other database will never serve it
    #[arg(long, requires = "stay")]
    pub(crate) yes: bool,
}

/// `tenant export`.
#[derive(Debug, Args)]
pub(crate) struct TenantExportArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// The file to write, if not standard output; it is there whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Plain SQL of the tenant's schema by `pg_dump`, which tenantry cannot import
    #[arg(long)]
    pub(crate) plain: bool,
}

/// `tenant import`.
#[derive(Debug, Args)]
pub(crate) struct TenantImportArgs {
    /// The container, if not standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The label it will live under
    #[arg(long = "as", value_name = "SLUG")]
    pub(crate) slug: Slug,
    /// The name people read, if not the container's
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The agency it will belong to, if any
    #[arg(long, value_name = "SLUG")]
    pub(crate) parent: Option<Slug>,
    /// The address of the person who will own it, if not the container's owner
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) owner_email: Option<EmailAddress>,
    /// The name of that person, if the account is new
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_name: Option<String>,
    /// Read the owner's password from standard input instead of making one up
    #[arg(long, requires = "file")]
    pub(crate) owner_password_stdin: bool,
    /// Let the container's people use it too, each as before
    #[arg(long)]
    pub(crate) with_members: bool,
    /// Only read the container and say what is in it and whether it fits
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// PostgreSQL bounds it too, and cannot count much longer.
fn at_most_a_day(text: &str) -> Result<Interval, String> {
    match text.parse::<Interval>() {
        Ok(pause) if pause.0 <= Duration::from_hours(24) => Ok(pause),
        Ok(_) => Err("at most 24h is wanted".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
