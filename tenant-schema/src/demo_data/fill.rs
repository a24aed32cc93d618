//! Writing the rows into a tenant's schema.

use std::collections::BTreeMap;

use catalog::actor::Actor;
use catalog::ids::MembershipId;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Size, batches};

/// Rows of one statement: few enough that nothing large is held, many enough that it does not matter how many.
const AT_ONCE: usize = 5_000;

/// How many rows each table has by now, whoever wrote them: a statement, or a trigger of the template's behind it.
pub type Filled = BTreeMap<String, i64>;

/// What a tenant is filled with.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The tenant's slug decides what the rows are.
    pub slug: &'a Slug,
    /// Who own the records.
    pub members: &'a [MembershipId],
    /// The moment the rows lie around.
    pub base: DateTime<Utc>,
    /// How many there are.
    pub size: Size,
    /// Who writes them: an operator.
    pub actor: &'a Actor,
}

/// Fills a schema without records that has the latest version of the template that ships. `report` is told how many rows
/// each statement has written.
pub async fn fill(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    with: Filling<'_>,
    mut report: impl FnMut(u64),
) -> Result<Filled, PgError> {
    let tx = tx.transaction();
    tx.batch(&format!("set local search_path = {}", schema.search_path()))
        .await?;
    tx.rows(SET_ACTOR, &[&with.actor.to_string()]).await?;
    let members: Vec<Uuid> = with.members.iter().map(|id| id.uuid()).collect();
    for batch in batches(with.slug.as_str(), &members, with.base, with.size) {
        for json in batch.chunks(AT_ONCE) {
            let rows = tx.execute(batch.sql, &[&json]).await?;
            report(rows);
        }
    }
    let counted = tx.rows(COUNTS, &[]).await?;
    let filled: Filled = counted
        .iter()
        .map(|row| (row.get("name"), row.get("rows")))
        .collect();
    if with.size != Size::Small {
        // Else the first queries are planned for empty tables.
        let tables: Vec<&str> = filled.keys().map(String::as_str).collect();
        tx.batch(&format!("analyze {}", tables.join(", "))).await?;
    }
    Ok(filled)
}

/// The first of the tables that are filled which has rows already. `None`: the tenant may be filled.
pub async fn first_with_records(tx: &mut CatalogTx, schema: &SchemaName) -> Result<Option<String>, PgError> {
    let tx = tx.transaction();
    tx.batch(&format!("set local search_path = {}", schema.search_path()))
        .await?;
    Ok(tx.row(FIRST_WITH_RECORDS, &[]).await?.map(|row| row.get("name")))
}

pub(crate) const SET_ACTOR: &str = "select pg_catalog.set_config('tenantry.actor', $1, true) as actor";

pub(crate) const COUNTS: &str = "\
select 'activities' as name, count(*) as rows from activities union all
select 'appointment_events' as name, count(*) as rows from appointment_events union all
select 'appointments' as name, count(*) as rows from appointments union all
select 'companies' as name, count(*) as rows from companies union all
select 'company_tags' as name, count(*) as rows from company_tags union all
select 'contact_tags' as name, count(*) as rows from contact_tags union all
select 'contacts' as name, count(*) as rows from contacts union all
select 'deal_stage_history' as name, count(*) as rows from deal_stage_history union all
select 'deal_tags' as name, count(*) as rows from deal_tags union all
select 'deals' as name, count(*) as rows from deals union all
select 'note_targets' as name, count(*) as rows from note_targets union all
select 'notes' as name, count(*) as rows from notes union all
select 'schedule_rules' as name, count(*) as rows from schedule_rules union all
select 'schedules' as name, count(*) as rows from schedules union all
select 'services' as name, count(*) as rows from services union all
select 'staff' as name, count(*) as rows from staff union all
select 'staff_services' as name, count(*) as rows from staff_services union all
select 'tags' as name, count(*) as rows from tags";

pub(crate) const FIRST_WITH_RECORDS: &str = "\
select f.name from (
  select 'contacts' as name where exists (select from contacts)
  union all select 'companies' where exists (select from companies)
  union all select 'deals' where exists (select from deals)
  union all select 'activities' where exists (select from activities)
  union all select 'notes' where exists (select from notes)
  union all select 'tags' where exists (select from tags)
  union all select 'services' where exists (select from services)
  union all select 'staff' where exists (select from staff)
  union all select 'appointments' where exists (select from appointments)
) f limit 1";
