//! How a command ends when it does not end well: whose failure it is, and what to do about it.

use crate::output;

/// Exit code of a failure that the user can mend.
const USER: u8 = 1;
/// Exit code of a failure of ours.
const OURS: u8 = 3;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Something the user can mend.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self {
            code: USER,
            message: message.into(),
            hint: None,
        }
    }

    /// Something that should not have happened.
    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self {
            code: OURS,
            message: message.into(),
            hint: None,
        }
    }

    /// A failure that has been told already: nothing is printed.
    pub(crate) fn told() -> Self {
        Self::user("")
    }

    /// Says what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints it and gives the exit code.
    pub(crate) fn tell(&self) -> u8 {
        if !self.message.is_empty() {
            output::note(format!("error: {}", self.message));
            if let Some(hint) = &self.hint {
                output::note(format!("\nhint: {hint}"));
            }
        }
        self.code
    }
}

/// An error with its causes, on one line.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let text = error
            .chain()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        match text.split_once("\n\nhint: ") {
            Some((message, hint)) => Self::user(message).hint(hint),
            None => Self::ours(text),
        }
    }
}
