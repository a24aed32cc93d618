//! `tenantry tenant …`.

mod container;

use catalog::email::EmailAddress;
use catalog::slug::Slug;
use clap::{Args, Subcommand, ValueEnum};

use super::{Lifetime, LimitArgs, SelectionArgs};

pub(crate) use self::container::{TenantArchiveArgs, TenantExportArgs, TenantImportArgs, TenantMoveArgs};

/// The kinds that own a schema.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum TenantKind {
    /// Belongs to nobody
    #[default]
    Standalone,
    /// Belongs to an agency
    Client,
}

/// `tenant …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Create a tenant: organization, schema, roles, tables and owner, all at once or not at all
    #[command(after_help = "\
Examples:
  tenantry tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example
  tenantry tenant create acme --name Acme \\
    --owner-email ann@acme.example --owner-password-stdin < password
  tenantry tenant create acme --name Acme \\
    --owner-email ann@acme.example --kind client --parent studio

The owner's account is made if there is none, with a password that is printed once. An account that exists keeps its
password, unless its address was never verified: then somebody else may have chosen it, and it is replaced.")]
    Create(TenantCreateArgs),
    /// List all organizations, with the schema of those that are tenants
    #[command(after_help = "\
Examples:
  tenantry tenant list
  tenantry tenant list --where status=suspended
  tenantry tenant list --where parent=studio --where 'version<8'
  tenantry tenant list --json | jq -r '.[].slug'")]
    List(TenantListArgs),
    /// Show what tenants take on disk: tables, indexes, long values, rows
    #[command(after_help = "\
Examples:
  tenantry tenant sizes
  tenantry tenant sizes --sort indexes --limit 10
  tenantry tenant sizes --where plan=free --json | jq '[.[].total] | add'

One query for all of them. Rows are PostgreSQL's estimate, from the last ANALYZE or autovacuum.")]
    Sizes(TenantSizesArgs),
    /// Show what was done in tenants since the statistics were reset: rows written, scans, dead rows, vacuum
    #[command(after_help = "\
Examples:
  tenantry tenant stats
  tenantry tenant stats acme                     by table
  tenantry tenant stats --where status=active --limit 20

The tenants with most rows written come first.")]
    Stats(TenantStatsArgs),
    /// Show what runs in tenants at this moment, and who waits for whom
    #[command(after_help = "\
Examples:
  tenantry tenant top                            again every two seconds, until Ctrl-C
  tenantry tenant top --once
  tenantry tenant top --json | jq '.[] | select(.blocked_by != [])'

A session belongs to the tenant whose tables its transaction has locked. Where the owner may not see what other logins run
(neither superuser nor member of pg_read_all_stats), state, times and statement are left out. On anything but a terminal it is shown
once.")]
    Top {
        /// Show it once, on a terminal too
        #[arg(long)]
        once: bool,
    },
    /// Keep a tenant at the template version it has, or from going beyond another
    #[command(after_help = "\
Examples:
  tenantry tenant pin acme               it stays where it is
  tenantry tenant pin acme --version 12  it may go up to 12

`tenantry migrate` leaves it out, and says so. The server goes on serving it as long as it knows its version.")]
    Pin {
        /// The tenant
        slug: Slug,
        /// The last version it may be migrated to, if not the one it has
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
        version: Option<i32>,
    },
    /// Let a pinned tenant be migrated again
    #[command(after_help = "Example:\n  tenantry tenant unpin acme")]
    Unpin {
        /// The tenant
        slug: Slug,
    },
    /// Show one tenant: kind, status and since when, schema, version, members, size
    #[command(after_help = "Example:\n  tenantry tenant show acme")]
    Show {
        /// The tenant
        slug: Slug,
    },
    /// Put a tenant on a plan, which says what it may take
    #[command(after_help = "\
Examples:
  tenantry tenant plan acme pro
  tenantry tenant plan acme --none     the plan named default, if there is one

Servers know at once. Exceptions made by `tenantry tenant limit` stay.")]
    Plan {
        /// The tenant
        slug: Slug,
        /// The plan; `tenantry plan list` shows those there are
        #[arg(required_unless_present = "none", conflicts_with = "none")]
        plan: Option<String>,
        /// None of its own
        #[arg(long)]
        none: bool,
    },
    /// Show what a tenant may take, or make an exception from its plan
    #[command(after_help = "\
