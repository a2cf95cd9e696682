//! Interpolations in strings of steps: `${{ parameters.name }}`.
//!
//! A string that is exactly one interpolation becomes the native value; mixed text becomes a string. As upstream, a
//! string that cannot be rendered stays as it was written; here it also comes with the [`Fault`] that says why.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::language::fault::Fault;
use crate::language::lexer::Syntax;
use crate::language::parser;
use crate::language::syntax::Node;
use crate::language::value::{Data, Traced};
use crate::language::{Evaluator, Frame, Globals, Output};
use crate::provenance::{LeafTrace, Piece};

/// The inputs that an expression sees, by name.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    names: Vec<(&'a str, &'a Value, &'a [LeafTrace])>,
    failed: Option<bool>,
}

impl<'a> Scope<'a> {
    /// Without any input.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input; pieces that come from it are named after it.
    #[must_use]
    pub fn with(self, name: &'a str, value: &'a Value) -> Self {
        self.with_traced(name, value, &[])
    }

    /// Adds an input that was itself rendered: where its leaves came from is passed on.
    #[must_use]
    pub fn with_traced(mut self, name: &'a str, value: &'a Value, traces: &'a [LeafTrace]) -> Self {
        self.names.push((name, value, traces));
        self
    }

    /// Allows `always()` and `failure()`, and says whether an earlier step failed.
    #[must_use]
    pub fn with_status(mut self, failed: bool) -> Self {
        self.failed = Some(failed);
        self
    }

    pub(crate) fn globals(&self) -> Globals {
        let mut names = HashMap::new();
        for (name, value, traces) in &self.names {
            let traces: HashMap<&str, &LeafTrace> = traces
                .iter()
                .map(|trace| (trace.pointer.as_str(), trace))
                .collect();
            let mut root = traced(value, "", &traces);
            if root.trace.pieces.is_empty() {
                root.trace.path = Some((*name).into());
            }
            names.insert((*name).to_owned(), root);
        }
        Globals {
            names,
            failed: self.failed,
        }
    }
}

fn traced(value: &Value, pointer: &str, traces: &HashMap<&str, &LeafTrace>) -> Traced {
    let mut result = match value {
        _ if traces.is_empty() => crate::language::value::from_json(value),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| traced(item, &format!("{pointer}/{index}"), traces))
                .collect::<Vec<_>>()
                .into()
        }
        Value::Object(map) => Traced::object(
            map.iter()
                .map(|(key, item)| {
                    (
                        Rc::from(key.as_str()),
                        traced(item, &child_pointer(pointer, key), traces),
                    )
                })
                .collect(),
        ),
        _ => crate::language::value::from_json(value),
    };
    if let Some(trace) = traces.get(pointer) {
        result.trace.pieces = trace
            .pieces
            .iter()
            .map(|piece| (piece.start..piece.end, piece.source.clone()))
            .collect();
    }
    result
}

/// JSON pointer of a member.
fn child_pointer(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// What became of a string.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The value; `None` is JavaScript's undefined, which makes a key disappear.
    pub value: Option<Value>,
    /// What its leaves were made of.
    pub traces: Vec<LeafTrace>,
    /// Why it was left as written, if it was.
    pub fault: Option<Fault>,
}

impl Rendered {
    /// The pieces of the value itself, when it is a string or another scalar.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        self.traces
            .iter()
            .find(|trace| trace.pointer.is_empty())
            .map_or(&[], |trace| &trace.pieces)
    }
}

/// What became of a tree of strings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderedTree {
    /// The value; `None` is undefined.
    pub value: Option<Value>,
    /// What its leaves were made of, by their pointers in the value.
    pub traces: Vec<LeafTrace>,
    /// What could not be rendered, by pointers in the *input*.
    pub faults: Vec<(String, Fault)>,
}

/// Renders one string.
#[must_use]
pub fn render_string(text: &str, scope: &Scope<'_>) -> Rendered {
    string(text, &scope.globals())
}

