//! Files with their texts, and stretches of them.

use std::ops::Range;
use std::rc::Rc;

use pave_diagnostic::{Label, Location, Position, Span};

/// A file that is being read.
#[derive(Debug, PartialEq)]
pub(crate) struct Source {
    /// As people know it: `path` or `path@alias`.
    pub(crate) name: String,
    /// Alias of its repository; `None` for the pipeline's own.
    pub(crate) repository: Option<String>,
    /// Path in its repository.
    pub(crate) path: String,
    /// Text.
    pub(crate) text: String,
}

/// A stretch of a file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: Rc<Source>,
    pub(crate) span: Span,
}

/// Values are equal wherever they were written.
impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Place {
    pub(crate) fn location(&self) -> Location {
        Location {
            file: self.source.name.clone(),
            span: self.span,
        }
    }

    pub(crate) fn label(&self) -> Label {
        Label::at(self.location())
    }

    /// The place of some bytes of a scalar's text: found again in the file, since quotes, escapes and indentation stand
    /// between the two. `text` is the scalar, `anchor` the piece of it to look for, `range` counts from the anchor.
    pub(crate) fn within(&self, text: &str, anchor: Range<usize>, range: Range<usize>) -> Self {
        let Some(piece) = text.get(anchor.clone()) else {
            return self.clone();
        };
        let earlier = text[..anchor.start].matches(piece).count();
        let Some(written) = self.source.text.get(self.span.start.offset..) else {
            return self.clone();
        };
        let found = written
            .match_indices(piece)
            .nth(earlier)
            .map(|(offset, _)| offset);
        let Some(start) = found.map(|offset| self.span.start.offset + offset) else {
            return self.clone();
        };
        Self {
            source: Rc::clone(&self.source),
            span: Span {
                start: position(&self.source.text, start + range.start),
                end: position(&self.source.text, start + range.end.max(range.start)),
            },
        }
    }
}

/// Line and column of a byte of a text.
pub(crate) fn position(text: &str, offset: usize) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        offset,
    }
}
