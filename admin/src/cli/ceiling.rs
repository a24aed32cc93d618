//! A limit as it is typed: a number with its unit, `none`, or `plan`.

use crate::config::{ByteCount, Interval};

/// What a limit is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceiling {
    /// There is none.
    Unlimited,
    /// What the plan says: for a tenant.
    OfPlan,
    /// So many, milliseconds or bytes.
    At(i64),
}

fn read(text: &str, number: impl FnOnce(&str) -> Result<i64, String>) -> Result<Ceiling, String> {
    Ok(match text {
        "none" => Ceiling::Unlimited,
        "plan" => Ceiling::OfPlan,
        other => Ceiling::At(number(other)?),
    })
}

/// A number of requests or records.
pub(super) fn count(text: &str) -> Result<Ceiling, String> {
    let form = "a whole number from 1 to 10000 is the form, or none";
    read(text, |text| match text.parse() {
        Ok(count) if (1..=10_000).contains(&count) => Ok(count),
        _ => Err(form.to_owned()),
    })
}

/// A length of time.
pub(super) fn time(text: &str) -> Result<Ceiling, String> {
    let form = "a whole number and ms, s or m from 10ms to 60m is the form, such as 500ms or 5s, or none";
    read(text, |text| {
        let millis = text.parse::<Interval>().ok().map(|time| time.0.as_millis());
        let millis = millis.filter(|millis| (10..=3_600_000).contains(millis));
        millis
            .and_then(|millis| i64::try_from(millis).ok())
            .ok_or_else(|| form.to_owned())
    })
}

/// A number of bytes.
pub(super) fn size(text: &str) -> Result<Ceiling, String> {
    let form = "a whole number and KiB, MiB or GiB is the form, such as 500MiB or 8GiB, or none";
    read(text, |text| {
        let bytes = text.parse::<ByteCount>().ok().filter(|bytes| bytes.0 > 0);
        bytes
            .and_then(|bytes| i64::try_from(bytes.0).ok())
            .ok_or_else(|| form.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_with_their_units() {
        assert_eq!(count("20"), Ok(Ceiling::At(20)));
        assert_eq!(time("5s"), Ok(Ceiling::At(5000)));
        assert_eq!(size("8GiB"), Ok(Ceiling::At(8 << 30)));
        for read in [count, time, size] {
            assert_eq!(read("none"), Ok(Ceiling::Unlimited));
            assert_eq!(read("plan"), Ok(Ceiling::OfPlan));
            for wrong in ["", "0", "-1", "5 apples", "99999999999999999999GiB", "many"] {
                assert!(read(wrong).is_err(), "{wrong:?}");
            }
        }
    }
}
