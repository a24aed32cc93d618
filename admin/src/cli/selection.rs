//! `--only`, `--where` and `--all`: which tenants a command of the fleet is about.

use catalog::selection::{Condition, Selection};
use catalog::slug::Slug;
use clap::Args;

/// Part of every command of the fleet.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelectionArgs {
    /// Only these tenants, with commas between them (may be repeated)
    #[arg(long, value_name = "SLUG", value_delimiter = ',')]
    only: Vec<Slug>,
    /// Only tenants of which this holds, such as status=active or 'version<8' (may be repeated: all must hold)
    #[arg(
        long = "where",
        value_name = "CONDITION",
        conflicts_with = "only",
        long_help = WHERE
    )]
    conditions: Vec<Condition>,
    /// All tenants
    #[arg(long, conflicts_with_all = ["only", "conditions"])]
    all: bool,
}

impl SelectionArgs {
    /// The selection, if one was typed.
    pub(crate) fn given(&self) -> Option<Selection> {
        if !self.only.is_empty() {
            return Some(Selection::Only(self.only.clone()));
        }
        if !self.conditions.is_empty() {
            return Some(Selection::Where(self.conditions.clone()));
        }
        self.all.then_some(Selection::All)
    }

    /// The selection; everything, if none was typed.
    pub(crate) fn or_all(&self) -> Selection {
        self.given().unwrap_or_default()
    }
}

const WHERE: &str = "\
Only tenants of which this holds (may be repeated: all must hold). A condition is a field, an operator and a value; put it
in quotes, since < and > mean something to a shell:

  slug, name, plan           = != with * and ? as wildcards; ~ !~ for \"has it in it\", whatever the letter case
  kind, status, state        = != with a word, or several with commas: status=trial,active
  parent                     = != with the slug of the agency, or none
  version                    = != < <= > >= with a number
  pinned, failed             = != with true or false; failed: when it was last migrated
  created, migrated          = != < <= > >= with a day (UTC) or an instant, such as 2026-01-31T12:00:00Z

Tenants that were dropped are among them until they are purged: status!=cancelled leaves them out.";
