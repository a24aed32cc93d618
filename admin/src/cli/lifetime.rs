//! Lengths of time as people type them.

use std::str::FromStr;

use chrono::TimeDelta;

/// A number and a unit: `45m`, `12h`, `30d` or `2w`; more than nothing, ten years at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) TimeDelta);

/// A text that is not such a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifetimeError;

impl std::fmt::Display for LifetimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number and m, h, d or w is the form, such as 45m, 12h, 30d or 2w, ten years at most")
    }
}

impl std::error::Error for LifetimeError {}

const LONGEST: TimeDelta = TimeDelta::days(3653);

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let unit = text.chars().next_back().ok_or(LifetimeError)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LifetimeError);
        }
        let count: u32 = digits.parse().map_err(|_| LifetimeError)?;
        let one = match unit {
            'm' => TimeDelta::minutes(1),
            'h' => TimeDelta::hours(1),
            'd' => TimeDelta::days(1),
            'w' => TimeDelta::weeks(1),
            _ => return Err(LifetimeError),
        };
        let count = i32::try_from(count).map_err(|_| LifetimeError)?;
        let length = one.checked_mul(count).ok_or(LifetimeError)?;
        if length > TimeDelta::zero() && length <= LONGEST {
            Ok(Self(length))
        } else {
            Err(LifetimeError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_length() {
        for (text, length) in [
            ("45m", TimeDelta::minutes(45)),
            ("12h", TimeDelta::hours(12)),
            ("30d", TimeDelta::days(30)),
            ("2w", TimeDelta::days(14)),
        ] {
            assert_eq!(text.parse(), Ok(Lifetime(length)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "d",
            "30",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "30 d",
            "1y",
            "4000d",
            "99999999999w",
            "3é",
        ] {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError), "{text:?}");
        }
    }
}
