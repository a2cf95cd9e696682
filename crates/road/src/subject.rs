//! A document of the road: what it says, the text it was read from, and where that text really stands.

use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Fix, Label, Location, Position, Span};
use pave_names::GroupVersionKind;
use pave_yaml::{Document, Entry, Node};
use serde_json::Value;

/// One document.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The document; its `file` names the [`Text`], not the file on disk.
    pub(crate) document: Document,
    /// The text that the document's places count in.
    pub(crate) text: Rc<Text>,
    /// Its value.
    pub(crate) value: Value,
    /// The file it belongs to in the repository: where a template would write it, or where it stands.
    pub(crate) path: String,
    /// Which values of a template's form each stretch came from, if it was rendered.
    pub(crate) pieces: Vec<pave_template::provenance::Piece>,
}

/// A text as it was read: a file, a file with its indentation restored, or what a template renders.
#[derive(Debug)]
pub(crate) struct Text {
    /// Name that documents read from it carry.
    pub(crate) id: String,
    /// Content.
    pub(crate) content: String,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// Where a text stands.
#[derive(Debug)]
pub(crate) enum Origin {
    /// In a file, as it is.
    File,
    /// In a file whose indentation was lost: spaces added per line.
    Reindented {
        /// The file.
        file: String,
        /// Spaces added before each line.
        added: Vec<usize>,
    },
    /// In a scalar of a template.
    Rendered(Box<Rendered>),
}

/// A text that a template renders.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The template.
    pub(crate) template: Rc<Subject>,
    /// The scalar that was rendered.
    pub(crate) node: Node,
    /// Its text before rendering.
    pub(crate) raw: String,
}

impl Subject {
    /// Text at a pointer.
    pub(crate) fn str(&self, pointer: &str) -> &str {
        self.value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Group, version and kind; empty parts where they cannot be read.
    pub(crate) fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::from_api_version(self.str("/apiVersion"), self.str("/kind")).unwrap_or_default()
    }

    /// A label at a pointer.
    pub(crate) fn label(&self, pointer: &str) -> Label {
        self.document
            .label(pointer)
            .with_path(crate::pointer::to_path(pointer))
    }

    /// A label at the value of a pointer.
    pub(crate) fn value_label(&self, pointer: &str) -> Label {
        let label = Label::at(self.document.locate(pointer)).with_path(crate::pointer::to_path(pointer));
        if self
            .document
            .node(pointer)
            .is_some_and(|node| node.entries().is_empty() && node.items().is_empty())
        {
            return label;
        }
        self.label(pointer)
    }

    /// The entry at a pointer.
    pub(crate) fn entry(&self, pointer: &str) -> Option<&Entry> {
        let key = crate::pointer::segments(pointer).pop()?;
        self.document.node(crate::pointer::parent(pointer))?.entry(&key)
    }

    /// The text at a pointer as the template has it, expressions and all; as it is where nothing was rendered.
    pub(crate) fn written(&self, pointer: &str) -> String {
        let value = self.str(pointer).to_owned();
        let (Origin::Rendered(rendered), Some(node)) = (&self.text.origin, self.document.node(pointer))
        else {
            return value;
        };
        let start = node.span.start;
        let range = self.text.raw_range(rendered, start, start);
        let line = rendered
            .raw
            .get(range.start..)
            .and_then(|rest| rest.lines().next());
        line.map_or(value, |line| line.trim().trim_matches(['"', '\'']).to_owned())
    }

    /// Whether this was rendered from a template.
    pub(crate) fn is_rendered(&self) -> bool {
        matches!(self.text.origin, Origin::Rendered(_))
    }
}

impl Text {
    /// Turns places in this text into places in the file.
    pub(crate) fn resolve(&self, diagnostic: &mut Diagnostic) {
        if matches!(self.origin, Origin::File) {
            return;
        }
        for label in diagnostic
            .labels
            .iter_mut()
            .filter(|label| label.location.file == self.id)
        {
            label.location = self.place(&label.location);
        }
        if diagnostic.fix.as_ref().is_some_and(|fix| fix.file == self.id) {
            diagnostic.fix = diagnostic.fix.take().and_then(|fix| self.fix(fix));
        }
    }

    fn place(&self, location: &Location) -> Location {
        match &self.origin {
            Origin::File => location.clone(),
            Origin::Reindented { file, added } => {
                let back = |position: Position| {
                    let before = added.iter().take(position.line).sum::<usize>();
                    let own = added.get(position.line.saturating_sub(1)).copied().unwrap_or(0);
                    Position {
                        line: position.line,
                        column: position.column.saturating_sub(own).max(1),
                        offset: position.offset.saturating_sub(before),
                    }
                };
                let span = Span {
                    start: back(location.span.start),
                    end: back(location.span.end),
                };
                Location {
                    file: file.clone(),
                    span,
                }
            }
            Origin::Rendered(rendered) => {
                let raw = self.raw_range(rendered, location.span.start, location.span.end);
                let template = &rendered.template;
                let found = pave_template::place_in(
                    &template.document,
                    &template.text.content,
                    &rendered.node,
                    &rendered.raw,
                    raw,
                );
                template.text.place(&found)
            }
        }
    }

