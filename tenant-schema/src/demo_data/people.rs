//! Tags, companies and the people who work for them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::generator::Generator;
use super::vocabulary::{
    FIRST_NAMES, JOB_TITLES, LAST_NAMES, PHONE_RANGES, SEATS, SIZES, SOURCES, Seat, TAGS, Trade,
};

#[derive(Serialize)]
pub(super) struct Tag {
    pub(super) id: Uuid,
    name: &'static str,
    color: &'static str,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Address {
    street: String,
    postal_code: &'static str,
    city: &'static str,
    country: &'static str,
}

#[derive(Serialize)]
pub(super) struct Company {
    pub(super) id: Uuid,
    pub(super) name: String,
    domain: String,
    industry: &'static str,
    website: String,
    phone: String,
    address: Address,
    size: &'static str,
    owner_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Contact {
    pub(super) id: Uuid,
    first_name: &'static str,
    last_name: &'static str,
    pub(super) email: String,
    phone: Option<String>,
    status: &'static str,
    job_title: Option<&'static str>,
    source: &'static str,
    pub(super) company_id: Option<Uuid>,
    pub(super) owner_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    /// The company's place among the companies.
    #[serde(skip)]
    pub(super) company: Option<usize>,
}

/// A tag on a record.
#[derive(Serialize)]
pub(super) struct Link {
    record_id: Uuid,
    tag_id: Uuid,
}

pub(super) fn tags(generator: &mut Generator) -> Vec<Tag> {
    TAGS.iter()
        .map(|&(name, color)| {
            let created_at = generator.days_ago(400, 420);
            Tag {
                id: generator.id(created_at),
                name,
                color,
                created_at,
            }
        })
        .collect()
}

/// Few are named after their seats, each after another; many after the people who founded them.
pub(super) fn companies(
    generator: &mut Generator,
    trade: &Trade,
    count: usize,
    members: &[Uuid],
) -> Vec<Company> {
    let mut taken = BTreeSet::new();
    if count <= SEATS.len() {
        let seats = generator.sample(SEATS, count).into_iter();
        return seats
            .map(|seat| company(generator, trade, seat, seat.name, members, &mut taken))
            .collect();
    }
    let founded = |_| {
        let (seat, founder) = (generator.choose(SEATS), generator.pick(LAST_NAMES));
        let name = match generator.between(0, 2) {
            0 => founder.to_owned(),
            _ => format!("{founder} & {}", generator.pick(LAST_NAMES)),
        };
        company(generator, trade, seat, &name, members, &mut taken)
    };
    (0..count).map(founded).collect()
}

fn company(
    generator: &mut Generator,
    trade: &Trade,
    seat: &'static Seat,
    name: &str,
    members: &[Uuid],
    taken: &mut BTreeSet<String>,
) -> Company {
    let created_at = generator.days_ago(320, 400);
    let word = generator.pick(trade.company_words);
    let (number, domain) = free(taken, |number| {
        format!("{}{number}.example", ascii(&format!("{name} {word}")))
    });
    Company {
        id: generator.id(created_at),
        name: format!("{name} {word} {number} {}", seat.form).replace("  ", " "),
        website: format!("https://www.{domain}"),
        domain,
        industry: generator.pick(trade.industries),
        phone: phone(generator),
        address: Address {
            street: format!("Industrial Park {}", generator.between(1, 99)),
            postal_code: seat.postal_code,
            city: seat.city,
            country: seat.country,
        },
        size: generator.pick(SIZES),
        owner_id: generator.pick_id(members),
        created_at,
    }
}

/// One in eight contacts works for nobody we know.
pub(super) fn contacts(
    generator: &mut Generator,
    companies: &[Company],
    count: usize,
    members: &[Uuid],
) -> Vec<Contact> {
    let mut taken = BTreeSet::new();
    (0..count)
        .map(|index| {
            let company = (index % 8 != 7).then(|| generator.place(companies.len()));
            let at_work = company.map(|place| &companies[place]);
            let contact = contact(generator, at_work, members, &mut taken);
            Contact { company, ..contact }
        })
        .collect()
}

fn contact(
    generator: &mut Generator,
    company: Option<&Company>,
    members: &[Uuid],
    taken: &mut BTreeSet<String>,
) -> Contact {
    let created_at = generator.days_ago(2, 318);
    let (first_name, last_name) = (generator.pick(FIRST_NAMES), generator.pick(LAST_NAMES));
    let domain = company.map_or("mail.example", |company| company.domain.as_str());
    let name = format!("{}.{}", ascii(first_name), ascii(last_name));
    let (_, email) = free(taken, |number| format!("{name}{number}@{domain}"));
    Contact {
        id: generator.id(created_at),
        first_name,
        last_name,
        email,
        phone: generator.chance(70).then(|| phone(generator)),
        status: generator.pick(&[
            "lead", "lead", "prospect", "prospect", "customer", "customer", "customer", "inactive",
        ]),
        job_title: company.map(|_| generator.pick(JOB_TITLES)),
        source: generator.pick(SOURCES),
        company_id: company.map(|company| company.id),
        owner_id: generator.pick_id(members),
        created_at,
        company: None,
    }
}

/// Puts one to three tags on about `percent` of the records.
pub(super) fn links(generator: &mut Generator, records: &[Uuid], tags: &[Tag], percent: u32) -> Vec<Link> {
    let mut links = Vec::new();
    for &record_id in records {
        if generator.chance(percent) {
            let count = generator.between(1, 3) as usize;
            links.extend(generator.sample(tags, count).into_iter().map(|tag| Link {
                record_id,
                tag_id: tag.id,
            }));
        }
    }
    links
}

/// Namesakes get a number: the number, nothing for the first, and what was free with it.
fn free(taken: &mut BTreeSet<String>, with: impl Fn(&str) -> String) -> (String, String) {
    let numbers = (2..).map(|number: u32| number.to_string());
    let mut tried = std::iter::once(String::new())
        .chain(numbers)
        .map(|number| (with(&number), number));
    let (text, number) = tried
        .find(|(text, _)| taken.insert(text.clone()))
        .expect("numbers go on");
    (number, text)
}

fn phone(generator: &mut Generator) -> String {
    let range = generator.pick(PHONE_RANGES);
    format!("{range}{:03}", generator.between(0, 999))
}

/// The text in letters that a host name and an address may have, as a person of that name would write it.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => plain.push(letter),
            'ä' | 'æ' => plain.push_str("ae"),
            'ö' | 'ø' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'á' | 'à' | 'ã' | 'å' => plain.push('a'),
            'ç' | 'č' | 'ć' => plain.push('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ě' | 'ễ' => plain.push('e'),
            'í' | 'ï' => plain.push('i'),
            'ł' => plain.push('l'),
            'ñ' | 'ň' | 'ń' => plain.push('n'),
            'ó' | 'ô' => plain.push('o'),
            'ř' => plain.push('r'),
            'š' | 'ś' => plain.push('s'),
            'ú' => plain.push('u'),
            'ý' => plain.push('y'),
            'ž' | 'ź' => plain.push('z'),
            ' ' if !plain.ends_with('-') => plain.push('-'),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{FIRST_NAMES, LAST_NAMES, SEATS, ascii};

    #[test]
    fn every_letter_of_the_names_has_a_plain_form() {
        let seats = SEATS.iter().map(|seat| &seat.name);
        for name in FIRST_NAMES.iter().chain(LAST_NAMES).chain(seats) {
            let letters = name.chars().filter(|letter| letter.is_alphanumeric()).count();
            assert!(
                ascii(name).len() >= letters,
                "{name} loses letters: {}",
                ascii(name)
            );
        }
    }

    #[test]
    fn names_become_addresses() {
        assert_eq!(ascii("van den Berg"), "van-den-berg");
        assert_eq!(ascii("Weiß"), "weiss");
        assert_eq!(ascii("O'Brien"), "obrien");
        assert_eq!(ascii("Łódź"), "lodz");
    }
}
