use std::ops::Range;

use pave_diagnostic::{Location, Position, Span};
use pave_yaml::{Document, Node};

/// Where a stretch of a scalar's text stands in the file it was read from.
///
/// Works line by line, so that it holds for plain and quoted scalars and for literal blocks; for what cannot be
/// found again (folded text, escapes) it is the whole scalar.
#[must_use]
pub fn place_in(document: &Document, source: &str, node: &Node, text: &str, range: Range<usize>) -> Location {
    let whole = document.location(node.span);
    let start = position(source, node, text, range.start);
    let end = position(source, node, text, range.end.max(range.start));
    match (start, end) {
        (Some(start), Some(end)) => Location {
            span: Span { start, end },
            ..whole
        },
        (Some(start), None) => Location {
            span: Span { start, end: start },
            ..whole
        },
        _ => whole,
    }
}

fn position(source: &str, node: &Node, text: &str, offset: usize) -> Option<Position> {
    let offset = offset.min(text.len());
    let wanted = text.get(..offset)?.matches('\n').count();
    let mut from = node.span.start.offset;
    let mut found = None;
    for line in text.split('\n').take(wanted + 1) {
        let content = line.trim();
        let at = from + source.get(from..)?.find(content)?;
        found = Some((at, line));
        from = at + content.len();
    }
    let (at, line) = found?;
    let line_start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = line.len() - line.trim_start().len();
    let byte = at + (offset - line_start).saturating_sub(indent);
    let before = source.get(..byte)?;
    let column_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some(Position {
        line: before.matches('\n').count() + 1,
        column: before[column_start..].chars().count() + 1,
        offset: byte,
    })
}
