//! Reports: each is one statement that reads, by days of the asker's time zone.
//!
//! A day begins and ends by the clocks of the zone: PostgreSQL turns a time into a day by the rules that held then, so a
//! month that begins or ends beside a change of the clocks has what happened in it. Sums of money are texts and are never
//! taken over two currencies. Deals in the bin are left out. A statement runs within the bounds of every other one, and is
//! cancelled when whoever asked has gone.

mod sql;

use chrono::NaiveDate;

use super::verb::UTC;
use super::{Parameters, Rule, Verb};
use crate::records::RecordError;

pub(crate) use sql::STATEMENTS;

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// What is expected, won, lost and has slipped.
    Forecast,
    /// How deals pass through the stages of a pipeline.
    Funnel,
    /// How many of the deals that were decided were won.
    WinRate,
    /// How long deals took until they were decided.
    CycleTime,
    /// What was done and is to be done.
    Activities,
}

/// The longest period, in days.
const LONGEST: i64 = 3660;

impl Report {
    /// All of them, by their names.
    pub const ALL: [(&str, Self); 5] = [
        ("activities", Self::Activities),
        ("cycle-time", Self::CycleTime),
        ("forecast", Self::Forecast),
        ("funnel", Self::Funnel),
        ("win-rate", Self::WinRate),
    ];

    /// Its parameters.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Forecast | Self::WinRate | Self::CycleTime => {
                &["from", "to", "time_zone", "group", "pipeline_id", "owner_id"]
            }
            Self::Funnel => &["from", "to", "time_zone", "pipeline_id", "owner_id"],
            Self::Activities => &["from", "to", "time_zone", "group", "owner_id"],
        }
    }

    /// What its rows may be grouped by; the first where nothing is said.
    pub fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Forecast | Self::WinRate | Self::CycleTime => &["month", "owner", "pipeline"],
            Self::Funnel => &[],
            Self::Activities => &["type", "month", "day", "owner"],
        }
    }

    fn statement(self) -> (&'static str, &'static str) {
        match self {
            Self::Forecast => ("deals", sql::FORECAST),
            Self::Funnel => ("pipelines", sql::FUNNEL),
            Self::WinRate => ("deals", sql::WIN_RATE),
            Self::CycleTime => ("deals", sql::CYCLE_TIME),
            Self::Activities => ("activities", sql::ACTIVITIES),
        }
    }

    /// Reads the report.
    ///
    /// # Errors
    /// Parameters that cannot be read.
    pub fn read(self, query: &str, preferred_zone: Option<&str>) -> Result<Verb, RecordError> {
        let mut parameters = Parameters::read(query, self.parameters())?;
        let (from, to) = (parameters.day("from"), parameters.day("to"));
        check_period(&mut parameters, from, to);
        let zone = parameters.take("time_zone");
        let zone = zone.or_else(|| preferred_zone.map(str::to_owned));
        let owner = parameters.id("owner_id");
        let pipeline = parameters.id("pipeline_id");
        let groups = self.take_groups(&mut parameters);
        parameters.finish()?;
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        let mut params = vec![day(from), day(to), owner.map(|id| id.to_string())];
        if self != Self::Activities {
            params.push(pipeline.map(|id| id.to_string()));
        }
        if self != Self::Funnel {
            params.push(Some(format!("{{{}}}", groups.join(","))));
        }
        let (object, sql) = self.statement();
        let verb = Verb::reads(object, sql, params);
        let verb = Verb { rules: RULES, ..verb };
        Ok(verb.in_time_zone(Some(zone.unwrap_or_else(|| UTC.to_owned()))))
    }

    fn take_groups(self, parameters: &mut Parameters) -> Vec<&'static str> {
        let Some(said) = parameters.take("group") else {
            return self.groups().first().copied().into_iter().collect();
        };
        let mut groups = Vec::new();
        for word in said.split(',') {
            match self.groups().iter().find(|group| **group == word) {
                Some(group) if !groups.contains(group) => groups.push(*group),
                Some(_) => parameters.refuse("group", "repeated", "names something twice"),
                None => {
                    let expected = format!("must be of {}, separated by commas", self.groups().join(", "));
                    parameters.refuse("group", "not_a_group", expected);
                    break;
                }
            }
        }
        groups
    }
}

/// Where only one end is said, the statement knows the other.
const RULES: &[Rule] = &[Rule {
    word: "bad_parameter",
    status: 400,
    message: "The parameter 'from' must be at most 3660 days before the last day",
    hint: Some("Say the last day by to"),
}];

fn check_period(parameters: &mut Parameters, from: Option<NaiveDate>, to: Option<NaiveDate>) {
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let days = (to - from).num_days();
    if days < 0 {
        parameters.refuse("to", "before_from", "must not be before from");
    } else if days > LONGEST {
        parameters.refuse(
            "to",
            "too_long",
            format!("must be at most {LONGEST} days after from"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_strict() {
        let told = |report: Report, query| {
            let error = report.read(query, None).unwrap_err();
            format!("{} {}", error.status(), error.message())
        };
        let forecast = |query| told(Report::Forecast, query);
        assert_eq!(forecast("form=2026-01-01"), "400 This takes no parameter 'form'");
        assert_eq!(
            forecast("from=2026-02-01&to=2026-01-31"),
            "400 The parameter 'to' must not be before from"
        );
        assert!(forecast("from=2000-01-01&to=2026-01-31").contains("at most 3660 days"));
        assert!(forecast("group=week").contains("must be of month, owner, pipeline"));
        assert!(forecast("group=month,month").contains("twice"));
        assert!(forecast("group=").starts_with("400"));
        assert_eq!(
            told(Report::Funnel, "group=month"),
            "400 This takes no parameter 'group'"
        );
        assert!(
            Report::Forecast
                .read("group=owner,month&from=2026-01-01", None)
                .is_ok()
        );
    }

    #[test]
    fn every_report_has_a_name_of_its_own() {
        let mut names = Report::ALL.map(|(name, _)| name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 5);
    }
}
