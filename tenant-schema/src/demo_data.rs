//! Rows for a tenant to try things on: a thousand or a million, realistic, and the same on every run.

mod booking;
mod fill;
mod generator;
mod people;
mod rows;
mod sales;
mod size;
mod vocabulary;
mod work;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) use fill::{COUNTS, FIRST_WITH_RECORDS, SET_ACTOR};
pub use fill::{Filled, Filling, fill, first_with_records};
use generator::Generator;
use rows::Batch;
pub use size::Size;

const INSERT_TAGS: &str = "
insert into tags (id, name, color, created_at, updated_at)
select r.id, r.name, r.color, r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (id uuid, name text, color text, created_at timestamptz)";

const INSERT_COMPANIES: &str = "
insert into companies (id, name, domain, industry, website, phone, address, size, owner_id, created_at, updated_at)
select r.id, r.name, r.domain, r.industry, r.website, r.phone, r.address, r.size, r.owner_id, r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, name text, domain text, industry text, website text, phone text, address jsonb, size text,
       owner_id uuid, created_at timestamptz)";

const INSERT_CONTACTS: &str = "
insert into contacts (id, first_name, last_name, email, phone, status, job_title, source, company_id, owner_id,
                      created_at, updated_at)
select r.id, r.first_name, r.last_name, r.email, r.phone, r.status, r.job_title, r.source, r.company_id, r.owner_id,
       r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, first_name text, last_name text, email text, phone text, status text, job_title text, source text,
       company_id uuid, owner_id uuid, created_at timestamptz)";

const INSERT_COMPANY_TAGS: &str = "
insert into company_tags (company_id, tag_id)
select r.record_id, r.tag_id from json_to_recordset($1::text::json) as r (record_id uuid, tag_id uuid)";

const INSERT_CONTACT_TAGS: &str = "
insert into contact_tags (contact_id, tag_id)
select r.record_id, r.tag_id from json_to_recordset($1::text::json) as r (record_id uuid, tag_id uuid)";

const INSERT_DEAL_TAGS: &str = "
insert into deal_tags (deal_id, tag_id)
select r.record_id, r.tag_id from json_to_recordset($1::text::json) as r (record_id uuid, tag_id uuid)";

/// Every deal begins in the first stage of the default pipeline.
const INSERT_DEALS: &str = "
insert into deals (id, title, value, currency, pipeline_id, stage_id, position, stage_entered_at, expected_close_date,
                   contact_id, company_id, owner_id, created_at, updated_at)
select r.id, r.title, r.value, p.currency, s.pipeline_id, s.id, r.position, r.created_at, r.expected_close_date,
       r.contact_id, r.company_id, r.owner_id, r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, title text, value numeric, position numeric, expected_close_date date,
       contact_id uuid, company_id uuid, owner_id uuid, created_at timestamptz)
  join pipelines p on p.is_default
  join stages s on s.pipeline_id = p.id and s.name = 'New'";

/// Moved like a person would move them, so that the template's triggers write status and history.
const MOVE_DEALS: &str = "
update deals d
   set stage_id = s.id, stage_entered_at = r.entered_at, closed_at = r.closed_at, lost_reason = r.lost_reason,
       lost_note = r.lost_note, updated_at = r.entered_at
  from json_to_recordset($1::text::json) as r (
       id uuid, stage text, entered_at timestamptz, closed_at timestamptz, lost_reason text, lost_note text)
  join pipelines p on p.is_default
  join stages s on s.pipeline_id = p.id and s.name = r.stage
 where d.id = r.id";

const INSERT_ACTIVITIES: &str = "
insert into activities (id, type, subject, due_at, completed_at, completed_by, duration_minutes, outcome,
                        contact_id, company_id, deal_id, owner_id, created_at, updated_at)
select r.id, r.type, r.subject, r.due_at, r.completed_at, r.completed_by, r.duration_minutes, r.outcome,
       r.contact_id, r.company_id, r.deal_id, r.owner_id, r.created_at, coalesce(r.completed_at, r.created_at)
  from json_to_recordset($1::text::json) as r (
       id uuid, type text, subject text, due_at timestamptz, completed_at timestamptz, completed_by uuid,
       duration_minutes integer, outcome text, contact_id uuid, company_id uuid, deal_id uuid, owner_id uuid,
       created_at timestamptz)";

const INSERT_NOTES: &str = "
insert into notes (id, content, pinned, owner_id, created_at, updated_at)
select r.id, r.content, r.pinned, r.owner_id, r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, content text, pinned boolean, owner_id uuid, created_at timestamptz)";

const INSERT_NOTE_TARGETS: &str = "
insert into note_targets (id, note_id, contact_id, company_id, deal_id, created_at)
select r.id, r.note_id, r.contact_id, r.company_id, r.deal_id, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, note_id uuid, contact_id uuid, company_id uuid, deal_id uuid, created_at timestamptz)";

const INSERT_SERVICES: &str = "
insert into services (id, name, duration_minutes, buffer_before_minutes, buffer_after_minutes, price, position,
                      created_at, updated_at)
select r.id, r.name, r.duration_minutes, r.buffer_before_minutes, r.buffer_after_minutes, r.price, r.position,
       r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, name text, duration_minutes integer, buffer_before_minutes integer, buffer_after_minutes integer,
       price numeric, position integer, created_at timestamptz)";

