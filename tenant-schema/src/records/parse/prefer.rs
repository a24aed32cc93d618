//! The `Prefer` header (RFC 7240), as far as PostgREST's vocabulary is understood.

use std::fmt;

use crate::records::error::{RecordError, shorten};

/// What a write answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Nothing but a status.
    Minimal,
    /// Nothing but headers, with `Location` for a new record.
    HeadersOnly,
    /// The records as they are now.
    Representation,
}

/// What an insert does with a record whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The record that is there takes the new values.
    MergeDuplicates,
    /// The record that is there stays as it is.
    IgnoreDuplicates,
}

/// What a column takes in a record that has no value for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The column's default.
    Default,
    /// NULL
    Null,
}

/// How the total of a list is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// By counting.
    Exact,
    /// By the planner's estimate.
    Planned,
    /// By counting up to a bound, by the planner's estimate above it.
    Estimated,
}

impl Count {
    /// The records are counted, if only up to a bound.
    pub fn counts(self) -> bool {
        matches!(self, Self::Exact | Self::Estimated)
    }

    /// The planner is asked.
    pub fn estimates(self) -> bool {
        matches!(self, Self::Planned | Self::Estimated)
    }
}

/// How a transaction ends when nothing has gone wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// What was done stays.
    #[default]
    Commit,
    /// What was done is answered, and undone.
    Rollback,
}

/// What becomes of a change when others have changed the record meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It is made, if it is of other fields than theirs.
    Disjoint,
}

/// What becomes of preferences that cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// They are an error.
    Strict,
    /// They are ignored.
    Lenient,
}

/// The preferences of a request. Each is what was said of it, if anything was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    /// `resolution=merge-duplicates|ignore-duplicates`
    pub resolution: Option<Resolution>,
    /// `missing=default|null`
    pub missing: Option<Missing>,
    /// `return=minimal|headers-only|representation`
    pub returning: Option<Return>,
    /// `count=exact|planned|estimated`
    pub count: Option<Count>,
    /// `tx=commit|rollback`
    pub end: Option<End>,
    /// `handling=strict|lenient`
    pub handling: Option<Handling>,
    /// `timezone=…`, not yet known to exist.
    pub time_zone: Option<String>,
    /// `max-affected=…`, in records; it counts with `handling=strict` only.
    pub max_affected: Option<u64>,
    /// `merge=disjoint`; it counts with `If-Match`.
    pub merge: Option<Merge>,
    /// What was not understood, as it was said.
    pub invalid: Vec<String>,
}

/// The kinds of preferences, in the order in which `Preference-Applied` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// [`Preferences::resolution`]
    Resolution,
    /// [`Preferences::missing`]
    Missing,
    /// [`Preferences::returning`]
    Return,
    /// [`Preferences::count`]
    Count,
    /// [`Preferences::end`]
    End,
    /// [`Preferences::handling`]
    Handling,
    /// [`Preferences::time_zone`]
    TimeZone,
    /// [`Preferences::max_affected`]
    MaxAffected,
    /// [`Preferences::merge`]
    Merge,
}

impl Preferences {
    /// Reads the header's value; several headers are joined by a comma first.
    ///
    /// Of two that mean the same kind, the first that is understood counts (RFC 7240, section 2). Names are
    /// compared without regard to case, a value may stand in double quotes, and parameters after `;` say nothing.
    pub fn parse(header: &str) -> Self {
        let mut preferences = Self::default();
        for said in header.split(',').map(str::trim).filter(|said| !said.is_empty()) {
            let stated = said.split(';').next().unwrap_or_default();
            let (name, value) = stated.split_once('=').unwrap_or((stated, ""));
            let name = name.trim().to_ascii_lowercase();
            if !preferences.take(&name, value.trim().trim_matches('"')) {
                preferences.invalid.push(said.to_owned());
            }
        }
        preferences
    }

    /// Keeps one preference, unless its kind has been said before; false when it is not understood.
    fn take(&mut self, name: &str, value: &str) -> bool {
        match name {
            "resolution" => keep(&mut self.resolution, named(&RESOLUTIONS, value)),
            "missing" => keep(&mut self.missing, named(&MISSING, value)),
            "return" => keep(&mut self.returning, named(&RETURNS, value)),
            "count" => keep(&mut self.count, named(&COUNTS, value)),
            "tx" => keep(&mut self.end, named(&ENDS, value)),
            "handling" => keep(&mut self.handling, named(&HANDLINGS, value)),
            "timezone" => keep(
                &mut self.time_zone,
                Some(value.to_owned()).filter(|zone| !zone.is_empty()),
            ),
            "merge" => keep(&mut self.merge, named(&MERGES, value)),
            "max-affected" => keep(&mut self.max_affected, value.parse().ok()),
            _ => false,
        }
    }