/// Renders every string of a tree; keys are never templated, and undefined values take their keys along.
#[must_use]
pub fn render_value(value: &Value, scope: &Scope<'_>) -> RenderedTree {
    let globals = scope.globals();
    let mut tree = RenderedTree::default();
    tree.value = branch(value, &globals, ("", ""), &mut tree);
    tree
}

/// Whether an `if` with this value lets a step run: all but false, undefined, null, 0, "" and the empty list.
#[must_use]
pub fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}

fn string(text: &str, globals: &Globals) -> Rendered {
    if !text.contains("${{") && !text.contains("{%") && !text.contains("{#") {
        return Rendered {
            value: Some(Value::String(text.to_owned())),
            ..Rendered::default()
        };
    }
    match parser::parse(text, &Syntax::default()).and_then(|nodes| evaluate(&nodes, globals)) {
        Ok(value) => {
            let mut traces = Vec::new();
            leaves(&value, "", &mut traces, 0);
            Rendered {
                value: value.to_json(),
                traces,
                fault: None,
            }
        }
        Err(fault) => Rendered {
            value: Some(Value::String(text.to_owned())),
            traces: Vec::new(),
            fault: Some(fault),
        },
    }
}

fn evaluate(nodes: &[Node], globals: &Globals) -> Result<Traced, Fault> {
    let evaluator = Evaluator::new(globals);
    let frame = Frame::root();
    if let [Node::Output(expression)] = nodes {
        return evaluator.evaluate(expression, &frame);
    }
    let mut output = Output::default();
    evaluator.run(nodes, &frame, &mut output)?;
    Ok(output.into_value())
}

/// The pieces of a value's leaves, by pointer.
fn leaves(value: &Traced, pointer: &str, traces: &mut Vec<LeafTrace>, depth: usize) {
    if depth > 32 {
        return;
    }
    match &value.data {
        Data::Array(_) => {
            for (index, item) in value.items().iter().enumerate() {
                leaves(item, &format!("{pointer}/{index}"), traces, depth + 1);
            }
        }
        Data::Object(_) => {
            for (key, item) in value.entries() {
                leaves(&item, &child_pointer(pointer, &key), traces, depth + 1);
            }
        }
        _ => {
            let pieces = to_pieces(value.pieces(value.to_output().len()));
            if !pieces.is_empty() {
                traces.push(LeafTrace {
                    pointer: pointer.to_owned(),
                    pieces,
                });
            }
        }
    }
}

pub(crate) fn to_pieces(pieces: Vec<(std::ops::Range<usize>, crate::provenance::SourceRef)>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for (range, source) in pieces.into_iter().filter(|(range, _)| range.start < range.end) {
        match merged.last_mut() {
            // A text taken apart and put together again is one stretch.
            Some(last) if last.end == range.start && last.source == source => last.end = range.end,
            _ => merged.push(Piece {
                start: range.start,
                end: range.end,
                source,
            }),
        }
    }
    merged
}

fn branch(
    value: &Value,
    globals: &Globals,
    (from, to): (&str, &str),
    tree: &mut RenderedTree,
) -> Option<Value> {
    match value {
        Value::String(text) => {
            let rendered = string(text, globals);
            tree.faults
                .extend(rendered.fault.map(|fault| (from.to_owned(), fault)));
            tree.traces
                .extend(rendered.traces.into_iter().map(|trace| LeafTrace {
                    pointer: format!("{to}{}", trace.pointer),
                    pieces: trace.pieces,
                }));
            rendered.value
        }
        Value::Array(items) => {
            let mut rendered = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let pointers = (format!("{from}/{index}"), format!("{to}/{index}"));
                // As in JSON, an undefined item of a list is null.
                let item = branch(item, globals, (&pointers.0, &pointers.1), tree);
                rendered.push(item.unwrap_or(Value::Null));
            }
            Some(Value::Array(rendered))
        }
        Value::Object(map) => {
            let mut rendered = Map::new();
            for (key, item) in map {
                let pointers = (child_pointer(from, key), child_pointer(to, key));
                if let Some(item) = branch(item, globals, (&pointers.0, &pointers.1), tree) {
                    rendered.insert(key.clone(), item);
                }
            }
            Some(Value::Object(rendered))
        }
        other => Some(other.clone()),
    }
}
