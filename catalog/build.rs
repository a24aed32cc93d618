//! Rebuilds when a migration file is added: the embedding macro alone does not notice.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
