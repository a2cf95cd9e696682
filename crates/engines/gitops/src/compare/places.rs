//! Where in Git the field is written that a live object complains of.
//!
//! A controller knows the object, not the file: it says `spec.compositionSelector`. Here both are at hand.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use pave_kube::EventKind;
use pave_manifest::directory::Manifest;
use pave_manifest::health::HealthCode;
use pave_names::ObjectKey;
use regex::Regex;

use super::{Comparison, Entry};
use crate::engine::Engine;
use crate::{events, explain};

/// A path to a field as controllers write it, with or without backticks.
static FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bspec(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]+\])+").ok());

/// What was said of each object last, so that an event is written once.
pub(super) type Told = HashMap<ObjectKey, String>;

/// Puts the place before the message of every object that is not well because of a field of its file, and writes an
/// event about it, which `kubectl describe` shows.
pub(super) fn blame(engine: &Arc<Engine>, comparison: &mut Comparison, told: &mut Told) {
    for entry in &mut comparison.entries {
        let Some(message) = located(entry) else {
            told.remove(&entry.key);
            continue;
        };
        if told.get(&entry.key) != Some(&message)
            && let Some(live) = &entry.live
        {
            events::emit_at(
                engine,
                comparison.site.as_deref(),
                live,
                EventKind::Warning,
                "FieldInGit",
                message.clone(),
            );
            told.insert(entry.key.clone(), message.clone());
        }
        if let Some(health) = &mut entry.health {
            health.message = message;
        }
    }
}

fn located(entry: &Entry) -> Option<String> {
    let (target, health) = (entry.target.as_ref()?, entry.health.as_ref()?);
    if health.code == HealthCode::Healthy {
        return None;
    }
    let place = written(&target.manifest, &health.message)?;
    Some(format!("{place}: {}", health.message))
}

/// The first field that the message names and the file has, as `file:line:column`.
fn written(manifest: &Manifest, message: &str) -> Option<String> {
    let fields = FIELD.as_ref()?.find_iter(message);
    let mut pointers = fields.map(|found| explain::pointer_of(found.as_str()));
    let pointer = pointers.find(|pointer| manifest.object.pointer(pointer).is_some())?;
    Some(manifest.document.locate_key(&pointer).to_string())
}

#[cfg(test)]
mod tests {
    use pave_manifest::directory::{SourceFile, read};

    use super::*;

    fn check(message: &str, expected: Option<&str>) {
        let text = "kind: Claim\napiVersion: a.example.org/v1\nmetadata:\n  name: orders\nspec:\n  dbName: orders\n  compositionSelector:\n    matchLabels: { env: dev }\n";
        let file = SourceFile {
            path: "team/orders.yaml",
            bytes: text.as_bytes(),
        };
        let manifests = read(&[file]).manifests;
        assert_eq!(written(&manifests[0], message).as_deref(), expected, "{message}");
    }

    #[test]
    fn a_field_is_found_in_its_file() {
        check(
            "no Composition fits `spec.compositionSelector`",
            Some("team/orders.yaml:7:3"),
        );
        check("spec.dbName: too long", Some("team/orders.yaml:6:3"));
        check(
            "spec.parameters.size is unknown, spec.dbName is not",
            Some("team/orders.yaml:6:3"),
        );
        check("the server is being made", None);
        check("spec.size", None);
    }
}
