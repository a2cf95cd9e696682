//! Changes of a text, line by line, as one fix.

use std::ops::Range;

use pave_diagnostic::{Fix, Span};

use crate::subject::{Subject, position_at};

/// Changes that together make one fix.
pub(crate) struct Edits<'a> {
    subject: &'a Subject,
    changes: Vec<(Range<usize>, String)>,
    possible: bool,
}

impl<'a> Edits<'a> {
    /// No change yet.
    pub(crate) fn of(subject: &'a Subject) -> Self {
        Self {
            subject,
            changes: Vec::new(),
            possible: true,
        }
    }

    fn text(&self) -> &'a str {
        &self.subject.text.content
    }

    fn change(mut self, range: Option<Range<usize>>, text: impl Into<String>) -> Self {
        match range {
            Some(range) => self.changes.push((range, text.into())),
            None => self.possible = false,
        }
        self
    }

    /// Replaces a scalar.
    pub(crate) fn replace(self, pointer: &str, text: impl Into<String>) -> Self {
        let node = self.subject.document.node(pointer);
        let range = node.filter(|node| node.entries().is_empty() && node.items().is_empty());
        let range = range.map(|node| node.span.start.offset..node.span.end.offset);
        self.change(range, text)
    }

    /// Replaces a key.
    pub(crate) fn rename(self, pointer: &str, key: &str) -> Self {
        let range = self
            .subject
            .entry(pointer)
            .map(|entry| entry.key_span.start.offset..entry.key_span.end.offset);
        self.change(range, key)
    }

    /// Removes a key with all below it.
    pub(crate) fn remove(self, pointer: &str) -> Self {
        let range = self.lines_of(pointer);
        self.change(range, "")
    }

    /// Puts lines in the place of a key and all below it; they are indented like it.
    pub(crate) fn replace_entry(self, pointer: &str, lines: &[String]) -> Self {
        let (range, text) = (self.lines_of(pointer), self.indented(pointer, lines));
        self.change(range, text)
    }

    /// Inserts lines after a key and all below it, indented like it.
    pub(crate) fn insert_after(self, pointer: &str, lines: &[String]) -> Self {
        let range = self.lines_of(pointer).map(|range| range.end..range.end);
        let mut text = self.indented(pointer, lines);
        // The last line of a file may have no newline.
        if range
            .as_ref()
            .is_some_and(|range| range.end > 0 && !self.text()[..range.end].ends_with('\n'))
        {
            text = format!("\n{}", text.trim_end_matches('\n'));
        }
        self.change(range, text)
    }

    /// Inserts lines before a key, indented like it.
    pub(crate) fn insert_before(self, pointer: &str, lines: &[String]) -> Self {
        let range = self.lines_of(pointer).map(|range| range.start..range.start);
        let text = self.indented(pointer, lines);
        self.change(range, text)
    }

    /// The lines of a key and all below it, if the key stands first on its line.
    fn lines_of(&self, pointer: &str) -> Option<Range<usize>> {
        let entry = self.subject.entry(pointer)?;
        let key = entry.key_span.start.offset;
        let start = self.text()[..key].rfind('\n').map_or(0, |newline| newline + 1);
        if !self.text()[start..key].trim().is_empty() {
            return None;
        }
        let last = entry.value.span.end.offset.max(entry.key_span.end.offset);
        let end = if last > key && self.text()[..last].ends_with('\n') {
            last
        } else {
            self.text()[last..]
                .find('\n')
                .map_or(self.text().len(), |newline| last + newline + 1)
        };
        Some(start..end)
    }

    fn indented(&self, pointer: &str, lines: &[String]) -> String {
        let indent = self.indent(pointer);
        let pad = " ".repeat(indent);
        lines
            .iter()
            .flat_map(|line| {
                [
                    pad.as_str(),
                    line,
                    "
",
                ]
            })
            .collect()
    }

    /// Column of a key, from 0.
    fn indent(&self, pointer: &str) -> usize {
        self.subject
            .entry(pointer)
            .map_or(0, |entry| entry.key_span.start.column - 1)
    }

    /// The lines of what stands below a key, without their indentation.
    pub(crate) fn lines_below(&self, pointer: &str) -> Vec<String> {
        let Some(range) = self.lines_of(pointer) else {
            return Vec::new();
        };
        let lines: Vec<&str> = self.text()[range].lines().skip(1).collect();
        let indent = lines
            .iter()
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(0);
        lines.iter().map(|line| line[indent..].to_owned()).collect()
    }

    /// All changes as one fix; none if one of them cannot be made in this text.
    pub(crate) fn fix(mut self, title: impl Into<String>) -> Option<Fix> {
        if !self.possible || self.changes.is_empty() {
            return None;
        }
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let overlap = self
            .changes
            .windows(2)
            .any(|pair| pair[0].0.end > pair[1].0.start);
        let (start, end) = (
            self.changes.first()?.0.start,
            self.changes.iter().map(|(range, _)| range.end).max()?,
        );
        if overlap {
            return None;
        }
        let (mut replacement, mut at) = (String::new(), start);
        for (range, text) in &self.changes {
            replacement.push_str(&self.text()[at..range.start]);
            replacement.push_str(text);
            at = range.end;
        }
        let span = Span {
            start: position_at(self.text(), start),
            end: position_at(self.text(), end),
        };
        Some(Fix {
            title: title.into(),
            file: self.subject.text.id.clone(),
            span,
            replacement,
        })
    }
}

/// Adds a fix where there is one.
pub(crate) fn offer(
    mut diagnostic: pave_diagnostic::Diagnostic,
    fix: Option<Fix>,
) -> pave_diagnostic::Diagnostic {
    diagnostic.fix = fix.or(diagnostic.fix);
    diagnostic
}
