//! The lines `@personal …` in comments.

use super::statements::Statement;
use super::{Found, Rule};
use crate::personal::{self, Said};

pub(super) fn check(statement: Statement<'_>, found: &mut Found<'_>) {
    let Some((subject, line, text)) = statement.comment() else {
        return;
    };
    let (Some(said), Some(at)) = (personal::said(Some(&text)), personal::line(&text)) else {
        return;
    };
    let reason = match (said, subject.kind) {
        (Said::Marked(_), "column") | (Said::Nothing, "table") => return,
        (Said::Unknown(said), _) => format!("@personal {said} is nothing that is known"),
        (_, kind) => format!("this line @personal says nothing about a {kind}"),
    };
    found.add(line + at, Rule::PersonalLine, reason, personal::ADVICE);
}
