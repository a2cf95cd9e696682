use std::ops::Range;

use pave_diagnostic::{Diagnostic, nearest};

use super::{CompileScope, Compiler};
use crate::codes;
use crate::expression::{Expression, ExpressionError, Value, evaluate, parse};
use crate::source::Place;
use crate::tree::{Tree, TreeEntry, TreeKind};

/// More than any pipeline needs; upstream has limits on size and memory instead.
const MOST_NODES: usize = 200_000;

/// A key with its value, still to be expanded in its scope.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Tree,
    pub(super) scope: CompileScope,
}

/// What a key in `${{ }}` asks for.
enum Directive {
    If(Range<usize>),
    ElseIf(Range<usize>),
    Else,
    Each(String, Range<usize>),
    Insert,
}

/// Whether an earlier branch of an `if` chain was taken; `None`: there is no chain here.
type Chain = Option<bool>;

impl Compiler<'_> {
    /// Works out everything in a tree.
    pub(super) fn expand(&mut self, tree: &Tree, scope: &CompileScope) -> Tree {
        let kind = match &tree.kind {
            TreeKind::Scalar { raw: true, .. } => return self.scalar(tree, scope),
            TreeKind::Scalar { .. } | TreeKind::Failed => tree.kind.clone(),
            TreeKind::List(_) => {
                let items = self.items(tree, scope);
                TreeKind::List(
                    items
                        .iter()
                        .map(|(item, scope)| self.expand(item, scope))
                        .collect(),
                )
            }
            TreeKind::Map(_) => {
                let pending = self.entries(tree, scope);
                TreeKind::Map(pending.into_iter().map(|entry| self.finished(entry)).collect())
            }
        };
        Tree {
            kind,
            place: tree.place.clone(),
        }
    }

    fn finished(&mut self, entry: Pending) -> TreeEntry {
        TreeEntry {
            value: self.expand(&entry.value, &entry.scope),
            key: entry.key,
            raw: false,
            key_place: entry.key_place,
        }
    }

    /// A scalar: the value itself where it is one expression and nothing else, otherwise a string.
    fn scalar(&mut self, tree: &Tree, scope: &CompileScope) -> Tree {
        let TreeKind::Scalar {
            value: Value::Text(text),
            raw: true,
        } = &tree.kind
        else {
            return tree.clone();
        };
        match self.interpolate(text, &tree.place, scope) {
            Some(value) => Tree::from_value(&value, &tree.place),
            None => Tree {
                kind: TreeKind::Failed,
                place: tree.place.clone(),
            },
        }
    }

    fn interpolate(&mut self, text: &str, place: &Place, scope: &CompileScope) -> Option<Value> {
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(start) => {
                let diagnostic = Diagnostic::error(codes::EXPRESSION, "`${{` has no closing `}}`");
                self.report(diagnostic, &place.within(text, start..text.len(), 0..3));
                return None;
            }
        };
        if let [Piece::Expression(range)] = pieces.as_slice()
            && text.trim().starts_with("${{")
        {
            return self.evaluate(text, range.clone(), place, scope);
        }
        let mut out = String::new();
        let mut failed = false;
        for piece in pieces {
            match piece {
                Piece::Text(range) => out.push_str(&text[range]),
                Piece::Expression(range) => match self.evaluate(text, range.clone(), place, scope) {
                    None => failed = true,
                    Some(value) => {
                        if let Some(value) = value.to_text() {
                            out.push_str(&value);
                        } else {
                            failed = true;
                            let message = format!("an {} cannot stand inside a text", value.kind());
                            let error = ExpressionError::new(message, 0..range.len())
                                .with_help("use it as the whole value, or convertToJson(…), or join(',', …)");
                            self.expression_error(&error, text, range, place);
                        }
                    }
                },
            }
        }
        (!failed).then(|| Value::text(out))
    }

    /// Works out the expression that stands at a range of a text.
    pub(super) fn evaluate(
        &mut self,
        text: &str,
        range: Range<usize>,
        place: &Place,
        scope: &CompileScope,
    ) -> Option<Value> {
        let inside = &text[range.clone()];
        let parsed = parse(inside, &scope.names());
        if let Ok(expression) = &parsed {
            self.check_parameters(expression, text, &range, place, scope);
        }
        match parsed.and_then(|expression| evaluate(&expression, scope)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.expression_error(&error, text, range, place);
                None
            }
        }
    }

    /// A parameter that nobody declares is nothing upstream, without a word; here it is said.
    fn check_parameters(
        &mut self,
        expression: &Expression,
        text: &str,
        range: &Range<usize>,
        place: &Place,
        scope: &CompileScope,
    ) {
        let known = scope.parameter_names();
        let mut unknown = Vec::new();
        expression.visit(&mut |part| {
            if let Some(("parameters", name)) = part.member()
                && !known
                    .iter()
                    .any(|parameter| parameter.eq_ignore_ascii_case(&name))
            {
                unknown.push((name, part.range.clone()));
            }
        });
        for (name, inside) in unknown {
            let mut diagnostic = Diagnostic::error(
                codes::UNKNOWN_PARAMETER,
                format!("there is no parameter `{name}` in this file"),
            );
            diagnostic.help = Some(match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: `parameters: [{{name: {name}, type: string}}]`"),
            });
            self.report(diagnostic, &place.within(text, range.clone(), inside));
        }
    }

    fn expression_error(&mut self, error: &ExpressionError, text: &str, range: Range<usize>, place: &Place) {
        let mut diagnostic = Diagnostic::error(error.code, error.message.clone());
        diagnostic.help.clone_from(&error.help);
        self.report(diagnostic, &place.within(text, range, error.range.clone()));
    }

    /// The items of a list with the scope of each; loops and conditions are gone.
    pub(super) fn items(&mut self, list: &Tree, scope: &CompileScope) -> Vec<(Tree, CompileScope)> {
        let mut out = Vec::new();
        match &list.kind {
            TreeKind::List(items) => {
                let mut chain = None;
                for item in items {
                    self.item(item, scope, &mut chain, &mut out);
                }
            }
            TreeKind::Scalar { raw: true, .. } => {
                let value = self.scalar(list, scope);
                if let TreeKind::List(items) = value.kind {
                    out.extend(items.into_iter().map(|item| (item, scope.clone())));
                } else if !value.is_null() && !matches!(value.kind, TreeKind::Failed) {
                    out.push((value, scope.clone()));
                }
            }
            _ => out.push((list.clone(), scope.clone())),
        }
        self.nodes += out.len();
        if self.nodes > MOST_NODES {
            out.clear();
            self.report(
                Diagnostic::error(codes::TEMPLATE_MISFIT, "the pipeline grows too large")
                    .with_help(format!("loops and templates may make {MOST_NODES} parts")),
                &list.place,
            );
        }
        out
    }

    fn item(
        &mut self,
        item: &Tree,
        scope: &CompileScope,
        chain: &mut Chain,
        out: &mut Vec<(Tree, CompileScope)>,
    ) {
        match &item.kind {
            TreeKind::Scalar { raw: true, .. } => {
                *chain = None;
                out.extend(self.items(item, scope));
            }
            TreeKind::Map(entries)
                if entries
                    .first()
                    .is_some_and(|entry| entry.raw && directive(&entry.key).is_some())
                    && entries
                        .iter()
                        .all(|entry| !matches!(entry.value.kind, TreeKind::Map(_))) =>
            {
                for entry in entries {
                    for scope in self.branches(entry, scope, chain) {
                        out.extend(self.items(&entry.value, &scope));
                    }
                }
            }
            TreeKind::Map(entries)
                if !entries.is_empty()
                    && entries
                        .iter()
                        .all(|entry| entry.raw && directive(&entry.key).is_some()) =>
            {
                // A mapping made by directives alone: it exists only if something is in it.
                let pending = self.entries_in(entries, scope, chain);
                if !pending.is_empty() {
                    out.push((self.rebuilt(pending, item), scope.clone()));
                }
            }
            _ => {
                *chain = None;
                out.push((item.clone(), scope.clone()));
            }
        }
    }

    /// A mapping whose directives are resolved. Its values are worked out now, since loop variables are known only here.
    fn rebuilt(&mut self, pending: Vec<Pending>, item: &Tree) -> Tree {
        let entries = pending.into_iter().map(|entry| self.finished(entry)).collect();
        Tree {
            kind: TreeKind::Map(entries),
            place: item.place.clone(),
        }
    }

    /// The entries of a mapping with the scope of each.
    pub(super) fn entries(&mut self, map: &Tree, scope: &CompileScope) -> Vec<Pending> {
        match &map.kind {
            TreeKind::Map(entries) => self.entries_in(entries, scope, &mut None),
            TreeKind::Scalar { raw: true, .. } => {
                let value = self.scalar(map, scope);
                match &value.kind {
                    TreeKind::Map(entries) => self.entries_in(entries, scope, &mut None),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    fn entries_in(&mut self, entries: &[TreeEntry], scope: &CompileScope, chain: &mut Chain) -> Vec<Pending> {
        let mut out: Vec<Pending> = Vec::new();
        for entry in entries {
            if entry.raw && directive(&entry.key).is_some() {
                for scope in self.branches(entry, scope, chain) {
                    self.insert(&entry.value, &scope, &mut out);
                }
                continue;
            }
            *chain = None;
            let key = if entry.raw {
                self.interpolate(&entry.key, &entry.key_place, scope)
                    .and_then(|key| key.to_text())
            } else {
                Some(entry.key.clone())
            };
            let Some(key) = key else { continue };
            out.push(Pending {
                key,
                key_place: entry.key_place.clone(),
                value: entry.value.clone(),
                scope: scope.clone(),
            });
        }
        self.nodes += out.len();
        out
    }

    fn insert(&mut self, value: &Tree, scope: &CompileScope, out: &mut Vec<Pending>) {
        let inserted = match &value.kind {
            TreeKind::Scalar { raw: true, .. } => self.scalar(value, scope),
            _ => value.clone(),
        };
        match &inserted.kind {
            TreeKind::Map(entries) => {
                let entries = self.entries_in(entries, scope, &mut None);
                out.extend(entries);
            }
            TreeKind::Failed => {}
            _ if inserted.is_null() => {}
            _ => self.report(
                Diagnostic::error(
                    codes::DIRECTIVE,
                    format!(
                        "a mapping is expected below this directive, not {}",
                        inserted.shape()
                    ),
                )
                .with_help(
                    "in a mapping, `${{ if … }}:` holds keys; in a list, `- ${{ if … }}:` holds items",
                ),
                &inserted.place,
            ),
        }
    }

    /// The scopes in which what stands below a directive counts: none, one, or one for each turn of a loop.
    fn branches(&mut self, entry: &TreeEntry, scope: &CompileScope, chain: &mut Chain) -> Vec<CompileScope> {
        let here = || vec![scope.clone()];
        let Some(directive) = directive(&entry.key) else {
            return here();
        };
        let taken = chain.unwrap_or_default();
        if matches!(directive, Directive::ElseIf(_) | Directive::Else) && chain.is_none() {
            let word = if matches!(directive, Directive::Else) {
                "else"
            } else {
                "elseif"
            };
            self.report(
                Diagnostic::error(codes::DIRECTIVE, format!("`{word}` follows no `if`"))
                    .with_help("put it right after the `${{ if … }}` that it belongs to"),
                &entry.key_place,
            );
            return Vec::new();
        }
        match directive {
            Directive::If(range) => {
                let holds = self.evaluate(&entry.key, range, &entry.key_place, scope);
                let holds = holds.is_some_and(|value| value.to_boolean());
                *chain = Some(holds);
                if holds { here() } else { Vec::new() }
            }
            Directive::ElseIf(range) => {
                let value = self.evaluate(&entry.key, range, &entry.key_place, scope);
                let holds = !taken && value.is_some_and(|value| value.to_boolean());
                *chain = Some(taken || holds);
                if holds { here() } else { Vec::new() }
            }
            Directive::Else => {
                *chain = None;
                if taken { Vec::new() } else { here() }
            }
            Directive::Insert => {
                *chain = None;
                here()
            }
            Directive::Each(name, range) => {
                *chain = None;
                self.turns(&name, range, entry, scope)
            }
        }
    }

    fn turns(
        &mut self,
        name: &str,
        range: Range<usize>,
        entry: &TreeEntry,
        scope: &CompileScope,
    ) -> Vec<CompileScope> {
        let Some(value) = self.evaluate(&entry.key, range.clone(), &entry.key_place, scope) else {
            return Vec::new();
        };
        match &value {
            Value::Array(array) => array
                .items
                .iter()
                .map(|item| scope.with_loop(name, item.clone()))
                .collect(),
            Value::Object(object) => object
                .entries
                .iter()
                .map(|(key, value)| {
                    let pair = [("key", Value::text(key)), ("value", value.clone())];
                    scope.with_loop(name, Value::object(pair))
                })
                .collect(),
            Value::Null => Vec::new(),
            Value::Text(text) if text.is_empty() => Vec::new(),
            other => {
                let message = format!("`each` goes through a list or a mapping, not a {}", other.kind());
                let place = entry.key_place.within(&entry.key, range.clone(), 0..range.len());
                self.report(Diagnostic::error(codes::DIRECTIVE, message), &place);
                Vec::new()
            }
        }
    }
}

enum Piece {
    Text(Range<usize>),
    Expression(Range<usize>),
}

/// Cuts a text at its expressions; an error is where one has no end.
fn split(text: &str) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::new();
    let mut position = 0;
    while let Some(offset) = text[position..].find("${{") {
        let start = position + offset;
        if start > position {
            pieces.push(Piece::Text(position..start));
        }
        let end = closing(&text[start + 3..]).ok_or(start)? + start + 3;
        pieces.push(Piece::Expression(trimmed(text, start + 3..end)));
        position = end + 2;
    }
    if position < text.len() && !(pieces.len() == 1 && text[position..].trim().is_empty()) {
        pieces.push(Piece::Text(position..text.len()));
    }
    Ok(pieces)
}

/// Where `}}` stands outside of strings.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (position, char) in text.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '}' if !quoted && text[position..].starts_with("}}") => return Some(position),
            _ => {}
        }
    }
    None
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.start + (inside.len() - inside.trim_start().len());
    start..start + inside.trim().len()
}

fn directive(key: &str) -> Option<Directive> {
    let trimmed_key = key.trim();
    let inside = trimmed_key.strip_prefix("${{")?.strip_suffix("}}")?;
    let offset = inside.as_ptr() as usize - key.as_ptr() as usize;
    let range = trimmed(key, offset..offset + inside.len());
    let text = &key[range.clone()];
    let after = |word: &str| {
        let rest = text.strip_prefix(word)?;
        rest.starts_with([' ', '(', '\t'])
            .then(|| trimmed(key, range.start + word.len()..range.end))
    };
    match text {
        "else" => return Some(Directive::Else),
        "insert" => return Some(Directive::Insert),
        _ => {}
    }
    if let Some(range) = after("elseif") {
        return Some(Directive::ElseIf(range));
    }
    if let Some(range) = after("if") {
        return Some(Directive::If(range));
    }
    let each = after("each")?;
    let (name, _) = key[each.clone()].split_once(char::is_whitespace)?;
    let rest = trimmed(key, each.start + name.len()..each.end);
    key[rest.clone()].strip_prefix("in")?;
    Some(Directive::Each(
        name.to_owned(),
        trimmed(key, rest.start + 2..rest.end),
    ))
}