Examples:
  tenantry tenant limit acme                      what counts, and the room it takes
  tenantry tenant limit acme --in-flight 80
  tenantry tenant limit acme --storage-hard none  no limit, whatever the plan says
  tenantry tenant limit acme --in-flight plan     what the plan says again")]
    Limit {
        /// The tenant
        slug: Slug,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Measure how much room all tenants take, which the limits of storage go by
    #[command(after_help = "\
Examples:
  tenantry tenant measure
  */10 * * * *  tenantry tenant measure    in a crontab

One statement for all of them. Tenants beyond a limit are listed; servers log a warning about each. What a tenant takes
is shown by `tenantry tenant limit`.")]
    Measure,
    /// Refuse a tenant's requests until it is resumed; everything of it is kept
    #[command(after_help = "\
Examples:
  tenantry tenant suspend acme
  tenantry tenant suspend acme --reason 'invoice 2026-114 is unpaid'

Every server knows at once. Members and keys are told 403 organization_suspended, strangers what they were told before. A
session that is refreshed meanwhile ends, and its person signs in again after `tenantry tenant resume`. psql and
migrations go on. The reason is shown by `tenantry tenant show`, never to the tenant.")]
    Suspend {
        /// The tenant
        slug: Slug,
        /// Why, for other operators; 500 characters at most
        #[arg(long)]
        reason: Option<String>,
    },
    /// Serve a suspended tenant again
    #[command(after_help = "Example:\n  tenantry tenant resume acme")]
    Resume {
        /// The tenant
        slug: Slug,
    },
    /// Change the name people read
    #[command(after_help = "Example:\n  tenantry tenant rename acme --name 'Acme Industrial SE'")]
    Rename {
        /// The tenant
        slug: Slug,
        /// The new name, 200 characters at most
        #[arg(long)]
        name: String,
    },
    /// Move a tenant to another slug, and so to another subdomain
    #[command(after_help = "\
Example:
  tenantry tenant slug acme acme-industrial

Schema, roles and keys stay as they are. The old address is answered with 404 from this moment: where it led is nobody
else's business. Nobody can take the old slug for 90 days but this tenant, so that old links cannot lead to a stranger.
Access tokens name the address they are for: members' programs refresh theirs at the new one.")]
    Slug {
        /// The tenant
        slug: Slug,
        /// Its new slug
        new_slug: Slug,
    },
    /// Make a tenant that begins as a copy of another
    #[command(after_help = "\
Examples:
  tenantry tenant clone acme acme-staging --owner-email ann@acme.example
  tenantry tenant clone acme acme-empty --owner-email ann@acme.example --schema-only
  tenantry tenant clone acme acme-training --owner-email tom@acme.example --with-members
  tenantry tenant clone acme acme-staging --owner-email dev@saas.example --anonymise

The copy has its own schema and roles, at the version of the original, and is made in one transaction which sees the
original as it was at one moment; that goes on being served. Times and versions of records stay what they were. Its
people are copied with the records that name them, but only the owner may use the copy unless --with-members is said.
Keys and sessions are not copied, nor are tables that somebody made beside the template; these are named.

With --anonymise, what the template marks by `@personal …` in the comments of columns is made up, and never written to the
copy as it was; its people become rows without a name. docs/personal-data.md has the words.")]
    Clone(TenantCloneArgs),
    /// Fill a tenant that has no records with made-up ones
    #[command(after_help = "\
Examples:
  tenantry tenant seed acme-training
  tenantry tenant seed acme-load --size large

Companies, people, deals with their way through the stages, activities, notes, tags, services, staff and appointments: about
1,100 rows (small), 40,000 (medium) or a million (large), in one transaction. Names are of several languages, addresses
and numbers nobody's. The same slug on the same day gives the same rows; its members own them. For the CRM that ships, at
its latest version.")]
    Seed {
        /// The tenant
        slug: Slug,
        /// How much
        #[arg(long, value_enum, default_value_t)]
        size: SeedSize,
    },
    /// Write a tenant into one file: a container, or plain SQL
    #[command(after_help = container::EXPORT)]
    Export(TenantExportArgs),
    /// Make a tenant of a container
    #[command(visible_alias = "restore", after_help = container::IMPORT)]
    Import(TenantImportArgs),
    /// Put a tenant into a container and remove its schema: it is not served until it is brought back
    #[command(after_help = container::ARCHIVE)]
    Archive(TenantArchiveArgs),
    /// Bring an archived tenant back out of its container
    #[command(after_help = container::UNARCHIVE)]
    Unarchive {
        /// The tenant
        slug: Slug,
        /// Its container
        #[arg(value_name = "FILE")]
        file: std::path::PathBuf,
    },
    /// Move a tenant to another database
    #[command(after_help = container::MOVE)]
    Move(TenantMoveArgs),
    /// Take a tenant away, for good only when its grace is over
    #[command(after_help = "\
Examples:
  tenantry tenant drop acme --yes
  tenantry tenant drop acme --yes --grace 90d
  tenantry tenant drop acme --yes --now      schema and roles too, at once and for good

From this moment its address is answered with 404. Everything of it stays, and `tenantry tenant undrop` brings it back,
until its grace is over (30 days; TENANTRY_DROP_GRACE) and `tenantry tenant purge-dropped` removes it.")]
    Drop(TenantDropArgs),
    /// Bring a dropped tenant back as it was
    #[command(after_help = "\
Example:
  tenantry tenant undrop acme

Its status, its sessions and its keys are what they were. It can be done as long as no purge has begun.")]
    Undrop {
        /// The tenant
        slug: Slug,
    },
    /// Remove the dropped tenants whose grace is over, for good: schemas, roles, memberships, sessions, keys
    #[command(after_help = "\
Examples:
  tenantry tenant purge-dropped --dry-run    what would be removed
  tenantry tenant purge-dropped --yes        fit for a daily job

A tenant is removed in one transaction. A schema with so much in it that PostgreSQL could not lock it all at once
(max_locks_per_transaction) is removed in several that each fit; whatever ends one of these, run it again and it goes
on. Each leaves a proof of erasure (`tenantry tenant erasures`). People's accounts and the audit log stay. The exit
status is 1 if a tenant could not be removed.")]
    PurgeDropped(TenantPurgeArgs),
    /// List the proofs of erasure: what was removed with each tenant, when, by whom
    #[command(after_help = "\
Examples:
  tenantry tenant erasures
  tenantry tenant erasures --json | jq -j '.[0].record' | sha256sum

Each proof is a JSON record and its SHA-256, written in the transaction that removed the last of the tenant. The exit
status is 1 if a record is not the one that was hashed.")]
    Erasures,
}

