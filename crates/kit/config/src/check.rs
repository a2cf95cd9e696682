//! What a layer says that nobody reads, or that is of the wrong kind.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, nearest};
use serde_json::Value;

use crate::item::{Field, Item, Kind, Origin, Source, at, below};
use crate::known::{Known, Shape};

/// Notes unknown keys (PV2401), values of a wrong kind (PV2406), secrets written out (PV2407), and keys that are
/// Backstage's but that nothing here acts on (PV2408).
pub(crate) fn check(layer: &Item, findings: &mut Diagnostics) {
    map(layer, "", Known::root(), true, findings);
}

fn map(item: &Item, path: &str, known: &Known, used: bool, findings: &mut Diagnostics) {
    for field in item.fields() {
        let path = below(path, &field.key);
        match known.step(&field.key) {
            Some(known) => value(field, &field.item, &path, known, used, findings),
            None if known.is_open() => {}
            None => findings.push(unknown(field, &path, known)),
        }
    }
}

fn value(field: &Field, item: &Item, path: &str, known: &Known, used: bool, findings: &mut Diagnostics) {
    if item.is_null() {
        return;
    }
    let acts = known.is_used();
    if used && !acts {
        let message = format!("`{path}` is read, but nothing here acts on it yet");
        findings.push(place(Diagnostic::info("PV2408", message), &field.place, path));
    }
    if let Some(expected) = mismatch(item, known.shape()) {
        let message = format!("`{path}` is {}, expected {expected}", kind_of(item));
        let finding = if acts {
            Diagnostic::error("PV2406", message)
        } else {
            Diagnostic::warning("PV2406", message)
        };
        let finding = place(finding, &item.origin, path);
        findings.push(finding.with_help(help(item, known.shape())));
        return;
    }
    if known.facts.secret && item.origin.stands_in_a_file() && !is_private(&item.origin) {
        findings.push(written_out(item, path));
    }
    match &item.kind {
        Kind::Scalar(_) => {}
        Kind::Map(_) => map(item, path, known, acts, findings),
        Kind::List(items) => {
            if let Some(known) = known.step("[]") {
                for (index, item) in items.iter().enumerate() {
                    value(field, item, &at(path, index), known, acts, findings);
                }
            }
        }
    }
}

fn unknown(field: &Field, path: &str, known: &Known) -> Diagnostic {
    let finding = place(
        Diagnostic::warning("PV2401", format!("unknown key `{path}`")),
        &field.place,
        path,
    );
    let names: Vec<&str> = known.names().collect();
    match nearest(&field.key, names.iter().copied()) {
        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
        None if path == field.key => finding.with_help(
            "Backstage's own keys are known, and Pave's stand under `pave`; this one has no effect",
        ),
        None => finding.with_help(format!("known here: {}", names.join(", "))),
    }
}

/// In words, what was expected where something else stands.
fn mismatch(item: &Item, shape: Shape) -> Option<&'static str> {
    let scalar = match &item.kind {
        Kind::Scalar(value) => Some(value),
        _ => None,
    };
    let (fits, expected) = match shape {
        Shape::Any => (true, ""),
        Shape::Text => (scalar.is_some_and(Value::is_string), "text"),
        Shape::Number => (scalar.is_some_and(is_number), "a number"),
        Shape::Boolean => (scalar.is_some_and(is_boolean), "true or false"),
        Shape::List => (matches!(item.kind, Kind::List(_)), "a list"),
        Shape::Map => (matches!(item.kind, Kind::Map(_)), "a map of keys"),
    };
    (!fits).then_some(expected)
}

/// Upstream takes text for a number where it is one; what comes from the environment always is text.
fn is_number(value: &Value) -> bool {
    value.is_number()
        || value
            .as_str()
            .is_some_and(|text| text.trim().parse::<f64>().is_ok())
}

fn is_boolean(value: &Value) -> bool {
    let words = ["y", "yes", "true", "1", "on", "n", "no", "false", "0", "off"];
    let known = |text: &str| words.contains(&text.trim().to_lowercase().as_str());
    value.is_boolean() || value.is_number() || value.as_str().is_some_and(known)
}

fn kind_of(item: &Item) -> &'static str {
    match &item.kind {
        Kind::Map(_) => "a map of keys",
        Kind::List(_) => "a list",
        Kind::Scalar(Value::String(_)) => "text",
        Kind::Scalar(Value::Number(_)) => "a number",
        Kind::Scalar(Value::Bool(_)) => "true or false",
        Kind::Scalar(_) => "empty",
    }
}

fn help(item: &Item, shape: Shape) -> &'static str {
    match shape {
        Shape::Text if matches!(item.kind, Kind::Scalar(_)) => "put it in quotes",
        Shape::List => "begin each item with `- `",
        Shape::Map => "write `key: value` lines below it",
        _ => "see Backstage's documentation of the key",
    }
}

fn written_out(item: &Item, path: &str) -> Diagnostic {
    let message = format!("a secret stands in the file: `{path}`");
    place(Diagnostic::warning("PV2407", message), &item.origin, path).with_help(
        "take it from the environment, `${NAME}`, or from a file that only Pave may read, `$file: path`",
    )
}

/// `app-config.local.yaml` and its like are not meant to be committed.
fn is_private(origin: &Origin) -> bool {
    matches!(&origin.source, Source::File(location) if location.file.contains(".local."))
}

fn place(finding: Diagnostic, origin: &Origin, path: &str) -> Diagnostic {
    if let Source::File(location) = &origin.source {
        return finding.with_label(Label::at(location.clone()).with_path(path));
    }
    let message = format!("{} ({origin})", finding.message);
    Diagnostic { message, ..finding }
}
