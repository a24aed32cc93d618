//! Domains of organizations: added with a word, verified where the word is found.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::row::Columns;
use crate::sessions::Device;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

stored_text! {
    /// How a domain is shown to be somebody's.
    Method {
        /// A TXT record below the domain.
        Dns = "dns",
        /// A file on its web server.
        File = "file",
        /// A meta element of its first page.
        Meta = "meta",
    }
}

/// The name of a host in the DNS, in lower case: no address, no port, two labels at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname(String);

/// A text that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a domain: labels of letters, digits and hyphens with dots between them, such as shop.example.com"
)]
pub struct HostnameError(String);

impl Hostname {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Hostname {
    type Err = HostnameError;

    /// Reads a name in any case. Names of other scripts are given in their ASCII form (`xn--…`).
    fn from_str(text: &str) -> Result<Self, HostnameError> {
        let name = text.to_ascii_lowercase();
        let is_label = |label: &str| {
            let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(known)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let mut labels = name.split('.');
        let top = labels.next_back().unwrap_or_default();
        let has_more = name.contains('.') && labels.all(is_label);
        let is_name = is_label(top) && top.bytes().any(|c| c.is_ascii_lowercase());
        if has_more && is_name && name.len() <= 253 {
            Ok(Self(name))
        } else {
            Err(HostnameError(text.chars().take(80).collect()))
        }
    }
}

/// A domain that an organization says is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Identifies the row.
    pub id: Uuid,
    /// Its name.
    pub hostname: Hostname,
    /// The word that shows it.
    pub token: String,
    /// How it was shown, if it was.
    pub method: Option<Method>,
    /// Since when it is known to be the organization's.
    pub verified_at: Option<DateTime<Utc>>,
    /// When it was looked at last.
    pub checked_at: Option<DateTime<Utc>>,
}

impl Domain {
    /// The name and the value of the TXT record.
    pub fn record(&self) -> (String, String) {
        (
            format!("_tenantry.{}", self.hostname),
            format!("tenantry-verification={}", self.token),
        )
    }

    /// The address of the file, which has the word and nothing else.
    pub fn file(&self) -> String {
        format!("http://{}/.well-known/tenantry-verification", self.hostname)
    }

    /// The address of the first page.
    pub fn page(&self) -> String {
        format!("http://{}/", self.hostname)
    }

    /// The element of the first page.
    pub fn element(&self) -> String {
        format!("<meta name=\"tenantry-verification\" content=\"{}\">", self.token)
    }

    /// Whether these TXT records show it.
    pub fn is_shown_by_records(&self, records: &[String]) -> bool {
        let (_, wanted) = self.record();
        records.iter().any(|record| record.trim() == wanted)
    }

    /// Whether this file shows it.
    pub fn is_shown_by_file(&self, text: &str) -> bool {
        text.trim() == self.token
    }

    /// Whether this page shows it: by a `meta` element of its head with the name and the word, in any order.
    pub fn is_shown_by_page(&self, page: &str) -> bool {
        elements_of_head(&page.to_ascii_lowercase())
            .iter()
            .any(|element| {
                attribute(element, "name").as_deref() == Some("tenantry-verification")
                    && attribute(element, "content").as_deref() == Some(self.token.as_str())
            })
    }
}

/// What stands in the `meta` elements of a page's head. The tags of head and body may be left out: so the head ends with the first
/// element that cannot be in one. What is in comments, scripts and the like is no element.
fn elements_of_head(page: &str) -> Vec<&str> {
    let (mut rest, mut elements) = (page, Vec::new());
    while let Some((_, tag)) = rest.split_once('<') {
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").unwrap_or_default().1;
            continue;
        }
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next();
        let (element, after) = tag.split_once('>').unwrap_or_default();
        rest = after;
        match name.unwrap_or_default() {
            "meta" => elements.push(element.strip_prefix("meta").unwrap_or_default()),
            raw @ ("title" | "script" | "style" | "noscript" | "template") => {
                rest = after.split_once(&format!("</{raw}")).unwrap_or_default().1;
            }
            "html" | "head" | "base" | "link" => {}
            "" if tag.starts_with("!doctype") => {}
            _ => break,
        }
    }
    elements
}

