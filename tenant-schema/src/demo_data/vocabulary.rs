//! The words the rows are made of. Domains end in `.example` (RFC 2606); telephone numbers come from the ranges that
//! regulators keep free for films and manuals.

/// What a tenant and its customers deal in.
pub(super) struct Trade {
    /// Lines of business of the companies.
    pub(super) industries: &'static [&'static str],
    /// Second words of company names.
    pub(super) company_words: &'static [&'static str],
    /// What is sold, as it stands in a deal's title.
    pub(super) products: &'static [&'static str],
    /// The usual size of a deal, in whole units of its currency.
    pub(super) values: (u32, u32),
}

/// The trade of a tenant; a tenant that is not one of the three of `demo` gets a general one.
pub(super) fn trade(seed: &str) -> &'static Trade {
    match seed {
        "acme" => &INDUSTRIAL,
        "globex" => &ENERGY,
        "initech" => &SOFTWARE,
        _ => &GENERAL,
    }
}

const INDUSTRIAL: Trade = Trade {
    industries: &[
        "Mechanical engineering",
        "Automotive",
        "Food processing",
        "Mining",
        "Shipbuilding",
        "Packaging",
    ],
    company_words: &[
        "Hydraulics",
        "Bearings",
        "Tooling",
        "Foundry",
        "Conveyors",
        "Packaging",
        "Pumps",
        "Castings",
    ],
    products: &[
        "Conveyor line",
        "Hydraulic press 250 t",
        "Pump retrofit",
        "Spare parts contract",
        "Palletizing robot",
        "Compressor station",
        "CNC machining cell",
        "Preventive maintenance plan",
    ],
    values: (4_000, 380_000),
};

const ENERGY: Trade = Trade {
    industries: &[
        "Utilities",
        "Wind power",
        "Solar power",
        "District heating",
        "Grid operation",
        "Chemicals",
    ],
    company_words: &[
        "Energy",
        "Power",
        "Wind",
        "Solar",
        "Grid Services",
        "Heat",
        "Storage",
        "Utilities",
    ],
    products: &[
        "Rooftop solar 400 kWp",
        "Battery storage 2 MWh",
        "Power purchase agreement",
        "Heat pump plant",
        "Substation upgrade",
        "Wind farm service contract",
        "Charging park",
        "Load management",
    ],
    values: (25_000, 2_400_000),
};

const SOFTWARE: Trade = Trade {
    industries: &[
        "Banking",
        "Insurance",
        "Logistics",
        "Retail",
        "Public sector",
        "Health care",
    ],
    company_words: &[
        "Systems",
        "Bank",
        "Logistics",
        "Insurance",
        "Retail",
        "Media",
        "Clinics",
        "Data",
    ],
    products: &[
        "Enterprise licence",
        "Migration to the cloud",
        "Support renewal",
        "Reporting module",
        "Single sign-on rollout",
        "Data platform pilot",
        "Team licences (50 seats)",
        "Security review",
    ],
    values: (2_500, 190_000),
};

const GENERAL: Trade = Trade {
    industries: &[
        "Consulting",
        "Retail",
        "Manufacturing",
        "Hospitality",
        "Construction",
        "Education",
    ],
    company_words: &[
        "Partners", "Trading", "Works", "Group", "Studio", "Services", "Supplies", "Projects",
    ],
    products: &[
        "Annual contract",
        "Pilot project",
        "Framework agreement",
        "Consulting days",
        "Equipment order",
        "Extension of contract",
        "Training programme",
        "Maintenance",
    ],
    values: (1_500, 120_000),
};

/// Where a company sits: first word of its name, legal form, city, postal code, country code.
pub(super) struct Seat {
    pub(super) name: &'static str,
    pub(super) form: &'static str,
    pub(super) city: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) country: &'static str,
}

const fn seat(
    name: &'static str,
    form: &'static str,
    city: &'static str,
    postal_code: &'static str,
    country: &'static str,
) -> Seat {
    Seat {
        name,
        form,
        city,
        postal_code,
        country,
    }
}

