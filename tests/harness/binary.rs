//! The real `tenantry` binary, built as a user would build it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

/// How the binary is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `cargo build`.
    Dev,
    /// `cargo build --release`.
    Release,
}

/// The path of the binary, built if it is not current. Cargo builds another package's binary for no test, so it is
/// asked to. The packages are those of `cargo test --workspace`, so that it finds everything but the binary itself
/// compiled; when nothing changed that takes a fraction of a second.
pub fn tenantry(profile: Profile) -> Result<PathBuf> {
    static DEV: Mutex<Option<PathBuf>> = Mutex::new(None);
    static RELEASE: Mutex<Option<PathBuf>> = Mutex::new(None);
    let known = match profile {
        Profile::Dev => &DEV,
        Profile::Release => &RELEASE,
    };
    // Held while it is built: the tests that come meanwhile wait for that one build.
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &*known {
        return Ok(path.clone());
    }
    let path = build(profile)?;
    *known = Some(path.clone());
    Ok(path)
}

fn build(profile: Profile) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--workspace",
        "--bin",
        "tenantry",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let output = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo to build the tenantry binary")?;
    ensure!(
        output.status.success(),
        "cargo could not build the tenantry binary"
    );
    let executable = |line: &str| -> Option<PathBuf> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == "tenantry")
            .then(|| message["executable"].as_str().map(PathBuf::from))?
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(executable)
        .context("cargo named no tenantry binary")
}
