//! The integration binary: everything that needs a whole Tenantry, or the whole source tree.

mod calls;
mod change_channel;
mod citus;
mod cli;
mod containers;
mod cursors;
mod doctor;
mod drawing;
mod fleet;
mod flights;
mod http;
mod lifecycle;
mod models;
mod pooler;
mod psql_login;
mod records_read;
mod reference;
mod scope;
mod search;
mod server_login;
mod sql;
mod tidy;
mod tls;
mod workshop;
mod writes;

/// Prints a figure that a test found; `cargo test` shows it with `--nocapture`.
#[expect(clippy::print_stdout, reason = "figures are for whoever runs the test")]
fn tell(figure: &str) {
    println!("{figure}");
}
