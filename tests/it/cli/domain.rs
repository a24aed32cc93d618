//! Domains, as an operator types them, against a resolver and a web server of the test's own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use serde_json::Value;
use tests::TestDb;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::program::{Tenantry, masked};

const ACME: &str = "tenant create acme --name Acme --owner-email ann@acme.example";
const GLOBEX: &str = "tenant create globex --name Globex --owner-email gil@globex.example";

/// What the network says: by name of a TXT record, and by address of a page.
#[derive(Default)]
struct Said {
    records: HashMap<String, String>,
    pages: HashMap<String, String>,
}

/// A network of one resolver and one proxy; it ends with this value.
struct Network {
    said: Arc<Mutex<Said>>,
    resolver: SocketAddr,
    proxy: SocketAddr,
    _servers: JoinSet<()>,
}

impl Network {
    async fn up() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (resolver, proxy) = (socket.local_addr(), listener.local_addr());
        let said = Arc::new(Mutex::new(Said::default()));
        let mut servers = JoinSet::new();
        servers.spawn(resolve(socket, Arc::clone(&said)));
        servers.spawn(serve(listener, Arc::clone(&said)));
        Self {
            said,
            resolver: resolver.expect("an address"),
            proxy: proxy.expect("an address"),
            _servers: servers,
        }
    }

    fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().expect("nobody has panicked"));
    }

    /// `domain verify` by this network.
    fn verify(&self, domain: &str) -> String {
        let Self { resolver, proxy, .. } = self;
        format!("domain verify {domain} --resolver {resolver} --proxy http://{proxy}")
    }
}

/// Answers questions for TXT records, and says of other names that they are not.
async fn resolve(socket: UdpSocket, said: Arc<Mutex<Said>>) {
    let mut question = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut question).await {
        let question = &question[..length];
        let (mut name, mut at) = (Vec::new(), 12);
        while question[at] > 0 {
            let end = at + 1 + usize::from(question[at]);
            name.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
            at = end;
        }
        let record = said
            .lock()
            .expect("nobody has panicked")
            .records
            .get(&name.join("."))
            .cloned();
        let mut answer = question.to_vec();
        answer[2..4].copy_from_slice(if record.is_some() {
            &[0x81, 0x80]
        } else {
            &[0x81, 0x83]
        });
        if let Some(text) = record {
            let length = u8::try_from(text.len()).expect("a short text");
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, length + 1, length]);
            answer.extend(text.as_bytes());
        }
        socket.send_to(&answer, client).await.expect("sent");
    }
}

/// Answers with the page of an address, with a redirect where it is told to, and with 404 for others.
async fn serve(listener: TcpListener, said: Arc<Mutex<Said>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut first = String::new();
        stream.read_line(&mut first).await.expect("a request");
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|length| length > 2) {
            line.clear();
        }
        let url = first.split(' ').nth(1).unwrap_or_default();
        let page = said.lock().expect("nobody has panicked").pages.get(url).cloned();
        let answer = match page.as_deref() {
            Some(page) => match page.strip_prefix("to ") {
                Some(to) => format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n"),
                None => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", page.len()),
            },
            None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n".to_owned(),
        };
        let body = page.filter(|page| !page.starts_with("to ")).unwrap_or_default();
        let answer = format!("{answer}connection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.expect("answered");
    }
}

/// The one domain of acme.
async fn listed(tenantry: &Tenantry) -> Value {
    tenantry.json("domain list acme").await[0].clone()
}

#[tokio::test]
async fn a_domain_is_verified_by_each_of_three_places() {
    let t = TestDb::new().await;
    let (tenantry, network) = (Tenantry::on(&t).await, Network::up().await);
    tenantry.does(ACME).await;
    tenantry.does("domain add acme Shop.Example.com").await;
    let added = listed(&tenantry).await;
    let text = |name: &str| added[name].as_str().expect("a text").to_owned();
    let (verify, token) = (network.verify("acme shop.example.com"), text("token"));
    let refused = tenantry.run(&verify).await;
    assert!(
        refused
            .stderr
            .contains("the word was not found: TXT _tenantry.shop.example.com has it not;"),
        "{refused}"
    );
    let record = (text("record_name"), text("record_value"));
    let file = (text("file"), format!("{token}\n"));
    let moved = "http://shop.example.com/start";
    let page = [
        ("http://shop.example.com/".to_owned(), format!("to {moved}")),
        (
            moved.to_owned(),
            format!("<html><head>{}</head>", text("element")),
        ),
    ];
    for (method, records, pages) in [
        ("dns", vec![record], vec![]),
        ("file", vec![], vec![file]),
        ("meta", vec![], page.to_vec()),
    ] {
        network.say(|said| {
            *said = Said {
                records: records.into_iter().collect(),
                pages: pages.into_iter().collect(),
            }
        });
        let shown = tenantry.does(&verify).await;
        assert_eq!(
            shown.stdout.trim(),
            format!("shop.example.com is acme's: shown by {method}")
        );
        assert_eq!(listed(&tenantry).await["method"], method);
    }
    // The word is gone, and so is what it showed; the same where another host answers for it.
    let elsewhere = (
        "http://shop.example.com/".to_owned(),
        "to http://evil.example/".to_owned(),
    );
    let evil = ("http://evil.example/".to_owned(), page[1].1.clone());
    network.say(|said| {
        *said = Said {
            pages: [elsewhere, evil].into(),
            ..Said::default()
        }
    });
    assert_eq!(tenantry.run(&verify).await.status, Some(1));
    assert_eq!(listed(&tenantry).await["verified_at"], Value::Null);
    let owner = t.as_owner().await;
    let events = "select string_agg(event_type, ' ' order by created_at, id) from catalog.catalog_audit_logs where event_type like 'domain.%'";
    let events: String = owner.query_one(events, &[]).await.expect("events").get(0);
    assert_eq!(events, "domain.added domain.verified domain.verification_lost");
}

