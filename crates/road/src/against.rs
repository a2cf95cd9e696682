//! A value against the schema that the cluster would hold it to.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, nearest};
use pave_schema::{FieldError, FieldErrorReason, Schema};
use serde_json::Value;

use crate::edit::{Edits, offer};
use crate::pointer;
use crate::subject::Subject;

/// A schema, and where a person can read it.
pub(crate) struct Against<'a> {
    /// The schema of the whole object.
    pub(crate) schema: &'a Schema,
    /// What the schema is called: `the schema of FlexibleServer`, `the XRD`.
    pub(crate) name: String,
    /// The XRD that says so, and the pointer of its `openAPIV3Schema`.
    pub(crate) written: Option<(&'a Subject, String)>,
    /// Fields that are filled in later, such as by patches.
    pub(crate) filled: &'a [Vec<String>],
    /// What an unknown field leads to.
    pub(crate) effect: &'a str,
}

/// Checks the object at a pointer of a document.
pub(crate) fn check(subject: &Subject, base: &str, against: &Against<'_>) -> Diagnostics {
    let Some(value) = subject.value.pointer(base) else {
        return Vec::new();
    };
    let mut unknown = Vec::new();
    find_unknown(value, against.schema, "", &mut unknown);
    let mut checker = Checker {
        subject,
        base,
        value,
        against,
        moved: Vec::new(),
        diagnostics: Vec::new(),
    };
    for (pointer, parent) in &unknown {
        checker.unknown(pointer, parent);
    }
    for error in against.schema.validate(value, None) {
        checker.invalid(&error);
    }
    checker.diagnostics
}

struct Checker<'a> {
    subject: &'a Subject,
    base: &'a str,
    value: &'a Value,
    against: &'a Against<'a>,
    /// Fields that stand elsewhere: they are not missing as well.
    moved: Vec<String>,
    diagnostics: Diagnostics,
}

fn find_unknown(value: &Value, schema: &Schema, at: &str, found: &mut Vec<(String, Schema)>) {
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                let below = pointer::child(at, key);
                if let Some(values) = schema.map_values() {
                    find_unknown(item, values, &below, found);
                } else if let Some(child) = schema.property(&[key]) {
                    find_unknown(item, &child, &below, found);
                } else if !schema.preserves_unknown_fields() {
                    found.push((below, schema.clone()));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = schema.items() {
                    find_unknown(item, schema, &format!("{at}/{index}"), found);
                }
            }
        }
        _ => {}
    }
}

