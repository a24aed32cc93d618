//! I1: who may use whom, read from the manifests.

/// Crate, the crates of ours it uses, and crates of others it must not know.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("catalog", &[], HTTP_AND_CLAP),
    ("tenant-schema", &["catalog"], HTTP_AND_CLAP),
    (
        "server",
        &["catalog", "tenant-schema"],
        &[
            "clap",
            "tokio-postgres",
            "postgres-protocol",
            "refinery",
            "deadpool",
        ],
    ),
    (
        "admin",
        &["catalog", "tenant-schema", "server"],
        &[
            "tokio-postgres",
            "postgres-protocol",
            "refinery",
            "deadpool",
            "axum",
        ],
    ),
    ("tests", &["catalog", "tenant-schema", "server"], &[]),
];

const HTTP_AND_CLAP: &[&str] = &[
    "clap",
    "axum",
    "hyper",
    "hyper-util",
    "tower",
    "tower-http",
    "http",
    "http-body-util",
];

/// What is wrong with a crate's manifest.
pub(super) fn check(krate: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed, forbidden)) = TABLE.iter().find(|(name, _, _)| *name == krate) else {
        return vec![format!("{krate} is not in the table of crates")];
    };
    let used = dependencies(manifest);
    let ours = |name: &str| TABLE.iter().any(|(krate, _, _)| *krate == name);
    let wrong = used
        .iter()
        .filter(|name| (ours(name) && !allowed.contains(name)) || forbidden.contains(name));
    let missing = allowed.iter().filter(|name| !used.contains(*name));
    wrong
        .map(|name| format!("{krate} must not use {name}"))
        .chain(missing.map(|name| format!("{krate} uses {name} no more: change the table")))
        .collect()
}

/// The names of the crates a manifest uses, for building and for running, not for testing.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]"
                || line == "[build-dependencies]"
                || line.ends_with(".dependencies]");
        } else if inside && !line.starts_with('#') {
            names.extend(line.split(['.', '=', ' ']).next().filter(|name| !name.is_empty()));
        }
    }
    names
}

#[test]
fn shown_to_catch_an_edge_that_is_not_in_the_table() {
    let good = "[package]\nname = \"x\"\n[dependencies]\nserde = \"1\"\ncatalog.workspace = true\n";
    assert_eq!(check("tenant-schema", good), [""; 0]);
    let upwards = format!("{good}server.workspace = true\n");
    assert_eq!(
        check("tenant-schema", &upwards),
        ["tenant-schema must not use server"]
    );
    let http = format!("{good}axum = {{ version = \"0.8\" }}\n");
    assert_eq!(check("tenant-schema", &http), ["tenant-schema must not use axum"]);
    let alone = "[dependencies]\nserde = \"1\"\n[dev-dependencies]\nclap = \"4\"\n";
    assert_eq!(check("catalog", alone), [""; 0]);
    assert_eq!(
        check("tenant-schema", alone),
        ["tenant-schema uses catalog no more: change the table"]
    );
    assert_eq!(check("extra", alone), ["extra is not in the table of crates"]);
}