/// Everybody does everything.
const INSERT_STAFF: &str = "
with r as (
  select r.id, r.member_id, r.schedule_id, r.created_at
    from json_to_recordset($1::text::json) as r (id uuid, member_id uuid, schedule_id uuid, created_at timestamptz)
), somebody as (
  insert into staff (id, name, email, member_id, time_zone, created_at, updated_at)
  select r.id, coalesce(m.display_name, 'Front desk'), m.email, m.id, 'Europe/Berlin', r.created_at, r.created_at
    from r left join members m on m.id = r.member_id
  returning id
)
insert into staff_services (staff_id, service_id)
select somebody.id, s.id from somebody cross join services s";

/// Monday to Friday, with an hour for lunch.
const INSERT_SCHEDULES: &str = "
with schedule as (
  insert into schedules (id, staff_id, time_zone, created_at, updated_at)
  select r.schedule_id, r.id, 'Europe/Berlin', r.created_at, r.created_at
    from json_to_recordset($1::text::json) as r (id uuid, schedule_id uuid, created_at timestamptz)
  returning id
)
insert into schedule_rules (schedule_id, weekday, start_local, end_local)
select schedule.id, d.weekday, h.start_local, h.end_local
  from schedule
 cross join generate_series(1, 5) as d (weekday)
 cross join (values (time '09:00', time '12:00'), (time '13:00', time '17:00')) as h (start_local, end_local)";

const INSERT_APPOINTMENTS: &str = "
insert into appointments (id, service_id, staff_id, contact_id, starts_at, ends_at, time_zone, status, cancel_reason,
                          created_at, updated_at)
select r.id, s.id, r.staff_id, r.contact_id, t.starts_at, t.starts_at + make_interval(mins => s.duration_minutes),
       'Europe/Berlin', r.status, r.cancel_reason, r.created_at, r.created_at
  from json_to_recordset($1::text::json) as r (
       id uuid, service_id uuid, staff_id uuid, contact_id uuid, day date, start_local time, status text,
       cancel_reason text, created_at timestamptz)
  join services s on s.id = r.service_id
 cross join lateral (select (r.day + r.start_local) at time zone 'Europe/Berlin' as starts_at) t";

/// The rows that fill a fresh tenant, to be written in this order in one transaction of the tenant.
///
/// `seed` is the tenant's slug and decides everything but the owners of the records, which are taken from
/// `member_ids` (none where that is empty), and the dates, which lie around `base`. The transaction's actor must be an
/// operator or none: a request's actor could not give records a date in the past.
fn batches(seed: &str, member_ids: &[Uuid], base: DateTime<Utc>, size: Size) -> Vec<Batch> {
    let trade = vocabulary::trade(seed);
    let counts = size.counts();
    let generator = &mut Generator::new(seed, base);
    let tags = people::tags(generator);
    let companies = people::companies(generator, trade, counts.companies, member_ids);
    let contacts = people::contacts(generator, &companies, counts.contacts, member_ids);
    let (deals, rounds) = sales::deals(generator, trade, &companies, &contacts, counts.deals);

    let company_ids: Vec<Uuid> = companies.iter().map(|company| company.id).collect();
    let contact_ids: Vec<Uuid> = contacts.iter().map(|contact| contact.id).collect();
    let deal_ids: Vec<Uuid> = deals.iter().map(|deal| deal.id).collect();
    let company_tags = people::links(generator, &company_ids, &tags, 50);
    let contact_tags = people::links(generator, &contact_ids, &tags, 45);
    let deal_tags = people::links(generator, &deal_ids, &tags, 30);
    let activities = work::activities(generator, &deals, &contacts, counts.activities);
    let about = work::About {
        deals: &deals,
        contacts: &contacts,
        companies: &companies,
    };
    let (notes, targets) = work::notes(generator, trade, &about, counts.notes, member_ids);
    let services = booking::services(generator);
    let staff = booking::staff(generator, member_ids);
    let appointments = booking::appointments(generator, &services, &staff, &contacts);

    let mut batches = vec![
        Batch::new(INSERT_TAGS, tags),
        Batch::new(INSERT_COMPANIES, companies),
        Batch::new(INSERT_CONTACTS, contacts),
        Batch::new(INSERT_COMPANY_TAGS, company_tags),
        Batch::new(INSERT_CONTACT_TAGS, contact_tags),
        Batch::new(INSERT_DEALS, deals),
    ];
    let moved = |moves| Batch::new(MOVE_DEALS, moves);
    batches.extend(rounds.into_iter().map(moved));
    batches.extend([
        Batch::new(INSERT_DEAL_TAGS, deal_tags),
        Batch::new(INSERT_ACTIVITIES, activities),
        Batch::new(INSERT_NOTES, notes),
        Batch::new(INSERT_NOTE_TARGETS, targets),
        Batch::new(INSERT_SERVICES, services),
        Batch::new(INSERT_STAFF, staff.clone()),
        Batch::new(INSERT_SCHEDULES, staff),
        Batch::new(INSERT_APPOINTMENTS, appointments),
    ]);
    batches
}

#[cfg(test)]
mod tests;
