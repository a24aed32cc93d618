//! Exit statuses.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: what was asked is done.
    Done,
    /// 1: it cannot be done as asked; something else can.
    Refused,
    /// 2: the environment does not allow it, or something unexpected happened.
    Failed,
    /// The status of the program that was run in our place.
    Of(u8),
}

impl ExitStatus {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Failed => 2,
            Self::Of(code) => code,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