    /// Whether what cannot be followed is an error.
    pub fn is_strict(&self) -> bool {
        self.handling == Some(Handling::Strict)
    }

    /// With `handling=strict`, the error that lists what was not understood.
    pub fn check(&self) -> Result<(), RecordError> {
        if self.is_strict() && !self.invalid.is_empty() {
            return Err(Self::refused(&self.invalid.join(", ")));
        }
        Ok(())
    }

    /// The time zone, when it is one that `is_known`; with `handling=strict`, an error when it is not.
    pub fn known_time_zone(&self, is_known: impl Fn(&str) -> bool) -> Result<Option<&str>, RecordError> {
        match self.time_zone.as_deref() {
            Some(zone) if is_known(zone) => Ok(Some(zone)),
            Some(zone) if self.is_strict() => Err(Self::refused(&format!("timezone={zone}"))),
            _ => Ok(None),
        }
    }

    /// With `handling=strict`, the error that this cannot be followed.
    pub fn refuse_if_strict(&self, said: &str) -> Result<(), RecordError> {
        if self.is_strict() {
            return Err(Self::refused(said));
        }
        Ok(())
    }

    fn refused(said: &str) -> RecordError {
        RecordError::InvalidPreferences {
            preferences: shorten(said),
        }
    }

    /// The most records that may be changed, when that counts; fits PostgreSQL's `bigint`.
    pub fn bound(&self) -> Option<u64> {
        let bound = self.max_affected.filter(|_| self.is_strict())?;
        Some(bound.min(i64::MAX.unsigned_abs()))
    }

    /// With `handling=strict`, the error that lists what was said of the kinds that the request `cannot` follow.
    pub fn refuse(&self, cannot: impl Fn(Preference) -> bool) -> Result<(), RecordError> {
        match self.said(cannot) {
            Some(said) => self.refuse_if_strict(&said),
            None => Ok(()),
        }
    }

    /// `Preference-Applied`: those of the kinds that `suits` which were said.
    pub fn applied(&self, suits: impl Fn(Preference) -> bool) -> Option<String> {
        self.said(suits)
    }

    /// Those of the kinds that `suits` which were said, in PostgREST's order and words.
    fn said(&self, suits: impl Fn(Preference) -> bool) -> Option<String> {
        let said = [
            (
                Preference::Resolution,
                self.resolution.map(|it| word(&RESOLUTIONS, it)),
            ),
            (Preference::Missing, self.missing.map(|it| word(&MISSING, it))),
            (Preference::Return, self.returning.map(|it| word(&RETURNS, it))),
            (Preference::Count, self.count.map(|it| word(&COUNTS, it))),
            (Preference::End, self.end.map(|it| word(&ENDS, it))),
            (Preference::Handling, self.handling.map(|it| word(&HANDLINGS, it))),
            (Preference::TimeZone, self.time_zone.clone()),
            (
                Preference::MaxAffected,
                self.bound().map(|bound| bound.to_string()),
            ),
            (Preference::Merge, self.merge.map(|it| word(&MERGES, it))),
        ];
        let listed: Vec<String> = said
            .into_iter()
            .filter(|(kind, _)| suits(*kind))
            .filter_map(|(kind, value)| Some(format!("{kind}={}", value?)))
            .collect();
        (!listed.is_empty()).then(|| listed.join(", "))
    }
}

impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolution => "resolution",
            Self::Missing => "missing",
            Self::Return => "return",
            Self::Count => "count",
            Self::End => "tx",
            Self::Handling => "handling",
            Self::TimeZone => "timezone",
            Self::MaxAffected => "max-affected",
            Self::Merge => "merge",
        })
    }
}

type Words<T> = [(&'static str, T)];

const RESOLUTIONS: [(&str, Resolution); 2] = [
    ("merge-duplicates", Resolution::MergeDuplicates),
    ("ignore-duplicates", Resolution::IgnoreDuplicates),
];
const MISSING: [(&str, Missing); 2] = [("default", Missing::Default), ("null", Missing::Null)];
const RETURNS: [(&str, Return); 3] = [
    ("minimal", Return::Minimal),
    ("headers-only", Return::HeadersOnly),
    ("representation", Return::Representation),
];
const COUNTS: [(&str, Count); 3] = [
    ("exact", Count::Exact),
    ("planned", Count::Planned),
    ("estimated", Count::Estimated),
];
const ENDS: [(&str, End); 2] = [("commit", End::Commit), ("rollback", End::Rollback)];
const MERGES: [(&str, Merge); 1] = [("disjoint", Merge::Disjoint)];
const HANDLINGS: [(&str, Handling); 2] = [("strict", Handling::Strict), ("lenient", Handling::Lenient)];

fn named<T: Copy>(words: &Words<T>, value: &str) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, meant)| *meant)
}

