//! `tenantry tenant sizes`: what tenants take on disk.

use std::cmp::Reverse;

use anyhow::Context as _;
use catalog::tenant_schemas::TenantSchema;
use serde::Serialize;
use tenant_schema::usage::{self, Size};

use crate::cli::{SizeOrder, TenantSizesArgs};
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Measured {
    slug: String,
    tables: i64,
    rows: i64,
    heap: i64,
    indexes: i64,
    toast: i64,
    total: i64,
}

/// One query for all of them.
pub(super) async fn run(args: &TenantSizesArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut documents = measure(args, operator)
        .await
        .context("could not measure the tenants")?;
    let of = |value: fn(&Measured) -> i64| move |one: &Measured| Reverse(value(one));
    match args.sort {
        SizeOrder::Total => documents.sort_by_key(of(|one| one.total)),
        SizeOrder::Tables => documents.sort_by_key(of(|one| one.heap)),
        SizeOrder::Indexes => documents.sort_by_key(of(|one| one.indexes)),
        SizeOrder::Toast => documents.sort_by_key(of(|one| one.toast)),
        SizeOrder::Rows => documents.sort_by_key(of(|one| one.rows)),
        // They come so.
        SizeOrder::Slug => {}
    }
    let (tenants, total) = (documents.len(), documents.iter().map(|one| one.total).sum());
    documents.truncate(args.limit.unwrap_or(usize::MAX));
    operator.output.document(&documents, |documents| {
        let header = ["SLUG", "TOTAL", "TABLES", "INDEXES", "TOAST", "ROWS"];
        let table = output::table(header, documents.iter().map(row));
        format!("{table}\n\ntenants {tenants}, {}", output::bytes(total))
    })?;
    Ok(ExitStatus::Done)
}

async fn measure(args: &TenantSizesArgs, operator: &Operator) -> anyhow::Result<Vec<Measured>> {
    let mut tx = operator.db.begin_unhurried().await?;
    let tenants = args.selection.or_all().tenants(&mut tx).await?;
    let schemas: Vec<String> = tenants.iter().map(|tenant| tenant.schema.to_string()).collect();
    let sizes = usage::sizes(&mut tx, &schemas).await?;
    tx.rollback().await?;
    let measured = |tenant: &TenantSchema| {
        let size = sizes.get(tenant.schema.as_str()).copied().unwrap_or_default();
        let Size {
            tables,
            rows,
            heap,
            indexes,
            toast,
            total,
        } = size;
        Measured {
            slug: tenant.slug.to_string(),
            tables,
            rows,
            heap,
            indexes,
            toast,
            total,
        }
    };
    Ok(tenants.iter().map(measured).collect())
}

fn row(one: &Measured) -> [String; 6] {
    let [total, heap, indexes, toast] = [one.total, one.heap, one.indexes, one.toast].map(output::bytes);
    [
        one.slug.clone(),
        total,
        heap,
        indexes,
        toast,
        one.rows.to_string(),
    ]
}
