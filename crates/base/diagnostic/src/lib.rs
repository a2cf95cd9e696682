//! What Pave says about something that a person wrote.
//!
//! Diagnostics are collected, never thrown: functions return `(T, Diagnostics)`. The same value is drawn in the
//! terminal, sent to the pages as JSON, and written to conditions and events. This crate knows nothing of
//! terminals, files or HTTP; start at [`Diagnostic`].

mod cause;
mod distance;
mod location;

pub use cause::{innermost, with_causes};
pub use distance::nearest;
pub use location::{Label, Location, Position, Span};

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but not as the author is likely to expect.
    Warning,
    /// Does not work.
    Error,
}

/// A safe change of the text that would resolve a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What the change does, as a verb phrase: "move it to `spec.dbName`".
    pub title: String,
    /// File that changes.
    pub file: String,
    /// Stretch of the text that is replaced; empty to insert.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

/// One finding: where, what was found, who expected otherwise, and what to change.
///
/// Messages are lower-case without a full stop, values in backticks. A secret never stands in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code such as `PV2104`; `pave explain` has a page for it.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// Where it was found (first), and who says otherwise (the others).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// What to change, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What to change, ready to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// What the finding does further down the road.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

impl Diagnostic {
    /// An error with a code and a message; add places and help with the `with_` methods.
    #[must_use]
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning with a code and a message.
    #[must_use]
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A remark with a code and a message.
    #[must_use]
    pub fn info(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            fix: None,
            effect: None,
        }
    }

    /// Adds a place. The first one is where the finding is.
    #[must_use]
    pub fn with_label(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }

    /// Says what to change.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a change that is safe to apply.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Says what follows from it further down the road.
    #[must_use]
    pub fn with_effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = Some(effect.into());
        self
    }
}

/// One line: `file:line:column: message; help`, for conditions, events and logs.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = self.labels.first() {
            write!(formatter, "{}: ", label.location)?;
            if !label.path.is_empty() {
                write!(formatter, "{}: ", label.path)?;
            }
        }
        write!(formatter, "{}", self.message)?;
        if let Some(help) = &self.help {
            write!(formatter, " (help: {help})")?;
        }
        write!(formatter, " [{}]", self.code)
    }
}

/// The findings of one pass, in the order in which they were made.
pub type Diagnostics = Vec<Diagnostic>;

/// Whether any of them is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_what_and_help() {
        let diagnostic = Diagnostic::error("PV0001", "unknown field `params`")
            .with_label(Label::at(Location::new("a.yaml", 3, 7)).with_path("spec.params"))
            .with_help("move it");
        assert_eq!(
            diagnostic.to_string(),
            "a.yaml:3:7: spec.params: unknown field `params` (help: move it) [PV0001]"
        );
    }
}
