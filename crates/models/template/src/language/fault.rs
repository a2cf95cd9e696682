use std::ops::Range;

use pave_diagnostic::{Diagnostic, Label, Location};

/// What went wrong in a template text, and in which stretch of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Diagnostic code.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// Bytes of the template text that it concerns.
    pub range: Range<usize>,
    /// What to write instead, when that is known.
    pub help: Option<String>,
}

/// The text does not parse.
pub(crate) const SYNTAX: &str = "PV1501";
/// A filter or test that does not exist.
pub(crate) const UNKNOWN_FILTER: &str = "PV1502";
/// A value cannot be used that way (calling what is no function, `in` on a number).
pub(crate) const WRONG_VALUE: &str = "PV1503";
/// The template runs too long or grows too large.
pub(crate) const BUDGET: &str = "PV1504";
/// A statement that templates may not use here.
pub(crate) const STATEMENT: &str = "PV1505";

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, range: Range<usize>) -> Self {
        Self {
            code,
            message: message.into(),
            range,
            help: None,
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As a diagnostic at a place that the caller has worked out.
    #[must_use]
    pub fn to_diagnostic(&self, location: Location) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, self.message.clone()).with_label(Label::at(location));
        match &self.help {
            Some(help) => diagnostic.with_help(help.clone()),
            None => diagnostic,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(formatter, " (help: {help})"),
            None => Ok(()),
        }
    }
}
