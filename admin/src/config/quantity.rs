//! Amounts with a unit, as they stand in a variable.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time: a whole number and `ms`, `s` or `m`, such as `500ms` or `10s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) struct Interval(pub(crate) Duration);

/// A text that is no [`Interval`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IntervalError;

impl std::error::Error for IntervalError {}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number and ms, s or m is the form, such as 500ms, 10s or 1m")
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let (count, unit) = split(text).ok_or(IntervalError)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => return Err(IntervalError),
        };
        let millis = count.checked_mul(millis).ok_or(IntervalError)?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis > 0 && millis.is_multiple_of(60_000) => write!(f, "{}m", millis / 60_000),
            millis if millis.is_multiple_of(1_000) => write!(f, "{}s", millis / 1_000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

/// A number of bytes: plain, or with `KiB`, `MiB` or `GiB`, such as `4MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) struct ByteCount(pub(crate) usize);

/// A text that is no [`ByteCount`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ByteCountError;

impl fmt::Display for ByteCountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes, or a whole number and KiB or MiB is the form, such as 65536, 512KiB or 4MiB")
    }
}

impl FromStr for ByteCount {
    type Err = ByteCountError;

    fn from_str(text: &str) -> Result<Self, ByteCountError> {
        let (count, unit) = split(text).ok_or(ByteCountError)?;
        let bytes = match unit {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(ByteCountError),
        };
        let bytes = count.checked_mul(bytes).ok_or(ByteCountError)?;
        usize::try_from(bytes).map(Self).map_err(|_| ByteCountError)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes > 0 && bytes.is_multiple_of(1 << 20) => write!(f, "{}MiB", bytes >> 20),
            bytes if bytes > 0 && bytes.is_multiple_of(1 << 10) => write!(f, "{}KiB", bytes >> 10),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

/// Leading digits and what follows them.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_and_written_alike() {
        for (text, millis) in [("500ms", 500), ("10s", 10_000), ("2m", 120_000), ("0s", 0)] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval.0, Duration::from_millis(millis));
            assert_eq!(interval.to_string(), text);
        }
    }

    #[test]
    fn byte_counts_are_read_and_written_alike() {
        for (text, bytes) in [("512KiB", 512 << 10), ("4MiB", 4 << 20)] {
            let count: ByteCount = text.parse().unwrap();
            assert_eq!(count.0, bytes);
            assert_eq!(count.to_string(), text);
        }
        assert_eq!("65537".parse(), Ok(ByteCount(65_537)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "s",
            "10",
            "10 s",
            "-1s",
            "+1s",
            "1.5s",
            "10h",
            "1é",
            "99999999999999999999s",
        ] {
            assert_eq!(text.parse::<Interval>(), Err(IntervalError), "{text:?}");
        }
        for text in ["", "MiB", "4MB", "4 MiB", "-1", "18446744073709551615MiB"] {
            assert_eq!(text.parse::<ByteCount>(), Err(ByteCountError), "{text:?}");
        }
    }
}
