use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as SourceSpan, Tag};
use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location, Position, Span};
use serde_json::Value;

use crate::scalar::resolve;
use crate::{Dialect, Document, Entry, Node, NodeKind};

/// Total nodes that aliases may expand to in one stream; a guard against expansion bombs.
const ALIAS_BUDGET: usize = 100_000;

/// Reads all documents of a text; empty ones are left out.
///
/// A document that cannot be read becomes a diagnostic (`PV0101`), as does a duplicate key (`PV0102`, a warning),
/// an unknown alias or an alias that grows too large (`PV0103`); the other documents are returned all the same.
#[must_use]
pub fn parse(file: &str, text: &str, dialect: Dialect) -> (Vec<Document>, Diagnostics) {
    let mut builder = Builder {
        file: Arc::from(file),
        dialect,
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        expanded: 0,
        diagnostics: Vec::new(),
    };
    let mut documents = Vec::new();
    let mut index = 0;
    loop {
        match builder.document(index) {
            Ok(Some(document)) => {
                if !document.root.is_null() {
                    documents.push(document);
                }
            }
            Ok(None) => break,
            Err(error) => {
                let location = builder.location(span_at(error.marker()));
                builder.diagnostics.push(
                    Diagnostic::error("PV0101", format!("this is not YAML: {}", error.info()))
                        .with_label(Label::at(location)),
                );
                if !matches!(builder.parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
        index += 1;
    }
    (documents, builder.diagnostics)
}

struct Builder<'a> {
    file: Arc<str>,
    dialect: Dialect,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    expanded: usize,
    diagnostics: Diagnostics,
}

type Item<'a> = (Event<'a>, SourceSpan);

impl<'a> Builder<'a> {
    fn document(&mut self, index: usize) -> Result<Option<Document>, ScanError> {
        loop {
            let Some((event, _)) = self.next()? else {
                return Ok(None);
            };
            match event {
                Event::StreamEnd => return Ok(None),
                Event::DocumentStart(..) => break,
                _ => {}
            }
        }
        self.anchors.clear();
        let Some(first) = self.next()? else {
            return Ok(None);
        };
        let root = match first {
            (Event::DocumentEnd, span) => {
                return Ok(Some(Document {
                    file: Arc::clone(&self.file),
                    index,
                    root: null(convert(&span)),
                }));
            }
            item => self.node(item)?,
        };
        while let Some((event, _)) = self.next()? {
            if matches!(event, Event::DocumentEnd) {
                break;
            }
        }
        Ok(Some(Document {
            file: Arc::clone(&self.file),
            index,
            root,
        }))
    }

    /// The next event that is data; comments are presentation.
    fn next(&mut self) -> Result<Option<Item<'a>>, ScanError> {
        loop {
            match self.parser.next() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(item) => return item.map(Some),
            }
        }
    }

    fn node(&mut self, (event, source): Item<'a>) -> Result<Node, ScanError> {
        let span = convert(&source);
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                let value = self.scalar(&text, plain, tag.as_deref());
                (
                    anchor,
                    Node {
                        kind: NodeKind::Scalar {
                            text: text.into_owned(),
                            value,
                            plain,
                        },
                        span,
                    },
                )
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(span)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(span)?),
            Event::Alias(id) => (0, self.alias(id, span)),
            _ => (0, null(span)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn scalar(&self, text: &str, plain: bool, tag: Option<&Tag>) -> Value {
        let tagged_string = tag.is_some_and(|tag| tag.suffix() == "str" || tag.suffix() == "binary");
        if plain && !tagged_string {
            resolve(text, self.dialect)
        } else {
            Value::String(text.to_owned())
        }
    }

    fn sequence(&mut self, start: Span) -> Result<Node, ScanError> {
        let mut items = Vec::new();
        let mut end = start.end;
        while let Some(item) = self.next()? {
            if matches!(item.0, Event::SequenceEnd) {
                end = items
                    .last()
                    .map_or(convert(&item.1).end, |last: &Node| last.span.end);
                break;
            }
            items.push(self.node(item)?);
        }
        Ok(Node {
            kind: NodeKind::Sequence(items),
            span: Span {
                start: start.start,
                end,
            },
        })
    }

    fn mapping(&mut self, start: Span) -> Result<Node, ScanError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut end = start.end;
        let mut merged = Vec::new();
        while let Some(item) = self.next()? {
            if matches!(item.0, Event::MappingEnd) {
                end = entries
                    .last()
                    .map_or(convert(&item.1).end, |last| last.value.span.end);
                break;
            }
            let key_node = self.node(item)?;
            let Some(item) = self.next()? else { break };
            let value = self.node(item)?;
            let key = match key_node.kind {
                NodeKind::Scalar { text, .. } => text,
                _ => "?".to_owned(),
            };
            if key == "<<" {
                merged.push(value);
                continue;
            }
            if let Some(earlier) = entries.iter().find(|entry| entry.key == key) {
                let diagnostic = Diagnostic::warning("PV0102", format!("key `{key}` stands here twice"))
                    .with_label(Label::at(self.location(key_node.span)))
                    .with_label(Label::at(self.location(earlier.key_span)).with_text("first here"))
                    .with_help("remove one of them; the later one wins");
                self.diagnostics.push(diagnostic);
            }
            entries.push(Entry {
                key,
                key_span: key_node.span,
                value,
            });
        }
        for source in merged {
            merge_into(&mut entries, &source);
        }
        let start = entries
            .first()
            .map_or(start.start, |first| first.key_span.start.min(start.start));
        Ok(Node {
            kind: NodeKind::Mapping(entries),
            span: Span { start, end },
        })
    }

    fn alias(&mut self, id: usize, span: Span) -> Node {
        let found = self.anchors.get(&id).cloned();
        if let Some(node) = found {
            self.expanded += size(&node);
            if self.expanded <= ALIAS_BUDGET {
                return Node {
                    kind: node.kind,
                    span,
                };
            }
        }
        self.diagnostics.push(
            Diagnostic::error("PV0103", "this alias cannot be resolved here, or grows too large")
                .with_label(Label::at(self.location(span)))
                .with_help("write the value out"),
        );
        null(span)
    }

    fn location(&self, span: Span) -> Location {
        Location {
            file: self.file.to_string(),
            span,
        }
    }
}

/// YAML 1.1 merge keys: entries that are already there win.
fn merge_into(entries: &mut Vec<Entry>, source: &Node) {
    for item in source.items() {
        merge_into(entries, item);
    }
    for entry in source.entries() {
        if entries.iter().all(|present| present.key != entry.key) {
            entries.push(entry.clone());
        }
    }
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node
            .entries()
            .iter()
            .map(|entry| size(&entry.value))
            .sum::<usize>()
}

fn null(span: Span) -> Node {
    Node {
        kind: NodeKind::Scalar {
            text: String::new(),
            value: Value::Null,
            plain: true,
        },
        span,
    }
}

fn convert(span: &SourceSpan) -> Span {
    Span {
        start: position(&span.start),
        end: position(&span.end),
    }
}

fn span_at(marker: &Marker) -> Span {
    Span {
        start: position(marker),
        end: position(marker),
    }
}

fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
        offset: marker.byte_offset().unwrap_or_else(|| marker.index()),
    }
}
