//! Parameters that people fill in and nobody reads.

use pave_diagnostic::Diagnostic;
use serde_json::Value;

use super::Linter;

/// Schemas nested in schemas, at most.
const DEEPEST: usize = 16;

impl Linter<'_> {
    pub(super) fn unused_parameters(&mut self) {
        // Where an expression was lost or cannot be read, it may be the one that reads the parameter.
        if self
            .diagnostics
            .iter()
            .any(|it| matches!(it.code.as_str(), "PV1501" | "PV1510"))
        {
            return;
        }
        let spec = &self.template.entity["spec"];
        let mut texts = Vec::new();
        for part in [&spec["steps"], &spec["output"]] {
            strings(part, &mut texts);
        }
        texts.retain(|text| text.contains("${{") || text.contains("{%"));
        // `${{ parameters }}` or `parameters[name]` may read any of them.
        if texts.iter().any(|text| reads_all(text)) {
            return;
        }
        let mut found = Vec::new();
        match &spec["parameters"] {
            Value::Array(pages) => {
                for (index, page) in pages.iter().enumerate() {
                    properties(page, &format!("/spec/parameters/{index}"), &mut found);
                }
            }
            page => properties(page, "/spec/parameters", &mut found),
        }
        let mut governing = Vec::new();
        conditions(&spec["parameters"], &mut governing, 0);
        for (pointer, name) in found {
            if governing.iter().any(|known| *known == name) || texts.iter().any(|text| mentions(text, &name))
            {
                continue;
            }
            let diagnostic = Diagnostic::info("PV1526", format!("nothing reads the parameter `{name}`"))
                .with_label(self.document.label(&pointer))
                .with_effect("people fill it in for nothing")
                .with_help("use it in a step, or remove it from the form");
            self.diagnostics.push(diagnostic);
        }
    }
}

fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(map) => map.values().for_each(|item| strings(item, found)),
        _ => {}
    }
}

/// The properties of a page, with their pointers.
fn properties(page: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    for name in page["properties"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys)
    {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        found.push((format!("{pointer}/properties/{escaped}"), name.clone()));
    }
}

/// Names on which other parts of a form depend: those are read by the form itself.
fn conditions<'v>(schema: &'v Value, found: &mut Vec<&'v str>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match schema {
        Value::Array(items) => items.iter().for_each(|item| conditions(item, found, depth + 1)),
        Value::Object(map) => {
            for (key, part) in map {
                let names = match key.as_str() {
                    "dependencies" => part.as_object(),
                    "if" => part["properties"].as_object(),
                    _ => None,
                };
                found.extend(
                    names
                        .into_iter()
                        .flat_map(serde_json::Map::keys)
                        .map(String::as_str),
                );
                conditions(part, found, depth + 1);
            }
        }
        _ => {}
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Whether a text names a word that stands alone.
fn mentions(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether `parameters` is used as a whole, or by a name that is not written out.
fn reads_all(text: &str) -> bool {
    const WORD: &str = "parameters";
    text.match_indices(WORD).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|char| is_word(char) || char == '.') {
            return false;
        }
        let rest = text[at + WORD.len()..].trim_start();
        let written_out = rest.starts_with('.') || rest.starts_with("['") || rest.starts_with("[\"");
        !written_out && !rest.starts_with(is_word)
    })
}
