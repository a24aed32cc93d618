//! The variables of the environment, as the help lists them.

/// Those that several commands read.
const SHARED: &str = "\
Environment:
  DATABASE_URL           the owner's connection, for every command but serve;
                         where it is unset, a running demo's
  SERVER_DATABASE_URL    for serve: the connection of login tenantry_server,
                         with pooler=transaction where a pooler stands before
                         PostgreSQL (docs/pgbouncer.md)
  SERVER_DIRECT_DATABASE_URL
                         then the same past the pooler, to listen for changes;
                         without it nothing is cached
  TARGET_DATABASE_URL    for tenant move: the owner's connection to the other
                         database, where --to does not name it
  TENANTRY_KEYRING       seals the signing keys: id:base64 of 32 bytes, the
                         newest first, separated by commas
  TENANTRY_KEYRING_FILE  a file with the same
  TENANTRY_TEMPLATE      the folder of a template of your own, for all
                         commands: what --template says [the CRM]
  TENANTRY_SERVER_PASSWORD
                         the password that init gives to tenantry_server
  TENANTRY_DROP_GRACE    how long a dropped tenant can be brought back, such
                         as 12h, 30d or 2w [30d]
  TENANTRY_LISTEN        where serve listens [127.0.0.1:8080]
  TENANTRY_BASE_DOMAIN   tenants are one label below it [localhost]
  TENANTRY_PUBLIC_SCHEME http or https, as clients see it
                         [https; on localhost http]
  TENANTRY_PUBLIC_PORT   the port as clients see it
                         [the scheme's; on localhost that of TENANTRY_LISTEN]
  TENANTRY_TRUSTED_PROXIES
                         addresses or networks whose X-Forwarded-* headers
                         count, separated by commas
  TENANTRY_ALLOWED_ORIGINS
                         origins whose pages may ask from a browser, separated
                         by commas: https://app.example.com,
                         http://localhost:* (any port), * (all)
                         [none; for demo, this machine's]
  TENANTRY_POSTGRES_BIN  the folder of initdb and postgres, for demo and erd
  TENANTRY_DEMO_DATA     the demo's folder [~/.local/share/tenantry/demo]
  RUST_LOG               what is logged, such as info or warn,server=debug";

/// Those that size the server.
const SIZING: &str = "\
Environment, for the size of a server (serve and demo):
  TENANTRY_LANES         connections to the tenants; every tenant prefers some
                         of them, so that it finds its plans warm [8]
  TENANTRY_TENANT_LANES  the most of these that one tenant may hold at once
                         [three quarters]
  TENANTRY_CATALOG_CONNECTIONS
                         connections for the catalog [4]
  TENANTRY_STATEMENT_TIMEOUT
                         how long one SQL statement of a tenant may run, below
                         TENANTRY_REQUEST_DEADLINE [10s]
  TENANTRY_LOCK_TIMEOUT  how long it may wait for a lock, below
                         TENANTRY_STATEMENT_TIMEOUT [3s]
  TENANTRY_REQUEST_DEADLINE
                         how long a request may take until its answer, and
                         those in flight when the server is stopped [15s]
  TENANTRY_BODY_LIMIT    the largest request body: bytes, KiB or MiB [4MiB]
  TENANTRY_CONCURRENCY   requests handled at once; one more is answered by
                         503 [1024]
  TENANTRY_TENANT_CONCURRENCY
                         of these, the requests of one tenant; one more is
                         answered by 429. A plan may say less [half]
  TENANTRY_EXPORTS       exports at once, each with a connection of its own;
                         one more is answered by 503 [4]
  TENANTRY_TENANT_EXPORTS
                         exports of one tenant at once; one more is answered
                         by 429 [half]
  TENANTRY_EXPORT_FETCH_TIMEOUT
                         how long PostgreSQL may take to give the next record
                         of an export [1m]
  TENANTRY_EXPORT_STALL_TIMEOUT
                         how long a client may take nothing of one [30s]
  TENANTRY_EXPORT_DEADLINE
                         how long one may take in all [60m]

A server opens at most TENANTRY_LANES plus TENANTRY_CATALOG_CONNECTIONS plus
TENANTRY_EXPORTS connections, and one more that listens for changes: 17 by
default. PostgreSQL's max_connections must have room for all servers.
Lengths of time are whole numbers with ms, s or m.";

/// The end of `tenantry --help`.
pub(super) fn overview(beginning: &str) -> String {
    format!(
        "{beginning}\n\n{SHARED}\n  … more, for the size of a server: tenantry serve --help\n\n\
         Exit status:\n  0 done   1 it cannot be done as asked   2 the environment or a surprise"
    )
}

/// The end of `tenantry serve --help`: every variable there is.
pub(super) fn all(beginning: &str) -> String {
    format!("{beginning}\n\n{SHARED}\n\n{SIZING}")
}