/// The value of an attribute: in quotes of either kind, or up to the next blank. There may be blanks and line ends before it and
/// around its equals sign.
fn attribute(element: &str, name: &str) -> Option<String> {
    let mut rest = element;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c == '=' || c == '/' || c.is_ascii_whitespace());
        let (found, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_ascii_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_ascii_start) else {
            if found.is_empty() {
                return None;
            }
            rest = after;
            continue;
        };
        let (value, after) = match value.chars().next()? {
            quote @ ('"' | '\'') => value.get(1..)?.split_once(quote)?,
            _ => value.split_at(
                value
                    .find(|c: char| c.is_ascii_whitespace())
                    .unwrap_or(value.len()),
            ),
        };
        if found == name {
            return Some(value.trim().trim_end_matches('/').to_owned());
        }
        rest = after;
    }
}

/// Adds a domain, or gives back the one that is there.
pub async fn add(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    hostname: &Hostname,
    actor: &Actor,
    source: &Source,
) -> Result<Domain, CatalogError> {
    let bytes: [u8; 16] = source.bytes();
    let token = bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let (id, name) = (source.uuid(), hostname.as_str());
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
        &id,
        &organization,
        &name,
        &token,
        &source.now(),
        &actor.to_string(),
    ];
    if tx.execute(ADD, &params).await? > 0 {
        let event = AuditEvent::DomainAdded {
            hostname: name.to_owned(),
        };
        audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    }
    let found = find(tx, organization, hostname).await?;
    found.ok_or(CatalogError::NotFound { what: "domain" })
}

/// One domain of an organization's, locked until the transaction ends.
pub async fn find(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    hostname: &Hostname,
) -> Result<Option<Domain>, CatalogError> {
    let found = tx.row(FIND, &[&organization, &hostname.as_str()]).await?;
    found.as_ref().map(domain).transpose()
}

