//! What a running demo prints: where it is, and lines that work as pasted.

use std::path::PathBuf;

use serde::Serialize;

use super::people;
use crate::demo_folder::Secrets;
use crate::output;

/// Everything somebody needs to try it.
#[derive(Serialize)]
pub(super) struct Card {
    address: String,
    data: PathBuf,
    tenants: Vec<Tenant>,
    password: String,
    curl: Vec<String>,
    sign_in: String,
    psql: String,
}

#[derive(Serialize)]
struct Tenant {
    slug: &'static str,
    name: &'static str,
    url: String,
    key: String,
    owner: &'static str,
}

impl Card {
    /// For a demo on this port. `is_default` says that the other commands find the folder by themselves.
    pub(super) fn new(port: u16, secrets: &Secrets, data: PathBuf, is_default: bool, program: &str) -> Self {
        let tenants: Vec<Tenant> = people::TENANTS
            .iter()
            .map(|tenant| Tenant {
                slug: tenant.slug,
                name: tenant.name,
                url: format!("http://{}.localhost:{port}", tenant.slug),
                key: secrets.keys.get(tenant.slug).cloned().unwrap_or_default(),
                owner: tenant.people.first().map_or("", |person| person.email),
            })
            .collect();
        let psql = if is_default {
            format!("{program} psql acme")
        } else {
            let data = quoted(&data.to_string_lossy());
            format!("TENANTRY_DEMO_DATA={data} {program} psql acme")
        };
        Self {
            address: format!("http://localhost:{port}"),
            data,
            curl: curl(port, &tenants),
            sign_in: sign_in(&tenants, &secrets.user_password),
            tenants,
            password: secrets.user_password.clone(),
            psql,
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let rows = self.tenants.iter().map(|tenant| {
            [
                tenant.name.to_owned(),
                tenant.url.clone(),
                tenant.owner.to_owned(),
                tenant.key.clone(),
            ]
        });
        let tenants = output::table(["TENANT", "ADDRESS", "OWNER", "API KEY"], rows);
        let (password, curl) = (&self.password, self.curl.join("\n\n  "));
        let (sign_in, psql, data) = (&self.sign_in, &self.psql, self.data.display());
        format!(
            "\nTenantry is running.\n\n{tenants}\n\nEverybody's password is {password}\n\n\
             Read, write, and name the tenant by a header instead of by its host:\n\n  {curl}\n\n\
             Sign in:\n\n  {sign_in}\n\n\
             Open psql on one tenant, in another terminal:\n\n  {psql}\n\n\
             Data and keys are kept in {data}\nCtrl-C stops everything."
        )
    }
}

fn curl(port: u16, tenants: &[Tenant]) -> Vec<String> {
    let lines = |one: &Tenant, two: &Tenant, three: &Tenant| {
        vec![
            format!(
                "curl -H 'apikey: {}' '{}/rest/v1/contacts?select=first_name,last_name,email&order=last_name,first_name&limit=3'",
                one.key, one.url
            ),
            format!(
                "curl -H 'apikey: {}' -H 'Content-Type: application/json' -H 'Prefer: return=representation' \
                 -d '{{\"first_name\":\"Grace\",\"last_name\":\"Hopper\"}}' '{}/rest/v1/contacts'",
                two.key, two.url
            ),
            format!(
                "curl -H 'apikey: {}' -H 'X-Organization: {}' 'http://localhost:{port}/rest/v1/deals?status=eq.won&limit=2'",
                three.key, three.slug
            ),
        ]
    };
    match tenants {
        [one, two, three] => lines(one, two, three),
        _ => Vec::new(),
    }
}

fn sign_in(tenants: &[Tenant], password: &str) -> String {
    tenants.first().map_or_else(String::new, |tenant| {
        format!(
            "curl -H 'Content-Type: application/json' -d '{{\"email\":\"{}\",\"password\":\"{password}\"}}' \
             '{}/auth/v1/token?grant_type=password'",
            tenant.owner, tenant.url
        )
    })
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
