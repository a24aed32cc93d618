//! Activities and notes: what was done and said about the records.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::generator::Generator;
use super::people::{Company, Contact};
use super::sales::Deal;
use super::vocabulary::{ACTIVITIES, NOTES, Trade};

#[derive(Serialize)]
pub(super) struct Activity {
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'static str,
    due_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    completed_by: Option<Uuid>,
    duration_minutes: Option<u32>,
    outcome: Option<&'static str>,
    contact_id: Uuid,
    company_id: Option<Uuid>,
    deal_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Note {
    id: Uuid,
    content: String,
    pinned: bool,
    owner_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

#[derive(Default, Serialize)]
pub(super) struct Target {
    id: Uuid,
    note_id: Uuid,
    contact_id: Option<Uuid>,
    company_id: Option<Uuid>,
    deal_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

/// Two of three activities are about a deal, the others about a contact. Most that were due are done.
pub(super) fn activities(
    generator: &mut Generator,
    deals: &[Deal],
    contacts: &[Contact],
    count: usize,
) -> Vec<Activity> {
    (0..count)
        .map(|index| {
            if index % 3 == 2 {
                let contact = generator.choose(contacts);
                activity(generator, contact.id, contact.company_id, None, contact.owner_id)
            } else {
                let deal = generator.choose(deals);
                activity(
                    generator,
                    deal.contact_id,
                    deal.company_id,
                    Some(deal.id),
                    deal.owner_id,
                )
            }
        })
        .collect()
}

fn activity(
    generator: &mut Generator,
    contact_id: Uuid,
    company_id: Option<Uuid>,
    deal_id: Option<Uuid>,
    owner_id: Option<Uuid>,
) -> Activity {
    let (kind, subject, outcome) = generator.pick(ACTIVITIES);
    let created_at = generator.days_ago(1, 120);
    let due_at = created_at + Duration::days(i64::from(generator.between(1, 21)));
    let is_done = due_at < generator.base() && generator.chance(88);
    Activity {
        id: generator.id(created_at),
        kind,
        subject,
        due_at,
        completed_at: is_done.then_some(due_at),
        completed_by: owner_id.filter(|_| is_done),
        duration_minutes: matches!(kind, "call" | "meeting").then(|| generator.pick(&[15, 30, 45, 60, 90])),
        outcome: is_done.then_some(outcome),
        contact_id,
        company_id,
        deal_id,
        owner_id,
        created_at,
    }
}

/// What notes may be about.
pub(super) struct About<'a> {
    pub(super) deals: &'a [Deal],
    pub(super) contacts: &'a [Contact],
    pub(super) companies: &'a [Company],
}

/// Notes in turn about a contact, a company and a deal; one about a deal is about its contact too.
pub(super) fn notes(
    generator: &mut Generator,
    trade: &Trade,
    about: &About<'_>,
    count: usize,
    members: &[Uuid],
) -> (Vec<Note>, Vec<Target>) {
    let About {
        deals,
        contacts,
        companies,
    } = about;
    let mut notes = Vec::with_capacity(count);
    let mut targets = Vec::new();
    for index in 0..count {
        let note = note(generator, trade, members);
        let mut target = Target {
            note_id: note.id,
            created_at: note.created_at,
            ..Target::default()
        };
        target.id = generator.id(note.created_at);
        match index % 3 {
            0 => target.contact_id = Some(generator.choose(contacts).id),
            1 => target.company_id = Some(generator.choose(companies).id),
            _ => {
                let deal = generator.choose(deals);
                target.deal_id = Some(deal.id);
                targets.push(Target {
                    id: generator.id(note.created_at),
                    note_id: note.id,
                    contact_id: Some(deal.contact_id),
                    created_at: note.created_at,
                    ..Target::default()
                });
            }
        }
        targets.push(target);
        notes.push(note);
    }
    (notes, targets)
}

fn note(generator: &mut Generator, trade: &Trade, members: &[Uuid]) -> Note {
    let created_at = generator.days_ago(1, 200);
    let product = format!("“{}”", generator.pick(trade.products));
    Note {
        id: generator.id(created_at),
        content: generator.pick(NOTES).replace("{product}", &product),
        pinned: generator.chance(10),
        owner_id: generator.pick_id(members),
        created_at,
    }
}