fn word<T: Copy + PartialEq>(words: &Words<T>, meant: T) -> String {
    let found = words.iter().find(|(_, it)| *it == meant);
    found.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// Puts a value that was understood where there is none yet; false when it was not understood.
fn keep<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let understood = value.is_some();
    if place.is_none() {
        *place = value;
    }
    understood
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_return() {
        let returning = |header: &str| Preferences::parse(header).returning;
        assert_eq!(returning("return=representation"), Some(Return::Representation));
        assert_eq!(
            returning("count=exact, Return = \"minimal\";x=1"),
            Some(Return::Minimal)
        );
        assert_eq!(
            returning("return=headers-only,return=minimal"),
            Some(Return::HeadersOnly)
        );
        assert_eq!(returning("return=everything"), None);
        assert_eq!(returning(""), None);
    }

    #[test]
    fn reads_every_preference_and_lists_it_again() {
        let header = "merge=disjoint, max-affected=5 ,timezone=Europe/Berlin,handling=strict,tx=rollback,count=planned,\
            return=minimal,missing=default, resolution=ignore-duplicates";
        let said = Preferences::parse(header);
        assert_eq!(said.end, Some(End::Rollback));
        assert_eq!(said.max_affected, Some(5));
        let applied = "resolution=ignore-duplicates, missing=default, return=minimal, count=planned, tx=rollback, \
            handling=strict, timezone=Europe/Berlin, max-affected=5, merge=disjoint";
        assert_eq!(said.applied(|_| true).as_deref(), Some(applied));
        assert_eq!(
            said.applied(|kind| kind == Preference::Count).as_deref(),
            Some("count=planned")
        );
        assert_eq!(said.applied(|_| false), None);
        for header in ["count=exact", "count=estimated", "tx=commit", "missing=null"] {
            assert_eq!(
                Preferences::parse(header).applied(|_| true).as_deref(),
                Some(header)
            );
        }
    }

    #[test]
    fn max_affected_counts_when_strict_only() {
        assert_eq!(
            Preferences::parse("handling=strict, max-affected=3").bound(),
            Some(3)
        );
        let lenient = Preferences::parse("handling=lenient, max-affected=3");
        assert_eq!(lenient.bound(), None);
        assert_eq!(lenient.applied(|_| true).as_deref(), Some("handling=lenient"));
    }

    #[test]
    fn what_is_not_understood_is_an_error_when_strict_only() {
        assert!(
            Preferences::parse("anything, handling=lenient, x=y")
                .check()
                .is_ok()
        );
        assert!(Preferences::parse("anything").check().is_ok());
        assert!(Preferences::parse("handling=strict, tx=commit").check().is_ok());
        let header = "handling=strict,something,  else=1, max-affected=-1, return=all";
        let error = Preferences::parse(header).check().unwrap_err();
        assert_eq!((error.code(), error.status()), ("PGRST122", 400));
        assert_eq!(error.message(), "Invalid preferences given with handling=strict");
        assert_eq!(
            error.details().as_deref(),
            Some("Invalid preferences: something, else=1, max-affected=-1, return=all")
        );
    }

    #[test]
    fn an_unknown_time_zone_is_an_error_when_strict_only() {
        let known = |zone: &str| zone == "Europe/Berlin";
        let zone = |header: &str| {
            let said = Preferences::parse(header);
            said.known_time_zone(known).map(|zone| zone.map(str::to_owned))
        };
        assert_eq!(
            zone("timezone=Europe/Berlin").unwrap().as_deref(),
            Some("Europe/Berlin")
        );
        assert_eq!(zone("timezone=Jupiter/Red_Spot").unwrap(), None);
        let error = zone("handling=strict, timezone=Jupiter/Red_Spot").unwrap_err();
        assert_eq!(
            error.details().as_deref(),
            Some("Invalid preferences: timezone=Jupiter/Red_Spot")
        );
    }

    proptest! {
        #[test]
        fn what_is_listed_is_read_as_the_same(header in "([a-z-]{1,8}|return=minimal|tx=rollback|timezone=[A-Z]{1,3}|max-affected=[0-9]{1,9}|handling=strict|[,;= \"]){0,12}") {
            let said = Preferences::parse(&header);
            let listed = said.applied(|_| true).unwrap_or_default();
            let again = Preferences::parse(&listed);
            prop_assert_eq!(again.applied(|_| true).unwrap_or_default(), listed);
            prop_assert!(again.invalid.is_empty());
        }
    }
}
