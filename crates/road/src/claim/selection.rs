//! Whether a Composition can be found, and which one was meant.

use pave_composite::select::{self, Candidate};
use pave_diagnostic::{Diagnostic, Fix};
use serde_json::{Value, json};

use crate::against::quoted;
use crate::edit::{Edits, offer};
use crate::pointer;
use crate::subject::Subject;
use crate::world::{Composed, Defined, World};

const SELECTOR: &str = "/spec/compositionSelector/matchLabels";

/// Says which Composition comes nearest, where none fits.
pub(super) fn check(
    world: &World,
    subject: &Subject,
    defined: &Defined,
    composite: &Value,
) -> Option<Diagnostic> {
    let compositions: Vec<Value> = world
        .compositions
        .iter()
        .map(|it| it.subject.value.clone())
        .collect();
    if compositions.is_empty() {
        return None;
    }
    let mut composite = composite.clone();
    composite["apiVersion"] = json!(defined.definition.api_version());
    let failure = select::composition(&composite, &defined.definition, &compositions).err()?;
    let diagnostic = Diagnostic::error("PV2115", failure.to_string())
        .with_label(subject.label(&place(subject)))
        .with_effect(
            "the composite resource finds no Composition, and the claim says no more than `Waiting`",
        );
    let nearest = failure
        .candidates
        .first()
        .filter(|candidate| candidate.other_type.is_none());
    let found = nearest.and_then(|candidate| {
        let written = world
            .compositions
            .iter()
            .find(|it| it.composition.name == candidate.name)?;
        Some((candidate, written))
    });
    Some(match found {
        Some((candidate, written)) => propose(diagnostic, candidate, written),
        None => diagnostic.with_help("write a Composition of this kind, or select one that is there"),
    })
}

/// The first label that is asked for, or the Composition that is named.
fn place(subject: &Subject) -> String {
    let first = subject
        .value
        .pointer(SELECTOR)
        .and_then(Value::as_object)
        .and_then(|labels| labels.keys().next());
    if let Some(key) = first {
        return pointer::child(SELECTOR, key);
    }
    let named = "/spec/compositionRef/name";
    let place = if subject.value.pointer(named).is_some() {
        named
    } else {
        "/spec"
    };
    place.to_owned()
}

fn propose(diagnostic: Diagnostic, candidate: &Candidate, written: &Composed) -> Diagnostic {
    let lines: Vec<String> = candidate
        .missing
        .iter()
        .map(|(key, value, _)| line(key, value))
        .collect();
    let labels = quoted(&lines);
    let label = written
        .subject
        .label("/metadata")
        .with_text(format!("nearest candidate; it lacks {labels}"));
    let help = format!(
        "add the label {labels} to the Composition `{}`, or correct the selector",
        candidate.name
    );
    let fix = add(candidate, written, &lines).map(|fix| Fix {
        title: format!("add the label {labels}"),
        ..fix
    });
    offer(diagnostic.with_label(label).with_help(help), fix)
}

/// Adds labels. One that is there with another value is left alone: others may select the Composition by it.
fn add(candidate: &Candidate, written: &Composed, lines: &[String]) -> Option<Fix> {
    if candidate.missing.iter().any(|(_, _, found)| found.is_some()) {
        return None;
    }
    let subject = &written.subject;
    match subject
        .value
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .and_then(|labels| labels.keys().next())
    {
        Some(first) => Edits::of(subject)
            .insert_after(&pointer::child("/metadata/labels", first), lines)
            .fix(""),
        None if subject.entry("/metadata/labels").is_some() => None,
        None => {
            let block: Vec<String> = std::iter::once("labels:".to_owned())
                .chain(lines.iter().map(|line| format!("  {line}")))
                .collect();
            Edits::of(subject).insert_after("/metadata/name", &block).fix("")
        }
    }
}

/// `key: value` as YAML has it; a value such as `true` needs quotes.
fn line(key: &str, value: &str) -> String {
    pave_yaml::to_string(&json!({ key: value })).trim_end().to_owned()
}
