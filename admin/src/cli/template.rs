//! `tenantry template …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const CHECK: &str = "\
Examples:
  tenantry template check ./sql
  tenantry template check ./sql --strict          in a pipeline: warnings count too
  tenantry template check ./sql --text-only       without PostgreSQL
  tenantry template check ./sql --target citus    for distributed schemas (docs/citus.md)
  tenantry template check ./sql --json | jq -r '.findings[] | .file + \":\" + (.line | tostring) + \" \" + .rule'

A template is a folder of SQL files, V1__first.sql, V2__second.sql and on, that are applied in one transaction to the
schema of each tenant. A tenant schema is dumped, moved and restored by itself; its role is its wall; all tenants share
prepared statements and one model of what there is. The check says what in the files does not go with that.

P9__index.sql, behind V9, is one statement that runs outside of the transaction, such as create index concurrently.
B8__start.sql, beside V1 to V8, is what new tenants are made of in their place; old ones go on by the V files.

ERRORS break a promise, and have to be mended:
  schema-name, catalog-reference, outside-dependency  names and keys that lead out of the schema
  extension, schema, shared-object                    what is no part of a schema
  rights                                              grants and owners: every tenant has roles of its own
  baseline-differs                                    a B file that does not make what the V files make
  definer-path                                        a function whose caller could choose its tables
  session-setting                                     settings that other tenants or later files would see
  transaction, outside-transaction, concurrently      what cannot be part of the one transaction
  post-step                                           a P file that is none
  engine-name                                         a table that the engine makes itself
  file-name, file-number, access-line, personal-line, copy, psql-command, unreadable, does-not-apply
  citus-rule, citus-inheritance, citus-foreign-table, citus-typed-table
                                                      with --target citus: what Citus refuses

WARNINGS work, and cost something where there are many tenants or many rows; a schema that was made for something else
can be tried as it stands:
  own-type, select-star                               what prepared statements cannot share
  unindexed-foreign-key, no-primary-key               what is slow, or has no address
  field-versions-shown, left-behind, access-unused    what the engine does not do as it looks
  personal-unmarked                                   what sounds like people, and is not said to be about them or not
  timestamp, unnamed-constraint, uncommented-table, file-gap
  citus-trigger, citus-setting, citus-materialized-view, citus-small-sequence
                                                      with --target citus: what works with settings, or otherwise

Some rules are about what PostgreSQL makes of the files: they are applied to a schema in a transaction that is rolled
back, on the database of DATABASE_URL, on that of a running demo, or on a temporary one.

What the API shows and who writes it is said in the last line of a comment: `@access member:read` (admins write),
`@access read` (nobody writes) or `@access hidden`; without it every member writes. Above it, a column says by `@personal
email` that it is about people, and how (docs/personal-data.md); `@personal none` is for a table without any such column.

Exit status:  0 no errors   1 errors, or with --strict warnings   2 the environment or a surprise";

/// `template …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Say what in a template does not go with many tenants in one database, and what to do instead
    #[command(after_help = CHECK)]
    Check(TemplateCheckArgs),
}

/// `template check`.
#[derive(Debug, Args)]
pub(crate) struct TemplateCheckArgs {
    /// The folder; without it the one of --template or `TENANTRY_TEMPLATE`, or the CRM that ships
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Warnings count like errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// Only read the files, without PostgreSQL
    #[arg(long)]
    pub(crate) text_only: bool,
    /// What the tenants are to live on; for citus, what cannot be in a distributed schema is found besides
    #[arg(long, value_enum, default_value_t)]
    pub(crate) target: CheckTarget,
}

/// What tenants are to live on.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum CheckTarget {
    /// One PostgreSQL
    #[default]
    Postgresql,
    /// Distributed schemas of Citus 12 or newer
    Citus,
}