pub(super) const SEATS: &[Seat] = &[
    seat("Müller", "GmbH", "München", "80331", "DE"),
    seat("Rheinwerk", "AG", "Köln", "50667", "DE"),
    seat("Havelland", "GmbH", "Berlin", "10115", "DE"),
    seat("Böttcher", "KG", "Nürnberg", "90402", "DE"),
    seat("Weißfels", "GmbH", "Leipzig", "04109", "DE"),
    seat("Küstenland", "eG", "Kiel", "24103", "DE"),
    seat("Oberrhein", "GmbH", "Freiburg", "79098", "DE"),
    seat("Jäger", "AG", "Hamburg", "20095", "DE"),
    seat("Großmann", "GmbH", "Dresden", "01067", "DE"),
    seat("Donau", "GmbH", "Wien", "1010", "AT"),
    seat("Kärntner", "AG", "Klagenfurt", "9020", "AT"),
    seat("Zürichsee", "AG", "Zürich", "8001", "CH"),
    seat("Léman", "SA", "Genève", "1201", "CH"),
    seat("Beauséjour", "SAS", "Lyon", "69001", "FR"),
    seat("Lefèvre", "SARL", "Orléans", "45000", "FR"),
    seat("Côte d'Azur", "SA", "Nice", "06000", "FR"),
    seat("Garonne", "SAS", "Toulouse", "31000", "FR"),
    seat("Núñez", "S.L.", "Córdoba", "14001", "ES"),
    seat("Ibérica", "S.A.", "Madrid", "28001", "ES"),
    seat("Peñarroya", "S.A.", "Málaga", "29001", "ES"),
    seat("São Jorge", "Lda", "Lisboa", "1100-001", "PT"),
    seat("Conceição", "S.A.", "Porto", "4000-001", "PT"),
    seat("Adriatica", "S.p.A.", "Ancona", "60121", "IT"),
    seat("Brambilla", "S.r.l.", "Milano", "20121", "IT"),
    seat("Ångström", "AB", "Uppsala", "753 10", "SE"),
    seat("Göta", "AB", "Göteborg", "411 01", "SE"),
    seat("Sørensen", "A/S", "Århus", "8000", "DK"),
    seat("Fjordby", "A/S", "Odense", "5000", "DK"),
    seat("Nordlys", "AS", "Tromsø", "9008", "NO"),
    seat("Hämäläinen", "Oy", "Jyväskylä", "40100", "FI"),
    seat("Dvořák", "s.r.o.", "Brno", "602 00", "CZ"),
    seat("Šumava", "a.s.", "Plzeň", "301 00", "CZ"),
    seat("Wiśniewski", "Sp. z o.o.", "Łódź", "90-001", "PL"),
    seat("Wisła", "S.A.", "Kraków", "31-001", "PL"),
    seat("Kovács", "Kft.", "Győr", "9021", "HU"),
    seat("Horvat", "d.o.o.", "Zagreb", "10000", "HR"),
    seat("Van Dijk", "B.V.", "Utrecht", "3511", "NL"),
    seat("Maasvlakte", "N.V.", "Rotterdam", "3011", "NL"),
    seat("Harrington", "Ltd", "Leeds", "LS1 1BA", "GB"),
    seat("O'Connell", "Ltd", "Cork", "T12", "IE"),
    seat("Westbridge", "plc", "Bristol", "BS1 4DJ", "GB"),
    seat("Kestrel", "Inc.", "Boston", "02108", "US"),
    seat("Great Lakes", "LLC", "Cleveland", "44113", "US"),
    seat("Montréal Nord", "Inc.", "Montréal", "H2Y 1C6", "CA"),
];