#[tokio::test]
async fn what_cannot_be_asked_changes_nothing_and_one_of_two_has_a_domain() {
    let t = TestDb::new().await;
    let (tenantry, network) = (Tenantry::on(&t).await, Network::up().await);
    tenantry.does(ACME).await;
    tenantry.does(GLOBEX).await;
    for slug in ["acme", "globex"] {
        tenantry
            .does(&format!("domain add {slug} shop.example.com"))
            .await;
    }
    let added = listed(&tenantry).await;
    let text = |name: &str| added[name].as_str().expect("a text").to_owned();
    network.say(|said| drop(said.records.insert(text("record_name"), text("record_value"))));
    tenantry.does(&network.verify("acme shop.example.com")).await;
    // Nobody listens there: what is known stays.
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address");
    network.say(|said| said.records.clear());
    let unsure = format!(
        "domain verify acme shop.example.com --resolver {} --proxy http://{nowhere}",
        network.resolver
    );
    let unsure = tenantry.run(&unsure).await;
    assert_eq!(unsure.status, Some(2), "{unsure}");
    assert!(unsure.stderr.contains("nothing was changed"), "{unsure}");
    assert_eq!(listed(&tenantry).await["method"], "dns");
    // Globex puts its own word there.
    let globex = tenantry.json("domain list globex").await;
    let word = globex[0]["record_value"].as_str().expect("a text").to_owned();
    network.say(|said| drop(said.records.insert(text("record_name"), word)));
    let taken = tenantry.run(&network.verify("globex shop.example.com")).await;
    assert!(
        taken
            .stderr
            .contains("another organization has the domain verified"),
        "{taken}"
    );
    tenantry.does("domain remove acme shop.example.com").await;
    tenantry.does(&network.verify("globex shop.example.com")).await;
    // What is purged has no domain any more.
    tenantry.does("tenant drop globex --yes --now").await;
    tenantry.does("domain add acme shop.example.com").await;
    let added = listed(&tenantry).await;
    let text = |name: &str| added[name].as_str().expect("a text").to_owned();
    network.say(|said| drop(said.records.insert(text("record_name"), text("record_value"))));
    tenantry.does(&network.verify("acme shop.example.com")).await;
}

#[tokio::test]
async fn domains_are_added_once_listed_and_removed() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("domain list acme").await, @r"
    exit status 0
    -- out
    acme has no domains: `tenantry domain add acme shop.example.com` adds one
    ");
    let first = tenantry.does("domain add acme shop.example.com").await;
    let again = tenantry.does("domain add acme shop.example.com").await;
    assert_eq!(first.stdout, again.stdout);
    assert_snapshot!(tenantry.run("domain list acme").await, @r"
    exit status 0
    -- out
    DOMAIN            SHOWN BY  VERIFIED  CHECKED
    shop.example.com  -         -         -
    ");
    for wrong in [
        "localhost",
        "10.0.0.1",
        "https://shop.example.com",
        "*.example.com",
    ] {
        let refused = tenantry.run(&format!("domain add acme {wrong}")).await;
        assert!(
            refused.stderr.len() > 1 && refused.stderr.contains("is not a domain"),
            "{refused}"
        );
    }
    assert_snapshot!(tenantry.run("domain verify acme other.example.com").await, @r"
    exit status 1
    -- err
    error: could not verify other.example.com: acme has no domain other.example.com
      next: `tenantry domain list acme` shows the domains, `tenantry domain add acme other.example.com` adds it
    ");
    assert_snapshot!(tenantry.run("domain remove acme shop.example.com").await, @r"
    exit status 0
    -- out
    removed shop.example.com
    ");
    assert_snapshot!(tenantry.run("domain remove acme shop.example.com").await, @r"
    exit status 1
    -- err
    error: could not remove shop.example.com from acme: acme has no domain shop.example.com
      next: `tenantry domain list acme` shows the domains, `tenantry domain add acme shop.example.com` adds it
    ");
}
