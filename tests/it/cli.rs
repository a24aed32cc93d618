//! The command line from outside: the real program, on a real database, as an operator types it.

mod archive;
mod commands;
mod containers;
mod dba;
mod demo;
mod doctor;
mod environment;
mod fleet;
mod help;
mod killed;
mod migrate;
mod migrate_killed;
mod mixed;
mod plans;
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
