//! How a command fails: what it says, and the code that scripts can rely on.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use super::parse::Output;
use crate::error::{Error, Failure};
use crate::store::StoreError;

/// Exit codes other than 0, for the help.
pub(super) const CODES: &str = "\
Exit codes:
  0    done
  1    the run or the command failed
  2    usage: a flag, a setting or an argument cannot be used
  3    not found
  4    conflict: it is there already, or its state does not allow this
  5    the store cannot be reached, or its tables are not those of this version
  124  the time to wait passed
  130  interrupted";

/// The kinds of failure that scripts may tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Failed,
    Usage,
    NotFound,
    Conflict,
    Store,
    WaitPassed,
    Interrupted,
}

impl Code {
    fn number(self) -> u8 {
        match self {
            Code::Failed => 1,
            Code::Usage => 2,
            Code::NotFound => 3,
            Code::Conflict => 4,
            Code::Store => 5,
            Code::WaitPassed => 124,
            Code::Interrupted => 130,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Code::Failed => "failed",
            Code::Usage => "usage",
            Code::NotFound => "not_found",
            Code::Conflict => "conflict",
            Code::Store => "store",
            Code::WaitPassed => "wait_passed",
            Code::Interrupted => "interrupted",
        }
    }

    fn of(error: &Error) -> Code {
        match error {
            Error::Store(StoreError::Url { .. } | StoreError::TooLarge { .. })
            | Error::Invalid(_)
            | Error::Credentials(_)
            | Error::Input { .. }
            | Error::Worker { .. } => Code::Usage,
            Error::Store(_) => Code::Store,
            Error::NoRun { .. } | Error::NoSchedule { .. } => Code::NotFound,
            Error::Conflict { .. }
            | Error::OtherWorkflow { .. }
            | Error::AlreadyRunning { .. }
            | Error::WrongState { .. }
            | Error::AlreadyDecided { .. }
            | Error::VoteRefused { .. }
            | Error::OtherSignal { .. } => Code::Conflict,
            _ => Code::Failed,
        }
    }
}

/// A command that could not be done.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) code: Code,
    message: String,
    hint: Option<String>,
}

impl Failed {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Failed {
        Failed {
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Failed {
        Failed::new(Code::Usage, message)
    }

    /// With what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Failed {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on stderr, and gives the code.
    pub(super) fn tell(&self, output: Output) -> ExitCode {
        let text = match output {
            Output::Table => {
                let hint = self.hint.iter().map(|hint| format!("\nhint: {hint}"));
                format!("error: {}{}", self.message, hint.collect::<String>())
            }
            Output::Json => json!({"error": {
                "code": self.code.word(), "message": self.message, "hint": self.hint,
            }})
            .to_string(),
        };
        // Where nobody reads stderr, the code still says it.
        let _ = writeln!(std::io::stderr(), "{text}");
        ExitCode::from(self.code.number())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::new(Code::of(&error), error.to_string())
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Error::Store(error).into()
    }
}

/// What an author's hook says.
impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed::usage(format!("the worker cannot be set up: {failure}"))
    }
}

/// What the parser has to say: help and versions are no failures.
pub(super) fn of_parser(told: &clap::Error) -> ExitCode {
    // As above.
    let _ = told.print();
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
}