impl Checker<'_> {
    fn full(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.base)
    }

    fn who(&self, pointer: &str, text: String) -> Option<Label> {
        let (xrd, root) = self.against.written.as_ref()?;
        let place = pointer::segments(pointer)
            .iter()
            .fold(root.clone(), |place, step| {
                if step.bytes().all(|byte| byte.is_ascii_digit()) {
                    format!("{place}/items")
                } else {
                    pointer::child(&format!("{place}/properties"), step)
                }
            });
        Some(xrd.label(&place).with_text(text))
    }

    fn report(&mut self, diagnostic: Diagnostic, label: Label, who: Option<Label>) {
        let diagnostic = diagnostic.with_label(label);
        self.diagnostics.push(match who {
            Some(who) => diagnostic.with_label(who),
            None => diagnostic,
        });
    }

    fn unknown(&mut self, pointer: &str, parent: &Schema) {
        let value = self.value.pointer(pointer).unwrap_or(&Value::Null);
        let above = pointer::parent(pointer);
        let known = parent.property_names();
        let members: Vec<&String> = value
            .as_object()
            .map(|map| map.keys().collect())
            .unwrap_or_default();
        let meant: Vec<&str> = members
            .iter()
            .map(|key| key.as_str())
            .filter(|key| known.contains(key))
            .collect();
        if !meant.is_empty() {
            return self.wrapped(pointer, &meant, &members);
        }
        let key = pointer::segments(pointer).pop().unwrap_or_default();
        let shown = pointer::to_path(pointer);
        let message = format!(
            "field `{shown}` reaches nothing: {} has no such field",
            self.against.name
        );
        let mut diagnostic = Diagnostic::error("PV2104", message).with_effect(self.against.effect.to_owned());
        let mut place = above.to_owned();
        if let Some(near) = nearest(&key, known.iter().copied()) {
            diagnostic.help = Some(format!(
                "did you mean `{}`?",
                pointer::to_path(&pointer::child(above, near))
            ));
            place = pointer::child(above, near);
            self.moved.push(place.clone());
            let fix = Edits::of(self.subject)
                .rename(&self.full(pointer), near)
                .fix(format!("rename it to `{near}`"));
            diagnostic = offer(diagnostic, fix);
        } else if let Some(elsewhere) = self.elsewhere(&key) {
            diagnostic.help = Some(format!("move it: `{}`", pointer::to_path(&elsewhere)));
            self.moved.push(elsewhere.clone());
            place = elsewhere;
        } else if !known.is_empty() {
            diagnostic.help = Some(format!("known here are {}", quoted(&known)));
        }
        let who = self.who(&place, format!("{} has {}", self.against.name, words(&known)));
        let label = self.subject.label(&self.full(pointer));
        self.report(diagnostic, label, who);
    }

    /// Fields that stand one level too deep, as in `spec.params.dbName` for `spec.dbName`.
    fn wrapped(&mut self, pointer: &str, meant: &[&str], members: &[&String]) {
        let above = pointer::parent(pointer).to_owned();
        let edits = Edits::of(self.subject);
        let lines = edits.lines_below(&self.full(pointer));
        let own = pointer::segments(pointer).pop().unwrap_or_default();
        let title = format!("move {} out of `{own}`", quoted(meant));
        let mut fix = if meant.len() == members.len() {
            edits.replace_entry(&self.full(pointer), &lines).fix(title)
        } else {
            None
        };
        for key in members {
            let wrong = pointer::child(pointer, key);
            let right = pointer::child(&above, key);
            let (wrong_path, right_path) = (pointer::to_path(&wrong), pointer::to_path(&right));
            let message = format!(
                "field `{wrong_path}` reaches nothing: {} has no `{}`",
                self.against.name,
                pointer::to_path(pointer)
            );
            let diagnostic = Diagnostic::error("PV2104", message).with_effect(self.against.effect.to_owned());
            let known = meant.contains(&key.as_str());
            let diagnostic = if known {
                self.moved.push(right.clone());
                offer(
                    diagnostic.with_help(format!("did you mean `{right_path}`? move it there")),
                    fix.take(),
                )
            } else {
                diagnostic
            };
            let place = if known { right } else { above.clone() };
            let text = if known {
                format!("{} has `{right_path}`", self.against.name)
            } else {
                String::new()
            };
            let who = self.who(&place, text);
            let label = self.subject.label(&self.full(&wrong));
            self.report(diagnostic, label, who);
        }
    }

    /// A place in the schema where a field of that name would be known.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let spec = self.against.schema.property(&["spec"])?;
        let names = spec.property_names();
        if names.contains(&key) {
            return Some(pointer::child("/spec", key));
        }
        let found = names.iter().find(|name| {
            spec.property(&[name])
                .is_some_and(|below| below.property_names().contains(&key))
        })?;
        Some(pointer::child(&pointer::child("/spec", found), key))
    }

    /// What a `not` of the field's schema excludes, in words.
    fn excluded(&self, path: &[String]) -> Option<String> {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let openapi = self.against.schema.property(&steps)?.to_openapi();
        let parts = openapi["allOf"]
            .as_array()
            .into_iter()
            .flatten()
            .chain([&openapi]);
        let (mut values, mut patterns) = (Vec::new(), Vec::new());
        for part in parts {
            values.extend(
                part["not"]["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            );
            patterns.extend(part["not"]["pattern"].as_str());
        }
        match (values.is_empty(), patterns.is_empty()) {
            (true, true) => None,
            (false, true) => Some(format!("excluded are {}", quoted(&values))),
            (true, false) => Some(format!("excluded is what matches {}", quoted(&patterns))),
            (false, false) => Some(format!(
                "excluded are {}, and what matches {}",
                quoted(&values),
                quoted(&patterns)
            )),
        }
    }

    fn invalid(&mut self, error: &FieldError) {
        let place = pointer::from_path(&error.path);
        let steps = pointer::segments(&place);
        if self.moved.contains(&place)
            || self
                .against
                .filled
                .iter()
                .any(|filled| pointer::touches(filled, &steps))
        {
            return;
        }
        let shown = &error.path;
        let full = self.full(&place);
        if error.reason == FieldErrorReason::Required {
            let diagnostic = Diagnostic::error(
                "PV2105",
                format!("`{shown}` is missing; {} requires it", self.against.name),
            )
            .with_help(format!("set `{shown}`"))
            .with_effect("the API refuses the object");
            let who = self.who(&place, "required by this schema".to_owned());
            let label = self.subject.label(&full).with_path(shown.clone());
            return self.report(diagnostic, label, who);
        }
        let detail = error.detail.replace(&format!("{shown} in body "), "");
        let detail = if detail.is_empty() { error.body() } else { detail };
        let detail = self
            .excluded(&steps)
            .filter(|_| detail.contains("(not)"))
            .unwrap_or(detail);
        let diagnostic = Diagnostic::error(
            "PV2106",
            format!("`{shown}` is refused by {}: {detail}", self.against.name),
        )
        .with_effect("the API refuses the object");
        let who = self.who(&place, "said here".to_owned());
        let label = self.subject.value_label(&full);
        self.report(diagnostic, label, who);
    }
}

/// Names in backticks, with commas.
pub(crate) fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn words(names: &[&str]) -> String {
    if names.is_empty() {
        "no fields here".to_owned()
    } else {
        quoted(names)
    }
}
