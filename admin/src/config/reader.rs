//! Reads variables one by one and collects what is wrong with them.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// An environment, and what was found wrong with it so far.
pub(super) struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// One sentence each; none of them repeats a value that may be secret.
    pub(super) problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads from `variable`, which is asked by name.
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self {
            variable,
            problems: Vec::new(),
        }
    }

    /// The variable as it stands; an empty one counts as unset.
    pub(super) fn raw(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// The variable as a path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    /// The variable as text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.raw(name)?.into_string() {
            Ok(text) => Some(text),
            Err(_) => self.refuse(name, "it is not UTF-8"),
        }
    }

    /// The variable as what its text means.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        text.trim()
            .parse()
            .or_else(|error| self.refuse(name, error).ok_or(()))
            .ok()
    }

    /// The variable as a whole number within bounds, or `default` where it is unset.
    pub(super) fn count(&mut self, name: &str, bounds: RangeInclusive<usize>, default: usize) -> usize {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.trim().parse() {
            Ok(count) if bounds.contains(&count) => count,
            _ => {
                let (least, most) = bounds.into_inner();
                let form = format!("a whole number between {least} and {most} is the form");
                self.refuse(name, form).unwrap_or(default)
            }
        }
    }

    /// The variable as an amount within bounds, or `default` where it is unset.
    pub(super) fn within<T>(&mut self, name: &str, bounds: RangeInclusive<T>, default: T) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        match self.parsed::<T>(name) {
            Some(value) if bounds.contains(&value) => value,
            Some(value) => {
                let (least, most) = bounds.into_inner();
                let reason = format!("{value} is out of bounds: between {least} and {most} is taken");
                self.refuse(name, reason).unwrap_or(default)
            }
            None => default,
        }
    }

    /// Notes what is wrong with a variable.
    pub(super) fn refuse<T>(&mut self, name: &str, reason: impl Display) -> Option<T> {
        self.problems.push(format!("{name}: {reason}"));
        None
    }
}
