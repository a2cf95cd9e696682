//! `${NAME}`, `${NAME:-default}` and the escape `$${`, as `@backstage/config-loader` 1.11 reads them.

use crate::item::Through;

/// What became of a text.
pub(crate) enum Substituted {
    /// The text, and what its parts came through.
    Text(String, Vec<Through>),
    /// These variables are not set, so there is no value.
    Missing(Vec<String>),
}

/// Fills in the variables of a text. `variable` gives values trimmed.
pub(crate) fn substitute(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Substituted {
    let mut result = String::new();
    let mut through = Vec::new();
    let mut missing = Vec::new();
    let mut rest = text;
    while let Some((before, found, after)) = next(rest) {
        result.push_str(before);
        rest = after;
        let (name, fallback) = match found {
            Found::Escaped(text) => {
                result.push_str(text);
                continue;
            }
            Found::Variable(inner) => match inner.split_once(":-") {
                Some((name, fallback)) => (name.trim(), Some(fallback.trim())),
                None => (inner.trim(), None),
            },
        };
        let value = variable(name);
        match (value, fallback) {
            // Behind `:-` an empty variable counts as one that is not set.
            (Some(value), Some(_)) if !value.is_empty() => {
                result.push_str(&value);
                through.push(Through::Variable(name.to_owned()));
            }
            (Some(value), None) => {
                result.push_str(&value);
                through.push(Through::Variable(name.to_owned()));
            }
            (_, Some(fallback)) if !fallback.is_empty() => {
                result.push_str(fallback);
                through.push(Through::Fallback(name.to_owned()));
            }
            _ => missing.push(name.to_owned()),
        }
    }
    result.push_str(rest);
    if missing.is_empty() {
        Substituted::Text(result, through)
    } else {
        Substituted::Missing(missing)
    }
}

enum Found<'a> {
    /// What is between the braces.
    Variable(&'a str),
    /// What `$${…}` stands for.
    Escaped(&'a str),
}

/// The next `${…}` without braces inside, with the text before and after it.
fn next(text: &str) -> Option<(&str, Found<'_>, &str)> {
    let mut from = 0;
    while let Some(offset) = text[from..].find("${") {
        let start = from + offset;
        let inner = &text[start + 2..];
        match inner.find(['{', '}']) {
            Some(end) if inner.as_bytes()[end] == b'}' => {
                let after = &inner[end + 1..];
                let before = &text[..start];
                return Some(match before.strip_suffix('$') {
                    Some(shorter) => (shorter, Found::Escaped(&text[start..start + end + 3]), after),
                    None => (before, Found::Variable(&inner[..end]), after),
                });
            }
            _ => from = start + 2,
        }
    }
    None
}
