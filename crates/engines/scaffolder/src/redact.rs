//! Keeps secrets out of logs, in whatever form a template brought them.

use std::sync::{Mutex, PoisonError};

use pave_template::provenance::LeafTrace;
use serde_json::Value;

/// What stands in place of a secret.
const MASK: &str = "***";

/// Texts that must not be shown.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    texts: Mutex<Vec<String>>,
}

impl Redactor {
    /// Hides every string of a value.
    pub(crate) fn hide(&self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.hide(item)),
            Value::Object(map) => map.values().for_each(|item| self.hide(item)),
            Value::Number(number) => self.add(&number.to_string()),
            _ => {}
        }
    }

    /// Hides what expressions made of secrets: the traces say which stretches those are.
    pub(crate) fn hide_derived(&self, value: &Value, traces: &[LeafTrace]) {
        for trace in traces {
            let Some(Value::String(text)) = value.pointer(&trace.pointer) else {
                continue;
            };
            for piece in &trace.pieces {
                let source = piece.source.as_str();
                if source.starts_with("secrets") || source.starts_with("environment.secrets") {
                    self.add(text.get(piece.start..piece.end).unwrap_or(text));
                }
            }
        }
    }

    fn add(&self, text: &str) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let escaped = Value::from(text).to_string();
        let forms = [text, escaped.trim_matches('"')];
        for form in forms.into_iter().chain(text.lines()) {
            // A single letter would blacken the whole log and hide nothing.
            if form.trim().len() > 1 && !texts.iter().any(|known| known == form) {
                texts.push(form.to_owned());
            }
        }
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// A text without secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), MASK)
        })
    }

    /// A value without secrets.
    pub(crate) fn redact_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(text)),
            Value::Array(items) => items.iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, item)| (key.clone(), self.redact_value(item)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// The same shape with every string masked, for dry runs.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), masked(item)))
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Null => Value::Null,
        _ => Value::from(MASK),
    }
}

#[cfg(test)]
mod tests {
    use pave_template::expression::{Scope, render_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_also_after_filters() {
        let secrets = json!({ "token": "Hunter2-long" });
        let redactor = Redactor::default();
        redactor.hide(&secrets);
        let input = json!({ "a": "x ${{ secrets.token | upper }} y", "b": "${{ secrets.token | reverse }}" });
        let rendered = render_value(&input, &Scope::new().with("secrets", &secrets));
        let value = rendered.value.unwrap();
        redactor.hide_derived(&value, &rendered.traces);
        assert_eq!(
            redactor.redact("Hunter2-long HUNTER2-LONG gnol-2retnuH"),
            "*** *** ***"
        );
        assert_eq!(
            redactor.redact_value(&value),
            json!({ "a": "x *** y", "b": "***" })
        );
    }
}