/// The domains of an organization, by name.
pub async fn list(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Vec<Domain>, CatalogError> {
    tx.rows(LIST, &[&organization])
        .await?
        .iter()
        .map(domain)
        .collect()
}

/// Notes how a domain was shown, or that it was not. Says whether it could be: no, where another organization has shown
/// that it is its own.
pub async fn check(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    domain: &Domain,
    method: Option<Method>,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let word = method.map(Method::as_str);
    let changed = tx.execute(CHECK, &[&domain.id, &word, &source.now()]).await?;
    if changed == 0 {
        return Ok(false);
    }
    if domain.method.is_some() != method.is_some() {
        let hostname = domain.hostname.to_string();
        let event = AuditEvent::DomainChecked { hostname, method };
        audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    }
    Ok(true)
}

/// Removes a domain. Says whether it was there.
pub async fn remove(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    hostname: &Hostname,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let was_there = tx.execute(REMOVE, &[&organization, &hostname.as_str()]).await? > 0;
    if was_there {
        let event = AuditEvent::DomainRemoved {
            hostname: hostname.to_string(),
        };
        audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    }
    Ok(was_there)
}

/// Removes all domains of an organization that is erased, or has moved to another database, so that others can have them. Says how
/// many there were. It is locked.
pub(crate) async fn leave(tx: &mut CatalogTx, organization: OrganizationId) -> Result<u64, CatalogError> {
    Ok(tx.execute(LEAVE, &[&organization]).await?)
}

fn domain(row: &tokio_postgres::Row) -> Result<Domain, CatalogError> {
    let columns = Columns::new(row, "organization_domains");
    Ok(Domain {
        id: columns.get("id")?,
        hostname: columns.parse("hostname")?,
        token: columns.get("token")?,
        method: columns.parse_nullable("method")?,
        verified_at: columns.get("verified_at")?,
        checked_at: columns.get("checked_at")?,
    })
}

const ADD: &str = "\
    insert into catalog.organization_domains (id, organization_id, hostname, token, created_at, created_by) \
    values ($1, $2, $3, $4, $5, $6) on conflict on constraint organization_domains_hostname_key do nothing";

const FIND: &str = "\
    select id, hostname, token, method, verified_at, checked_at from catalog.organization_domains \
    where organization_id = $1 and hostname = $2 for update";

const LIST: &str = "\
    select id, hostname, token, method, verified_at, checked_at from catalog.organization_domains \
    where organization_id = $1 order by hostname";

const CHECK: &str = "\
    update catalog.organization_domains d \
    set method = $2, checked_at = $3, verified_at = case when $2::text is not null then coalesce(d.verified_at, $3) end \
    where d.id = $1 and ($2::text is null or not exists ( \
      select from catalog.organization_domains o \
      where o.hostname = d.hostname and o.id <> d.id and o.verified_at is not null))";

const REMOVE: &str = "delete from catalog.organization_domains where organization_id = $1 and hostname = $2";

const LEAVE: &str = "delete from catalog.organization_domains where organization_id = $1";

pub(crate) const STATEMENTS: &[&str] = &[ADD, FIND, LIST, CHECK, REMOVE, LEAVE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostname_is_a_name_in_the_dns() {
        let read = |text: &str| text.parse::<Hostname>().map(|name| name.to_string()).ok();
        assert_eq!(read("Shop.Example.COM").as_deref(), Some("shop.example.com"));
        assert_eq!(
            read("xn--bcher-kva.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            "localhost",
            "example.",
            ".example",
            "a..b",
            "-a.example",
            "a-.example",
            "a_b.example",
            "10.0.0.1",
            "[::1]",
            "example.com:8080",
            "https://example.com",
            "example.com/",
            "*.example.com",
            "bücher.example",
            &long,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_shows_a_domain_where_it_should_stand() {
        let token = "0123456789abcdef0123456789abcdef".to_owned();
        let hostname = "shop.example".parse().expect("a name");
        let domain = Domain {
            id: Uuid::nil(),
            hostname,
            token,
            method: None,
            verified_at: None,
            checked_at: None,
        };
        let (name, value) = domain.record();
        assert_eq!(name, "_tenantry.shop.example");
        assert!(domain.is_shown_by_records(&["v=spf1 -all".to_owned(), value.clone()]));
        assert!(!domain.is_shown_by_records(&[format!("{value}0"), domain.token.clone()]));
        assert!(domain.is_shown_by_file(&format!("{}\n", domain.token)));
        assert!(!domain.is_shown_by_file(&format!("<p>{}</p>", domain.token)));
        let page = |element: &str| {
            format!("<!doctype html><html><head><meta charset=utf-8>{element}</head><body>x</body>")
        };
        let (word, name) = (&domain.token, "tenantry-verification");
        for element in [
            domain.element(),
            format!("<META content='{word}' NAME='{name}' />"),
            format!("<meta name={name} content={word}>"),
            format!("<meta name={name} content={word}/>"),
            format!("<title>x <p></title><meta\n  name=\"{name}\"\n\tcontent = \"{word}\"\n/>"),
            format!("<meta property='a name=b' content-x name='{name}' content='{word}'>"),
        ] {
            assert!(domain.is_shown_by_page(&page(&element)), "{element}");
        }
        for element in [
            format!("<meta name=\"{name}\" content=\"{word}0\">"),
            format!("<p>{word}</p>"),
            format!("<meta name=\"{name}\"><meta content=\"{word}\">"),
        ] {
            assert!(!domain.is_shown_by_page(&page(&element)), "{element}");
        }
        // Where the tags of the body are left out, it begins with the first element that no head has.
        for page in [
            format!("<title>Guests</title><p>{}", domain.element()),
            format!("<!-- {} --><title>{}</title>", domain.element(), domain.element()),
            format!("<head><script>'{}'</script>", domain.element()),
            format!("</head>{}", domain.element()),
        ] {
            assert!(!domain.is_shown_by_page(&page), "{page}");
        }
        let short = format!("<!doctype html><title>x</title>{}<p>y", domain.element());
        assert!(domain.is_shown_by_page(&short));
        // What somebody else writes on the page, a comment for instance, shows nothing.
        let guest = format!(
            "<html><head></head><body><p>{}</p></body></html>",
            domain.element()
        );
        assert!(!domain.is_shown_by_page(&guest));
    }
}
