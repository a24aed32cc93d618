//! Who is in the demo.

/// A tenant of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoTenant {
    /// Its label.
    pub(super) slug: &'static str,
    /// The name people read.
    pub(super) name: &'static str,
    /// Its people, the owner first.
    pub(super) people: &'static [DemoPerson],
}

/// A person of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoPerson {
    /// The name people read.
    pub(super) name: &'static str,
    /// The account's address.
    pub(super) email: &'static str,
}

const fn person(name: &'static str, email: &'static str) -> DemoPerson {
    DemoPerson { name, email }
}

/// One person with one account belongs to two of them.
const CONSULTANT: DemoPerson = person("Sam Rivera", "sam@consulting.example");

/// The tenants in the order they are shown. Domains end in `.example`, which belongs to nobody (RFC 2606).
pub(super) const TENANTS: [DemoTenant; 3] = [
    DemoTenant {
        slug: "acme",
        name: "Acme Industrial",
        people: &[
            person("Ann Becker", "ann@acme.example"),
            person("Bob Castillo", "bob@acme.example"),
            person("Chloe Dubois", "chloe@acme.example"),
            CONSULTANT,
        ],
    },
    DemoTenant {
        slug: "globex",
        name: "Globex",
        people: &[
            person("Gita Rao", "gita@globex.example"),
            person("Henrik Larsen", "henrik@globex.example"),
            CONSULTANT,
        ],
    },
    DemoTenant {
        slug: "initech",
        name: "Initech",
        people: &[
            person("Ines Moreau", "ines@initech.example"),
            person("Jonas Weber", "jonas@initech.example"),
            person("Kaito Mori", "kaito@initech.example"),
        ],
    },
];
