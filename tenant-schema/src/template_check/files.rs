//! The files of a template: their names and their numbers, as refinery reads them.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::{Finding, Found, Rule, SqlFile};

/// What to do about a name.
const NAME: &str =
    "name it V<number>__<words>.sql, such as V12__invoices.sql: what is named otherwise is not applied";

pub(super) fn read(folder: &Path) -> io::Result<Vec<SqlFile>> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    files.sort_by_cached_key(|file: &SqlFile| (named(&file.name), file.name.clone()));
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SqlFile>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
            let text = std::fs::read(&path)?;
            let text = String::from_utf8(text)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{name} is not UTF-8")))?;
            files.push(SqlFile {
                name: name.into_owned(),
                text,
            });
        }
    }
    Ok(())
}

/// What a file of a template is, as the first letter of its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `V`: brings a tenant to its number.
    Migration,
    /// `B`: stands for the migrations up to its number, in new tenants.
    Baseline,
    /// `P`: runs behind the migration of its number, outside of a transaction.
    PostStep,
}

/// A name without its folder.
pub(super) fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Kind and number of a file, if it is named as it must be: a letter, digits, two underscores, word characters.
pub(super) fn named(name: &str) -> Option<(Kind, i32)> {
    let name = base(name);
    let kind = match name.chars().next()? {
        'V' => Kind::Migration,
        'B' => Kind::Baseline,
        'P' => Kind::PostStep,
        _ => return None,
    };
    let (number, title) = name[1..].strip_suffix(".sql")?.split_once("__")?;
    let is_title = !title.is_empty() && title.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_number = number.bytes().all(|digit| digit.is_ascii_digit());
    number
        .parse()
        .ok()
        .filter(|number| is_title && is_number && *number > 0)
        .map(|number| (kind, number))
}

/// What is wrong with the names.
pub(super) fn numbering(files: &[SqlFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: HashMap<(Kind, i32), &str> = HashMap::new();
    for file in files {
        let mut found = Found {
            file: &file.name,
            findings: &mut findings,
        };
        let Some(named) = named(&file.name) else {
            let reason = format!("{} is not named as a migration is", file.name);
            found.add(1, Rule::FileName, reason, NAME);
            continue;
        };
        if named.0 == Kind::PostStep {
            continue;
        }
        if let Some(first) = seen.insert(named, &file.name) {
            let reason = format!("{first} has the number {} too", named.1);
            found.add(1, Rule::FileNumber, reason, "give every file a number of its own");
        }
    }
    let migrations = seen.iter().filter(|((kind, _), _)| *kind == Kind::Migration);
    let mut numbers: Vec<(i32, &str)> = migrations.map(|((_, number), name)| (*number, *name)).collect();
    numbers.sort_unstable();
    let last = numbers.last().map_or(0, |(number, _)| *number);
    for ((kind, number), name) in &seen {
        if *kind == Kind::Baseline && *number > last {
            let reason = format!("it stands for the files up to V{number}, and the last one is V{last}");
            let instead = "give it the number of the last file that it stands for";
            let findings = &mut findings;
            Found { file: name, findings }.add(1, Rule::BaselineDiffers, reason, instead);
        }
    }
    post_steps(files, last, &mut findings);
    for (expected, (number, name)) in (1..).zip(numbers) {
        if number != expected {
            let mut found = Found {
                file: name,
                findings: &mut findings,
            };
            let reason = format!("V{expected} is missing before V{number}");
            let instead =
                "number the files without gaps: a file that comes later with a lower number is refused";
            found.add(1, Rule::FileGap, reason, instead);
            break;
        }
    }
    findings
}

/// What is wrong with the names of post-steps: several may stand behind one version, none behind a version that there is not.
fn post_steps(files: &[SqlFile], last: i32, findings: &mut Vec<Finding>) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for file in files {
        let Some((Kind::PostStep, number)) = named(&file.name) else {
            continue;
        };
        let mut found = Found {
            file: &file.name,
            findings,
        };
        if let Some(first) = seen.insert(base(&file.name), &file.name) {
            let reason = format!("{first} has this name too");
            found.add(
                1,
                Rule::PostStep,
                reason,
                "give every post-step a name of its own",
            );
        }
        if number > last {
            let reason = format!("there is no V{number} that it could stand behind");
            let instead = "give it the number of the V file behind which it runs";
            found.add(1, Rule::PostStep, reason, instead);
        }
    }
}