/// How much `tenant seed` makes.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum SeedSize {
    /// About 1,100 rows
    #[default]
    Small,
    /// About 40,000
    Medium,
    /// About a million
    Large,
}

/// `tenant sizes`.
#[derive(Debug, Args)]
pub(crate) struct TenantSizesArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sort: SizeOrder,
    /// How many tenants are shown
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// What tenants are sorted by.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum SizeOrder {
    /// The largest
    #[default]
    Total,
    /// The largest tables
    Tables,
    /// The largest indexes
    Indexes,
    /// The most long values
    Toast,
    /// The most rows
    Rows,
    /// By the slug
    Slug,
}

/// `tenant stats`.
#[derive(Debug, Args)]
pub(crate) struct TenantStatsArgs {
    /// One tenant, table by table
    #[arg(conflicts_with_all = ["only", "conditions", "all", "limit"])]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// How many tenants are shown
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// `tenant list`.
#[derive(Debug, Args)]
pub(crate) struct TenantListArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

/// `tenant clone`.
#[derive(Debug, Args)]
pub(crate) struct TenantCloneArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// The label the copy lives under
    pub(crate) new_slug: Slug,
    /// The name people read, if not the original's
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The address of the person who will own the copy
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) owner_email: EmailAddress,
    /// The name of that person, if the account is new
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_name: Option<String>,
    /// Read the owner's password from standard input instead of making one up
    #[arg(long)]
    pub(crate) owner_password_stdin: bool,
    #[command(flatten)]
    pub(crate) content: CloneContentArgs,
}

/// What of the original is copied: its records, if nothing is said.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct CloneContentArgs {
    /// Without records: only the version is the original's
    #[arg(long)]
    pub(crate) schema_only: bool,
    /// Let the original's people use the copy too, each as there
    #[arg(long)]
    pub(crate) with_members: bool,
    /// Make up what the template marks as personal: names, addresses, texts of people
    #[arg(long, alias = "anonymize")]
    pub(crate) anonymise: bool,
}

/// `tenant drop`.
#[derive(Debug, Args)]
pub(crate) struct TenantDropArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// Yes, take it away
    #[arg(long)]
    pub(crate) yes: bool,
    /// How long it can be brought back: a number and m, h, d or w
    #[arg(long, value_name = "TIME", conflicts_with = "now")]
    pub(crate) grace: Option<Lifetime>,
    /// Without grace: remove it at once, or now if it was dropped before
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) removal: RemovalArgs,
}

/// `tenant purge-dropped`.
#[derive(Debug, Args)]
pub(crate) struct TenantPurgeArgs {
    /// Yes, remove them for good
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Only say which, and how many locks each takes
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) removal: RemovalArgs,
}

/// What one transaction may take.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct RemovalArgs {
    /// The most locks one transaction may take, if not half of those the server has left
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_locks: Option<u32>,
    /// Take along what hangs on it outside its schema: views go, tables lose their foreign keys
    #[arg(long)]
    pub(crate) cascade: bool,
}

/// `tenant create`.
#[derive(Debug, Args)]
pub(crate) struct TenantCreateArgs {
    /// The label it lives under, which is its subdomain too
    pub(crate) slug: Slug,
    /// The name people read
    #[arg(long)]
    pub(crate) name: String,
    /// The address of the person who will own it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) owner_email: EmailAddress,
    /// The name of that person, if the account is new
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_name: Option<String>,
    /// Read the owner's password from standard input instead of making one up
    #[arg(long)]
    pub(crate) owner_password_stdin: bool,
    /// Whether it belongs to an agency
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kind: TenantKind,
    /// The agency a client belongs to
    #[arg(long, value_name = "SLUG", required_if_eq("kind", "client"))]
    pub(crate) parent: Option<Slug>,
}
