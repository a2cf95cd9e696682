use std::ops::Range;

use pave_diagnostic::{Label, Location, Position, Span};

/// A file, to say places in.
pub(super) struct Text<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Text<'_> {
    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or_default();
        Span {
            start: self.position(range.start),
            end: self.position(range.end),
        }
    }

    pub(super) fn label(&self, range: Option<Range<usize>>, path: &str) -> Label {
        let location = Location {
            file: self.file.to_owned(),
            span: self.span(range),
        };
        Label::at(location).with_path(path)
    }

    fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Position { line, column, offset }
    }
}
