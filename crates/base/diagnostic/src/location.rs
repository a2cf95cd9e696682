use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a text: line and column count from 1, in characters; `offset` counts bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset, from 0.
    pub offset: usize,
}

/// A stretch of a text, end exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First position of the stretch.
    pub start: Position,
    /// Position just after it.
    pub end: Position,
}

/// A stretch of a named file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// File, relative to what the person sees as the root.
    pub file: String,
    /// Where in it.
    pub span: Span,
}

impl Location {
    /// A point in a file, when no more than line and column are known.
    #[must_use]
    pub fn new(file: impl Into<String>, line: usize, column: usize) -> Self {
        let position = Position {
            line,
            column,
            offset: 0,
        };
        Self {
            file: file.into(),
            span: Span {
                start: position,
                end: position,
            },
        }
    }
}

/// `file:line:column`.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}",
            self.file, self.span.start.line, self.span.start.column
        )
    }
}

/// A place with what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// File and stretch.
    pub location: Location,
    /// Field path such as `spec.params.dbName`; empty where there is none.
    pub path: String,
    /// What to say there; empty to say nothing but the message.
    pub text: String,
}

impl Label {
    /// A place without words.
    #[must_use]
    pub fn at(location: Location) -> Self {
        Self {
            location,
            path: String::new(),
            text: String::new(),
        }
    }

    /// Names the field.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Says something there.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }
}

/// The JSON form is flat, for programs that only want to know where: `file`, `line`, `column`, then the rest.
#[derive(Serialize, Deserialize)]
struct FlatLabel {
    file: String,
    line: usize,
    column: usize,
    #[serde(default)]
    span: Span,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
}

impl Serialize for Label {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Location { file, span } = self.location.clone();
        FlatLabel {
            file,
            line: span.start.line,
            column: span.start.column,
            span,
            path: self.path.clone(),
            text: self.text.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = FlatLabel::deserialize(deserializer)?;
        let mut location = Location::new(flat.file, flat.line, flat.column);
        if flat.span != Span::default() {
            location.span = flat.span;
        }
        Ok(Self {
            location,
            path: flat.path,
            text: flat.text,
        })
    }
}
