//! Deals and the way each has gone through the stages.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::generator::Generator;
use super::people::{Company, Contact};
use super::vocabulary::{LOST, Trade};

/// The stages of the default pipeline, as the template's last migration makes them.
const OPEN_STAGES: [&str; 4] = ["New", "Qualified", "Proposal", "Negotiation"];

/// How many deals end where: moves through the open stages, then won, lost or neither.
const OUTCOMES: [(usize, Outcome, usize); 9] = [
    (0, Outcome::Open, 12),
    (1, Outcome::Open, 14),
    (2, Outcome::Open, 15),
    (3, Outcome::Open, 12),
    (3, Outcome::Won, 22),
    (0, Outcome::Lost, 3),
    (1, Outcome::Lost, 4),
    (2, Outcome::Lost, 5),
    (3, Outcome::Lost, 3),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Open,
    Won,
    Lost,
}

#[derive(Serialize)]
pub(super) struct Deal {
    pub(super) id: Uuid,
    title: String,
    value: String,
    position: u32,
    expected_close_date: NaiveDate,
    pub(super) contact_id: Uuid,
    pub(super) company_id: Option<Uuid>,
    pub(super) owner_id: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
}

/// One step of a deal into the stage of that name.
#[derive(Serialize)]
pub(super) struct Move {
    id: Uuid,
    stage: &'static str,
    entered_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    lost_reason: Option<&'static str>,
    lost_note: Option<&'static str>,
}

/// Sets of deals as they began, and their moves: first the first move of every deal, then the second, and so on.
pub(super) fn deals(
    generator: &mut Generator,
    trade: &Trade,
    companies: &[Company],
    contacts: &[Contact],
    sets: usize,
) -> (Vec<Deal>, Vec<Vec<Move>>) {
    let mut deals = Vec::new();
    let mut rounds: Vec<Vec<Move>> = (0..OPEN_STAGES.len()).map(|_| Vec::new()).collect();
    for (steps, outcome, count) in OUTCOMES {
        for _ in 0..count * sets {
            let deal = deal(generator, trade, companies, contacts, outcome);
            for (round, step) in rounds.iter_mut().zip(moves(generator, &deal, steps, outcome)) {
                round.push(step);
            }
            deals.push(deal);
        }
    }
    (deals, rounds)
}

fn deal(
    generator: &mut Generator,
    trade: &Trade,
    companies: &[Company],
    contacts: &[Contact],
    outcome: Outcome,
) -> Deal {
    let created_at = if outcome == Outcome::Open {
        generator.days_ago(6, 90)
    } else {
        generator.days_ago(60, 300)
    };
    let contact = generator.choose(contacts);
    let product = generator.pick(trade.products);
    let (low, high) = trade.values;
    // Small deals are more common than big ones.
    let ceiling = generator.between(low, high);
    let expected_in = i64::from(generator.between(20, 150));
    Deal {
        id: generator.id(created_at),
        title: contact.company.map_or_else(
            || product.to_owned(),
            |place| format!("{product} for {}", companies[place].name),
        ),
        value: format!(
            "{}.{:02}",
            generator.between(low, ceiling),
            generator.pick(&[0, 0, 0, 50, 90])
        ),
        position: generator.between(1, 10_000),
        expected_close_date: (created_at + Duration::days(expected_in)).date_naive(),
        contact_id: contact.id,
        company_id: contact.company_id,
        owner_id: contact.owner_id,
        created_at,
    }
}

/// The moves share the time between the deal's beginning and the base evenly, so that none lies in the future.
fn moves(generator: &mut Generator, deal: &Deal, steps: usize, outcome: Outcome) -> Vec<Move> {
    let mut stages = OPEN_STAGES[1..=steps].to_vec();
    match outcome {
        Outcome::Open => {}
        Outcome::Won => stages.push("Won"),
        Outcome::Lost => stages.push("Lost"),
    }
    let pause = (generator.base() - deal.created_at) / i32::try_from(stages.len() + 1).expect("few stages");
    let mut entered_at = deal.created_at;
    stages
        .into_iter()
        .map(|stage| {
            entered_at += pause;
            let (lost_reason, lost_note) = generator.pick(LOST);
            let is_lost = stage == "Lost";
            Move {
                id: deal.id,
                stage,
                entered_at,
                closed_at: matches!(stage, "Won" | "Lost").then_some(entered_at),
                lost_reason: is_lost.then_some(lost_reason),
                lost_note: is_lost.then_some(lost_note),
            }
        })
        .collect()
}
