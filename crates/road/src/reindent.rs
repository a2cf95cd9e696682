//! Gives a manifest its indentation back, from what its kind must look like.
//!
//! Pages lose leading spaces when they are copied. What then stands in column 1 is YAML of another meaning, or none;
//! the nesting of a known kind says where each line belongs. Lines stay lines, so every place can be found again.

mod shape;

use std::collections::HashSet;

use shape::Shape;

/// A text with its indentation restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindented {
    /// The text.
    pub text: String,
    /// Spaces that were added before each line.
    pub added: Vec<usize>,
    /// Kinds of the documents that were changed, in order.
    pub kinds: Vec<String>,
    /// Line from which on indentation was missing, from 1.
    pub line: usize,
}

/// Restores the indentation of every document that has lost it; none if no document has.
///
/// A document has lost its indentation if it names a kind, no line of it is indented, and `metadata` or `spec` has
/// nothing of its own.
#[must_use]
pub fn reindent(text: &str) -> Option<Reindented> {
    let mut result = Reindented {
        text: String::new(),
        added: Vec::new(),
        kinds: Vec::new(),
        line: 0,
    };
    let lines: Vec<&str> = text.lines().collect();
    for document in documents(&lines) {
        let part = &lines[document.clone()];
        let indents = if has_lost(part) {
            result.kinds.push(kind_of(part).to_owned());
            if result.line == 0 {
                result.line = document.start + 1;
            }
            Nester::new(kind_of(part)).run(part)
        } else {
            vec![0; part.len()]
        };
        for (line, indent) in part.iter().zip(indents) {
            if !line.is_empty() {
                result.text.extend(std::iter::repeat_n(' ', indent));
            }
            result.text.push_str(line);
            result.text.push('\n');
            result.added.push(if line.is_empty() { 0 } else { indent });
        }
    }
    (!result.kinds.is_empty()).then_some(result)
}

/// The documents of a stream as ranges of lines; a `---` belongs to the document that it begins.
fn documents(lines: &[&str]) -> Vec<std::ops::Range<usize>> {
    let mut starts: Vec<usize> = vec![0];
    starts.extend((1..lines.len()).filter(|index| lines[*index].starts_with("---")));
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn has_lost(lines: &[&str]) -> bool {
    let meaningful = || {
        lines
            .iter()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    };
    let empty = |key: &str| meaningful().any(|line| line.trim_end() == format!("{key}:"));
    !kind_of(lines).is_empty()
        && meaningful().all(|line| !line.starts_with([' ', '\t']))
        && lines.iter().any(|line| line.starts_with("apiVersion:"))
        && (empty("metadata") || empty("spec"))
}

fn kind_of<'a>(lines: &[&'a str]) -> &'a str {
    let kind = lines
        .iter()
        .find_map(|line| line.trim_start().strip_prefix("kind:"));
    kind.map_or("", |kind| kind.trim().trim_matches(['"', '\'']))
}

/// A mapping or list that is open at the current line.
struct Level {
    shape: &'static Shape,
    indent: usize,
    seen: HashSet<String>,
}

impl Level {
    fn new(shape: &'static Shape, indent: usize) -> Self {
        Self {
            shape,
            indent,
            seen: HashSet::new(),
        }
    }
}

/// A line taken apart: `- key: value`.
struct Parts<'a> {
    dash: bool,
    key: Option<&'a str>,
    value: &'a str,
}

fn parts(line: &str) -> Parts<'_> {
    let (dash, rest) = match line.strip_prefix("- ") {
        Some(rest) => (true, rest.trim_start()),
        None => (line == "-", line),
    };
    let colon = rest
        .find(": ")
        .or_else(|| rest.trim_end().strip_suffix(':').map(str::len));
    let key = colon.map(|colon| rest[..colon].trim_matches(['"', '\'']));
    let key = key.filter(|key| !key.is_empty() && !key.contains(' ') && !rest.starts_with(['[', '{']));
    let value = colon.map_or(rest, |colon| rest[colon + 1..].trim());
    let value = if value.starts_with('#') { "" } else { value };
    Parts { dash, key, value }
}

struct Nester {
    levels: Vec<Level>,
}

impl Nester {
    fn new(kind: &str) -> Self {
        Self {
            levels: vec![Level::new(shape::of_kind(kind), 0)],
        }
    }