pub(super) const FIRST_NAMES: &[&str] = &[
    "José",
    "Zoë",
    "Jürgen",
    "Anaïs",
    "Søren",
    "Łucja",
    "Björn",
    "Chloé",
    "Mária",
    "Ömer",
    "Käthe",
    "Renée",
    "Tomáš",
    "Inés",
    "Åsa",
    "François",
    "Agnieszka",
    "Luca",
    "Emma",
    "Oliver",
    "Sofia",
    "Noah",
    "Grace",
    "Daniel",
    "Hannah",
    "Victor",
    "Amélie",
    "Mateo",
    "Ingrid",
    "Piet",
    "Helena",
    "Marco",
    "Priya",
    "Kenji",
    "Fatima",
    "Samuel",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "García",
    "Müller",
    "Lindström",
    "Dvořáková",
    "Nowak",
    "Lefèvre",
    "Schröder",
    "Björklund",
    "Kovács",
    "Öztürk",
    "Núñez",
    "O'Brien",
    "van den Berg",
    "Rossi",
    "Weiß",
    "Jørgensen",
    "Mäkinen",
    "Gonçalves",
    "Smith",
    "Taylor",
    "Haddad",
    "Tanaka",
    "Sharma",
    "Fischer",
    "Petit",
    "Moreau",
    "Ferrari",
    "Novotný",
    "Zieliński",
    "Keller",
    "Nguyễn",
    "Brown",
    "Hansen",
    "Peters",
    "Krüger",
    "Silva",
];

pub(super) const JOB_TITLES: &[&str] = &[
    "Head of Purchasing",
    "Managing Director",
    "Plant Manager",
    "Chief Financial Officer",
    "Project Manager",
    "Head of IT",
    "Operations Manager",
    "Technical Buyer",
    "Assistant to the Board",
    "Quality Manager",
];

pub(super) const SOURCES: &[&str] = &[
    "referral",
    "website",
    "trade fair",
    "cold call",
    "partner",
    "newsletter",
];
pub(super) const SIZES: &[&str] = &["1-10", "11-50", "51-200", "201-500", "501-1000", "1001+"];

/// Beginnings of telephone numbers; three digits complete them.
pub(super) const PHONE_RANGES: &[&str] = &["+49 30 23125 ", "+49 89 99998 ", "+44 20 7946 0"];

pub(super) const TAGS: &[(&str, &str)] = &[
    ("Key account", "#c0392b"),
    ("Newsletter", "#2980b9"),
    ("Decision maker", "#8e44ad"),
    ("Trade fair", "#16a085"),
    ("Partner", "#27ae60"),
    ("Competitor's customer", "#d35400"),
    ("Slow payer", "#7f8c8d"),
    ("Reference", "#f39c12"),
];

pub(super) const LOST: &[(&str, &str)] = &[
    ("Price", "They found us a fifth above the next offer."),
    ("Competitor", "They stayed with their present supplier."),
    ("No budget", "The budget was frozen until next year."),
    ("No decision", "Nobody answered for two months."),
    ("Timing", "The project was put off."),
    (
        "Missing feature",
        "We could not meet one requirement of the tender.",
    ),
];

/// Kind, subject and outcome of an activity.
pub(super) const ACTIVITIES: &[(&str, &str, &str)] = &[
    ("call", "First call", "Interested; wants a written summary."),
    ("call", "Follow up on the offer", "The board decides next week."),
    ("call", "Ask for the missing drawings", "They arrive by e-mail."),
    ("meeting", "Visit on site", "Seen everything; two open questions."),
    (
        "meeting",
        "Presentation for the board",
        "Went well; the CFO asked about terms.",
    ),
    ("meeting", "Negotiate terms", "Payment in three parts agreed."),
    ("email", "Send the offer", "Received and confirmed."),
    ("email", "Send references", "Thanked; will call one of them."),
    ("task", "Calculate the price", "Done; margin is fine."),
    ("task", "Prepare the contract", "Checked by legal."),
    ("other", "Lunch at the trade fair", "Good talk, no business."),
];

/// Contents of notes; `{product}` becomes the quoted name of something the tenant sells.
pub(super) const NOTES: &[&str] = &[
    "Prefers to be called **before nine**.",
    "Asked for a reference customer who bought {product}.",
    "Budget for {product} is planned for the next quarter.",
    "Reads every contract line by line: allow two more weeks.",
    "Met at the fair in Hannover; remembers our demonstration of {product}.",
    "Café at the station is the best place to meet.",
    "Decisions are made by three people:\n\n- purchasing\n- the plant\n- the CFO",
    "Has used a competitor's {product} since 2019 and is not happy with the service.",
    "Wants invoices by e-mail only.",
    "On parental leave until autumn; the deputy decides.",
];
