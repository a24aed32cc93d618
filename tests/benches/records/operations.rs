//! What is measured: each operation as requests, and as the statement that the engine writes for them.

use anyhow::{Context, Result};
use tenant_schema::records::{
    Limits, Operation, Payload, Preferences, Request, Rights, SchemaModel, prepare,
};
use tests::bench::{Script, Tenant};
use tests::records::cursors;
use uuid::Uuid;

/// How many different requests there are of each operation.
const KINDS: usize = 1000;

/// The beginning of all ids, before twelve digits.
const ID: &str = "00000000-0000-7000-8000-";

/// The beginning of the ids that the engine gives to new records here; random ones take its place.
const NEW_ID: &str = "bbbbbbbb-bbbb-7bbb-8bbb-";

/// 500 companies; 10,000 contacts, 20 in each company; two deals with each contact.
pub(crate) const SEED: &str = "
insert into {schema}.companies (id, name, domain)
select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Company ' || n, 'company' || n || '.example'
  from generate_series(0, 499) n;
insert into {schema}.contacts (id, first_name, last_name, email, company_id)
select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Ada', 'Lovelace ' || n, 'ada' || n || '@example.com',
       ('00000000-0000-7000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid
  from generate_series(0, 9999) n;
insert into {schema}.deals (title, value, contact_id, pipeline_id, stage_id)
select 'Deal ' || n, 1000 + n, ('00000000-0000-7000-8000-' || lpad((n % 10000)::text, 12, '0'))::uuid, s.pipeline_id, s.id
  from generate_series(0, 19999) n
 cross join (select s.pipeline_id, s.id from {schema}.stages s where s.kind = 'open' order by s.position limit 1) s;
analyze {schema}.companies, {schema}.contacts, {schema}.deals, {schema}.stages;
";

/// One operation.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Requests that differ in their values only.
    pub(crate) requests: Vec<Vec<u8>>,
    /// The statement of all of them, with values that change as theirs do.
    pub(crate) script: Script,
}

/// A request, as a function of a number below [`KINDS`].
struct Asked {
    name: &'static str,
    method: &'static str,
    /// The object, with an id where there is one.
    path: fn(usize) -> String,
    query: fn(usize) -> String,
    prefer: &'static str,
    body: fn(usize) -> String,
}

/// A list, which the others differ from.
const LIST: Asked = Asked {
    name: "",
    method: "GET",
    path: |_| "contacts".to_owned(),
    query: |_| String::new(),
    prefer: "",
    body: |_| String::new(),
};

const INSERT: Asked = Asked {
    method: "POST",
    path: |_| "companies".to_owned(),
    ..LIST
};

/// The contacts of one company after the other, with so much of each.
fn of_a_company(n: usize, select: &str) -> String {
    format!(
        "select={select}&company_id=eq.{}&order=last_name.asc&limit=20",
        id(n % 500)
    )
}

const ASKED: [Asked; 6] = [
    Asked {
        name: "get one contact",
        path: |n| format!("contacts/{}", id(n)),
        ..LIST
    },
    Asked {
        name: "list 20 contacts of a company",
        query: |n| of_a_company(n, "id,first_name,last_name,email,status,created_at"),
        ..LIST
    },
    Asked {
        name: "the same with their company and deals",
        query: |n| {
            of_a_company(
                n,
                "id,first_name,last_name,company:companies(id,name),deals(id,title,value)",
            )
        },
        ..LIST
    },
    Asked {
        name: "insert one company",
        prefer: "return=representation",
        body: |n| format!(r#"{{"name":"New company {n}","industry":"Trade"}}"#),
        ..INSERT
    },
    Asked {
        name: "upsert one company",
        prefer: "resolution=merge-duplicates,return=minimal",
        body: |n| format!(r#"{{"id":"{}","name":"Company {n} again"}}"#, id(n % 500)),
        ..INSERT
    },
    Asked {
        name: "insert 1,000 companies",
        prefer: "return=minimal",
        body: |n| {
            let rows = (0..1000).map(|row| format!(r#"{{"name":"Bulk {n} {row}","industry":"Trade"}}"#));
            format!("[{}]", rows.collect::<Vec<_>>().join(","))
        },
        ..INSERT
    },
];

/// All that is measured.
pub(crate) fn operations(model: &SchemaModel, tenant: &Tenant) -> Result<Vec<Measured>> {
    ASKED.iter().map(|asked| measured(asked, model, tenant)).collect()
}

fn id(n: usize) -> String {
    format!("{ID}{n:012}")
}

fn measured(asked: &Asked, model: &SchemaModel, tenant: &Tenant) -> Result<Measured> {
    // A thousand bodies of a thousand records would take more memory than they show.
    let kinds = if (asked.body)(0).len() > 1000 { 10 } else { KINDS };
    let request = |n| {
        let (path, query, body) = ((asked.path)(n), (asked.query)(n), (asked.body)(n));
        let line = format!("{} /rest/v1/{path}?{query}", asked.method);
        let head = if asked.prefer.is_empty() {
            String::new()
        } else {
            format!("Prefer: {}\r\nContent-Type: application/json\r\n", asked.prefer)
        };
        tenant.request(&line, &head, &body)
    };
    Ok(Measured {
        name: asked.name,
        requests: (0..kinds).map(request).collect(),
        script: script(asked, model, tenant).with_context(|| asked.name)?,
    })
}

/// The engine's statement for request 0, for `pgbench`: what has the number 0 in it takes a random one, and ids of new
/// records are made by PostgreSQL instead of the engine.
fn script(asked: &Asked, model: &SchemaModel, tenant: &Tenant) -> Result<Script> {
    let (path, query, body) = ((asked.path)(0), (asked.query)(0), (asked.body)(0));
    let (object, key) = path.split_once('/').unwrap_or((&path, ""));
    let payload = Payload {
        bytes: body.as_bytes(),
        format: tenant_schema::records::Format::Json,
    };
    let (preferences, cursors) = (Preferences::parse(asked.prefer), cursors(tenant.organization));
    let request = Request::new(object, &query, &preferences, Rights::by(&|_, _| true), &cursors);
    let operation = match (asked.method, key) {
        ("GET", "") => Operation::List,
        ("GET", id) => Operation::Get { id },
        _ => Operation::Insert { body: payload },
    };
    let mut made = 0_u64;
    let mut new_id = || {
        made += 1;
        format!("{NEW_ID}{made:012}").parse::<Uuid>().unwrap_or_default()
    };
    let prepared = prepare(model, &request, operation, Limits::default(), &mut new_id)?;
    let mut text = prepared.text().to_owned();
    let mut variables = Vec::new();
    for (index, value) in prepared
        .values()
        .enumerate()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let (number, value) = (index + 1, value.context("no value is NULL")?);
        let variable = format!(":v{number}");
        let changing = if value == id(0) {
            format!("('{ID}' || lpad((:n)::text, 12, '0'))::uuid")
        } else if value.contains(ID) {
            format!(
                "replace({variable}::text, '{}', '{ID}' || lpad((:n)::text, 12, '0'))",
                id(0)
            )
        } else if value.contains(NEW_ID) {
            format!("replace({variable}::text, '{NEW_ID}', left(gen_random_uuid()::text, 24))")
        } else {
            variable.clone()
        };
        text = text.replace(&format!("${number}"), &changing);
        variables.push((format!("v{number}"), value.to_owned()));
    }
    Ok(Script {
        text: format!("\\set n random(0, 499)\n{text};\n"),
        variables,
        search_path: Some(tenant.schema.to_string()),
    })
}