    /// The indentation of each line.
    fn run(mut self, lines: &[&str]) -> Vec<usize> {
        let mut indents = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let rest = &lines[index + 1..];
            let skipped = line.trim().is_empty() || line.starts_with('#') || line.starts_with("---");
            indents.push(if skipped { 0 } else { self.line(line, rest) });
        }
        indents
    }

    fn line(&mut self, line: &str, rest: &[&str]) -> usize {
        let parts = parts(line);
        if parts.dash {
            return self.item(&parts, rest);
        }
        let Some(key) = parts.key else { return self.top() };
        let position = self.home(key, !parts.value.is_empty() && !is_block(parts.value));
        self.levels.truncate(position + 1);
        let indent = self.levels[position].indent;
        self.open(key, parts.value, rest);
        indent
    }

    fn top(&self) -> usize {
        self.levels.last().map_or(0, |level| level.indent)
    }

    /// A line that begins with a dash goes to the innermost list that can have such an item.
    fn item(&mut self, parts: &Parts<'_>, rest: &[&str]) -> usize {
        let fits = |level: &Level| match level.shape {
            Shape::List(item) => match parts.key {
                Some(key) => item.known(key).or(item.other()).is_some(),
                None => matches!(item, Shape::Text | Shape::Any),
            },
            Shape::Any => true,
            _ => false,
        };
        let Some(position) = self.levels.iter().rposition(fits) else {
            return self.top();
        };
        self.levels.truncate(position + 1);
        let level = &self.levels[position];
        let indent = level.indent;
        if let Some(key) = parts.key {
            let shape: &'static Shape = match level.shape {
                Shape::List(item) => item,
                _ => &Shape::Any,
            };
            self.levels.push(Level::new(shape, indent + 2));
            self.open(key, parts.value, rest);
        }
        indent
    }

    /// The open mapping that a key belongs to.
    fn home(&self, key: &str, has_value: bool) -> usize {
        let unseen = |level: &Level| !level.seen.contains(key) && !matches!(level.shape, Shape::List(_));
        let known = |level: &Level| {
            unseen(level) && level.shape.known(key).is_some_and(|shape| shape.takes(has_value))
        };
        let other =
            |level: &Level| unseen(level) && level.shape.other().is_some_and(|shape| shape.takes(has_value));
        let last = self.levels.len() - 1;
        let top = &self.levels[last];
        // A key without a value of its own wants one: what follows is below it if it can be.
        if top.seen.is_empty() && (known(top) || other(top)) {
            return last;
        }
        let found = self
            .levels
            .iter()
            .rposition(known)
            .or_else(|| self.levels.iter().rposition(other));
        found
            .or_else(|| self.levels.iter().rposition(unseen))
            .unwrap_or(0)
    }

    /// Notes a key in the innermost mapping, and opens what is below it.
    fn open(&mut self, key: &str, value: &str, rest: &[&str]) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        level.seen.insert(key.to_owned());
        let indent = level.indent + 2;
        let Some(shape) = level.shape.known(key).or(level.shape.other()) else {
            return;
        };
        if is_block(value) {
            let kind = kind_of(rest);
            let below = if matches!(shape, Shape::Manifest) && !kind.is_empty() {
                shape::of_kind(kind)
            } else {
                &Shape::Any
            };
            self.levels.push(Level::new(below, indent));
        } else if value.is_empty() {
            let next = rest.iter().find(|line| !line.trim().is_empty());
            let lists = next.is_some_and(|line| line.starts_with('-'));
            self.levels.push(match shape {
                Shape::List(item) if !lists => Level::new(item, indent),
                _ => Level::new(shape, indent),
            });
        }
    }
}

fn is_block(value: &str) -> bool {
    value.starts_with(['|', '>']) && value.len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        let read = |folder: &str| std::fs::read_to_string(format!("{root}/{folder}/{name}")).unwrap();
        let found = reindent(&read("first-post-as-printed")).unwrap();
        assert_eq!(found.text, read("first-post"), "{name}");
    }

    #[test]
    fn printed_snippets_get_their_indentation_back() {
        for name in [
            "definition.yaml",
            "composition.yaml",
            "template.yaml",
            "application.yaml",
        ] {
            check(name);
        }
    }

    #[test]
    fn what_is_indented_is_left_alone() {
        assert_eq!(
            reindent("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"),
            None
        );
        assert_eq!(reindent("kind: x\n"), None);
        assert_eq!(reindent("just text\n"), None);
    }
}
