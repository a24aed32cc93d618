//! Finds the known name nearest to a mistyped one, for hints.

/// The candidate with the smallest edit distance to `name`, if it is near enough to be what was meant:
/// at most a third of the longer name may differ, and at least one character always may.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(MAX_NAME).flat_map(char::to_lowercase).collect();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
            let allowed = (wanted.len().max(letters.len()) / 3).max(1);
            let distance = distance(&wanted, &letters);
            (distance <= allowed).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Identifiers have at most 63 bytes (PostgreSQL's `NAMEDATALEN`); reading a little more keeps the cost bounded.
const MAX_NAME: usize = 80;

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours each cost one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            row[j + 1] = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["email", "first_name", "last_name", "id"];

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(nearest("emial", NAMES), Some("email"));
        assert_eq!(nearest("firstname", NAMES), Some("first_name"));
        assert_eq!(nearest("Email", NAMES), Some("email"));
        assert_eq!(nearest("ids", NAMES), Some("id"));
    }

    #[test]
    fn stays_silent_when_nothing_is_near() {
        assert_eq!(nearest("quantum", NAMES), None);
        assert_eq!(nearest("", []), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), NAMES), None);
    }
}
