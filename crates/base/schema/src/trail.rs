//! The way from the root to a field, kept on the stack until an error needs it as text.

use std::fmt;

/// One step of a [`Trail`].
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

/// A linked list of steps; no allocation while all is well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step<'a>,
}

impl<'a> Trail<'a> {
    /// Starts at `prefix`, which may be empty.
    pub(crate) fn root(prefix: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Root(prefix),
        }
    }

    /// Steps into `.name`.
    pub(crate) fn field<'b>(&'b self, name: &'b str) -> Trail<'b> {
        Trail {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    /// Steps into `[index]`.
    pub(crate) fn index(&self, index: usize) -> Trail<'_> {
        Trail {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// Steps into `[key]`, the form in which Kubernetes addresses schema properties.
    pub(crate) fn key<'b>(&'b self, key: &'b str) -> Trail<'b> {
        Trail {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self.step, Step::Root(""))
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
        }
        match self.step {
            Step::Root(prefix) => formatter.write_str(prefix),
            Step::Field(name) => {
                let dot = if self.parent.is_some_and(|parent| !parent.is_empty()) {
                    "."
                } else {
                    ""
                };
                write!(formatter, "{dot}{name}")
            }
            Step::Index(index) => write!(formatter, "[{index}]"),
            Step::Key(key) => write!(formatter, "[{key}]"),
        }
    }
}
