//! The command line from outside: the real program, on a real database, as an operator types it.

mod commands;
mod dba;
mod demo;
mod environment;
mod fleet;
mod help;
mod killed;
mod migrate;
mod migrate_killed;
mod program;
mod psql;
mod refusals;
mod selection;
mod serve;
mod sql;
mod standing;
mod template;
mod template_check;
mod usage;
