//! The two ways to write a Composition, and from the old one to the new.

use pave_diagnostic::Diagnostic;
use serde_json::Value;

use crate::edit::{Edits, offer};
use crate::subject::Subject;

/// A Composition that leaves its mode to the version of Crossplane.
pub(super) fn check(subject: &Subject) -> Option<Diagnostic> {
    let spec = subject.value.pointer("/spec")?;
    if spec.get("mode").is_some() || spec.get("resources").is_none() || spec.get("pipeline").is_some() {
        return None;
    }
    let diagnostic = Diagnostic::warning(
        "PV2124",
        "the Composition has no `mode`, so `resources` means mode Resources",
    )
    .with_label(subject.label("/spec/resources"))
    .with_help("write `mode: Resources`, or turn it into a Pipeline, which every version takes")
    .with_effect("it runs here and on Crossplane 1.x; 2.x has no mode Resources and refuses it");
    Some(offer(diagnostic, pipeline(subject, spec)))
}

fn pipeline(subject: &Subject, spec: &Value) -> Option<pave_diagnostic::Fix> {
    // Patch sets would have to move along; that is left to the author.
    if spec.get("patchSets").is_some() {
        return None;
    }
    let edits = Edits::of(subject);
    let below = edits.lines_below("/spec/resources");
    let head = [
        "mode: Pipeline",
        "pipeline:",
        "  - step: patch-and-transform",
        "    functionRef:",
        "      name: function-patch-and-transform",
        "    input:",
        "      apiVersion: pt.fn.crossplane.io/v1beta1",
        "      kind: Resources",
        "      resources:",
    ];
    let mut lines: Vec<String> = head.iter().map(|line| (*line).to_owned()).collect();
    lines.extend(below.iter().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("        {line}")
        }
    }));
    edits
        .replace_entry("/spec/resources", &lines)
        .fix("turn it into mode Pipeline")
}
