//! Waves: the parts of the fleet that are migrated together, the first of them small.

use std::str::FromStr;

/// How large the fleet's parts are, as `1,5%,25%,100%`: how many tenants are migrated when each wave is done, in
/// numbers or in hundredths of those the run has to migrate. What the last one leaves is one more wave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waves(Vec<Upto>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upto {
    Tenants(usize),
    Percent(usize),
}

/// A text that names no waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "numbers or percentages, each more than the one before, separated by commas, is the form, such as 1,5%,25%,100%"
)]
pub struct WavesError;

impl FromStr for Waves {
    type Err = WavesError;

    fn from_str(text: &str) -> Result<Self, WavesError> {
        let waves: Vec<Upto> = text.split(',').map(upto).collect::<Result<_, _>>()?;
        let grows = |pair: &[Upto]| match (pair[0], pair[1]) {
            (Upto::Tenants(before), Upto::Tenants(after)) | (Upto::Percent(before), Upto::Percent(after)) => {
                before < after
            }
            // Which is more depends on the fleet.
            _ => true,
        };
        if waves.windows(2).all(grows) {
            Ok(Self(waves))
        } else {
            Err(WavesError)
        }
    }
}

fn upto(text: &str) -> Result<Upto, WavesError> {
    let text = text.trim();
    let (digits, percent) = text
        .strip_suffix('%')
        .map_or((text, false), |digits| (digits, true));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WavesError);
    }
    let count: usize = digits.parse().map_err(|_| WavesError)?;
    match (count, percent) {
        (0, _) | (101.., true) => Err(WavesError),
        (_, true) => Ok(Upto::Percent(count)),
        (_, false) => Ok(Upto::Tenants(count)),
    }
}

impl Waves {
    /// The wave of each of so many tenants in turn, counted from one and without gaps.
    pub fn of(&self, tenants: usize) -> impl Iterator<Item = i32> {
        let mut ends: Vec<usize> = Vec::new();
        for upto in self.0.iter().chain(&[Upto::Percent(100)]) {
            let end = match *upto {
                Upto::Tenants(count) => count.min(tenants),
                Upto::Percent(percent) => tenants.saturating_mul(percent).div_ceil(100),
            };
            if ends.last().is_none_or(|last| end > *last) {
                ends.push(end);
            }
        }
        (0..tenants).map(move |at| {
            let wave = ends.partition_point(|end| *end <= at) + 1;
            i32::try_from(wave).unwrap_or(i32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(waves: &str, tenants: usize) -> Vec<usize> {
        let waves: Waves = waves.parse().unwrap();
        let mut sizes = Vec::new();
        for wave in waves.of(tenants) {
            let wave = usize::try_from(wave).unwrap();
            sizes.resize(wave.max(sizes.len()), 0);
            sizes[wave - 1] += 1;
        }
        sizes
    }

    #[test]
    fn the_rest_is_the_last_wave() {
        for (waves, tenants, expected) in [
            ("1,5%,25%,100%", 200, &[1, 9, 40, 150][..]),
            ("1,5%,25%,100%", 10, &[1, 2, 7]),
            ("1", 10, &[1, 9]),
            ("100%", 3, &[3]),
            ("1,5%,25%,100%", 1, &[1]),
            ("5,10", 7, &[5, 2]),
            ("50%,1,100%", 4, &[2, 2]),
            ("1", 0, &[]),
        ] {
            assert_eq!(sizes(waves, tenants), expected, "{waves} of {tenants}");
        }
        assert_eq!(Waves::default().of(3).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "0", "1,", "0%", "101%", "5%,5%", "25%,5%", "3,2", "x", "-1", "1.5%", "%",
        ] {
            assert_eq!(text.parse::<Waves>(), Err(WavesError), "{text:?}");
        }
    }
}