    /// The stretch of the unrendered text that a stretch of the rendered one came from, line by line.
    fn raw_range(&self, rendered: &Rendered, start: Position, end: Position) -> std::ops::Range<usize> {
        let raw: Vec<&str> = rendered.raw.split('\n').collect();
        if raw.len() != self.content.split('\n').count() {
            return 0..rendered.raw.len();
        }
        let offset = |position: Position| {
            let line = position.line.saturating_sub(1).min(raw.len() - 1);
            let before: usize = raw[..line].iter().map(|line| line.len() + 1).sum();
            let within = raw[line]
                .char_indices()
                .nth(position.column.saturating_sub(1))
                .map_or(raw[line].len(), |(at, _)| at);
            before + within
        };
        let start = offset(start);
        start..offset(end).max(start)
    }

    /// A fix of this text as a fix of the template, if the same change can be made there.
    fn fix(&self, fix: Fix) -> Option<Fix> {
        let Origin::Rendered(rendered) = &self.origin else {
            return None;
        };
        let template = &rendered.template;
        // Whoever restores the indentation first gets the other fixes on the next run.
        if !matches!(template.text.origin, Origin::File) || rendered.raw.lines().count() < 2 {
            return None;
        }
        let content = &template.text.content;
        let start = self.file_offset(rendered, fix.span.start)?;
        let end = self.file_offset(rendered, fix.span.end)?;
        let old = self.content.get(fix.span.start.offset..fix.span.end.offset)?;
        let written = content.get(start..end)?;
        let raw = rendered
            .raw
            .get(self.raw_range(rendered, fix.span.start, fix.span.end))?;
        let trimmed = |text: &str| {
            text.lines()
                .map(|line| line.trim().to_owned())
                .collect::<Vec<_>>()
        };
        if trimmed(raw) != trimmed(written) || old.lines().count() != written.lines().count() {
            return None;
        }
        let first = Self::offset_in_file(rendered, 0);
        let indent = content[..first].rsplit('\n').next().map_or(0, str::len);
        let replacement = unrender(&fix.replacement, old, raw, indent, fix.span.start.column == 1);
        let span = Span {
            start: position_at(content, start),
            end: position_at(content, end),
        };
        Some(Fix {
            file: template.text.id.clone(),
            span,
            replacement,
            ..fix
        })
    }

    fn offset_in_file(rendered: &Rendered, raw: usize) -> usize {
        let template = &rendered.template;
        let range = raw..raw;
        let place = pave_template::place_in(
            &template.document,
            &template.text.content,
            &rendered.node,
            &rendered.raw,
            range,
        );
        place.span.start.offset
    }

    /// Where a position stands in the template's file; the first column is that of the file's line.
    fn file_offset(&self, rendered: &Rendered, position: Position) -> Option<usize> {
        let content = &rendered.template.text.content;
        let raw = self.raw_range(rendered, position, position).start;
        if position.column > 1 {
            return Some(Self::offset_in_file(rendered, raw));
        }
        if position.line == 1 {
            let first = Self::offset_in_file(rendered, 0);
            return Some(content[..first].rfind('\n').map_or(0, |newline| newline + 1));
        }
        let before = Self::offset_in_file(rendered, raw.checked_sub(1)?);
        Some(before + content.get(before..)?.find('\n')? + 1)
    }
}

/// Line and column of a byte offset.
pub(crate) fn position_at(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        offset,
    }
}

/// Puts expressions back where their values stand, and indents new lines as the block is.
fn unrender(replacement: &str, old: &str, raw: &str, indent: usize, whole_lines: bool) -> String {
    let pairs: Vec<(&str, &str)> = old
        .lines()
        .map(str::trim)
        .zip(raw.lines().map(str::trim))
        .collect();
    let lines = replacement.split('\n').enumerate().map(|(index, line)| {
        let body = line.trim_start();
        let own = line.len() - body.len();
        let known = pairs
            .iter()
            .find(|(rendered, _)| !body.is_empty() && *rendered == body.trim_end());
        let body = known.map_or(body, |(_, raw)| *raw);
        let shift = if body.is_empty() || (index == 0 && !whole_lines) {
            0
        } else {
            indent
        };
        format!("{}{body}", " ".repeat(own + shift))
    });
    lines.collect::<Vec<_>>().join("\n")
}
