//! Actions and what they are given.

use pave_diagnostic::Diagnostic;
use serde_json::{Map, Value};

use super::Linter;
use super::expressions::suggest;
use crate::action::ActionSpec;
use crate::repository::RepositoryUrl;
use crate::template::Step;

/// The action that commits files, and the keys that show that this was meant.
const COMMIT_ACTION: &str = "pave:repo:commit";
const COMMIT_KEYS: [&str; 3] = ["filePath", "content", "commitMessage"];

impl Linter<'_> {
    pub(super) fn action(&mut self, index: usize) {
        let template = self.template;
        let step = &template.steps[index];
        let pointer = format!("/spec/steps/{index}");
        self.misplaced(&pointer);
        self.repository(step, &pointer);
        let spec = self.actions.get(step.action.as_str()).copied();
        if self.meant_commit(step, &pointer, spec) {
            return;
        }
        let Some(spec) = spec else {
            let diagnostic = Diagnostic::error("PV1517", format!("there is no action `{}`", step.action))
                .with_label(self.document.label(&format!("{pointer}/action")))
                .with_effect("the task fails at this step");
            let diagnostic = suggest(diagnostic, &step.action, self.actions.keys().copied());
            return self.diagnostics.push(diagnostic);
        };
        self.input(step, &pointer, spec);
    }

    /// Keys of a step that nobody reads.
    fn misplaced(&mut self, pointer: &str) {
        const KEYS: [&str; 7] = [
            "id",
            "name",
            "action",
            "input",
            "if",
            "each",
            "backstage:permissions",
        ];
        let document = self.document;
        let Some(node) = document.node(pointer) else {
            return;
        };
        for entry in node
            .entries()
            .iter()
            .filter(|entry| !KEYS.contains(&entry.key.as_str()))
        {
            let message = format!("a step has no field `{}`", entry.key);
            let label = document.label(&format!(
                "{pointer}/{}",
                entry.key.replace('~', "~0").replace('/', "~1")
            ));
            let diagnostic = Diagnostic::warning("PV1524", message).with_label(label);
            self.diagnostics.push(suggest(diagnostic, &entry.key, KEYS));
        }
    }

    /// `publish:github` with a file and its content: no host has that, but ours has an action for it.
    fn meant_commit(&mut self, step: &Step, pointer: &str, spec: Option<&ActionSpec>) -> bool {
        let given = step.input.as_object();
        let commits = given
            .is_some_and(|input| COMMIT_KEYS.iter().filter(|key| input.contains_key(**key)).count() >= 2);
        let takes = |spec: &ActionSpec| spec.input_keys().is_none_or(|keys| keys.contains(&"filePath"));
        if !step.action.starts_with("publish:") || !commits || spec.is_some_and(takes) {
            return false;
        }
        let message = format!(
            "`{}` publishes a directory as a repository; it takes no `filePath`, `content` or `commitMessage`",
            step.action
        );
        let place = self.document.locate(&format!("{pointer}/action"));
        self.diagnostics.push(
            Diagnostic::error("PV1525", message)
                .with_label(self.document.label(&format!("{pointer}/action")))
                .with_label(
                    self.document
                        .label(&format!("{pointer}/input"))
                        .with_text("a file to commit"),
                )
                .with_help(format!(
                    "to commit a file to a branch in one step, use `{COMMIT_ACTION}` with the same fields"
                ))
                .with_fix(pave_diagnostic::Fix {
                    title: format!("use `{COMMIT_ACTION}`"),
                    file: place.file,
                    span: place.span,
                    replacement: COMMIT_ACTION.to_owned(),
                })
                .with_effect("upstream refuses the input; nothing is committed"),
        );
        true
    }

    /// A literal `repoUrl` that is none.
    fn repository(&mut self, step: &Step, pointer: &str) {
        let Some(text) = step.input["repoUrl"]
            .as_str()
            .filter(|text| !text.contains("${{"))
        else {
            return;
        };
        if let Err(reason) = RepositoryUrl::parse(text) {
            let help = guess(text).map_or_else(
                || {
                    "write `<host>?owner=<owner>&repo=<name>`, or `<host>?organization=…&project=…&repo=…`"
                        .to_owned()
                },
                |guess| format!("write `{guess}`"),
            );
            self.diagnostics.push(
                Diagnostic::error(
                    "PV1521",
                    format!("`{text}` is not a repository address: {reason}"),
                )
                .with_label(self.document.label(&format!("{pointer}/input/repoUrl")))
                .with_help(help),
            );
        }
    }

    fn input(&mut self, step: &Step, pointer: &str, spec: &ActionSpec) {
        let known = spec.input_keys();
        let empty = Map::new();
        let given = step.input.as_object().unwrap_or(&empty);
        for key in given.keys() {
            if known.as_ref().is_some_and(|known| !known.contains(&key.as_str())) {
                let label = self.document.label(&format!(
                    "{pointer}/input/{}",
                    key.replace('~', "~0").replace('/', "~1")
                ));
                let diagnostic =
                    Diagnostic::warning("PV1518", format!("action `{}` has no input `{key}`", spec.id))
                        .with_label(label)
                        .with_effect("it is dropped; a strict Backstage refuses the step");
                self.diagnostics
                    .push(suggest(diagnostic, key, known.iter().flatten().copied()));
            }
        }
        for missing in required(&spec.input).filter(|key| !given.contains_key(*key)) {
            let diagnostic = Diagnostic::error(
                "PV1519",
                format!("action `{}` needs the input `{missing}`", spec.id),
            )
            .with_label(self.document.label(&format!("{pointer}/input")))
            .with_effect("the task fails at this step");
            self.diagnostics.push(diagnostic);
        }
        // Only what is written out can be checked for its type.
        let literal: Map<String, Value> = given
            .iter()
            .filter(|(_, value)| is_literal(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for error in crate::wording::errors(&spec.input, &Value::Object(literal)) {
            if error.name == "required" || error.path.is_empty() {
                continue;
            }
            let path = error
                .path
                .iter()
                .fold(String::new(), |path, key| match key.as_str() {
                    Some(key) => path + "/" + key,
                    None => path + "/" + &key.to_string(),
                });
            let message = format!(
                "`{}` {}",
                error.property.trim_start_matches("instance."),
                error.message
            );
            self.diagnostics.push(
                Diagnostic::error("PV1520", message)
                    .with_label(self.document.label(&format!("{pointer}/input{path}"))),
            );
        }
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn is_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains("${{") && !text.contains("{%"),
        Value::Array(items) => items.iter().all(is_literal),
        Value::Object(map) => map.values().all(is_literal),
        _ => true,
    }
}

/// `github.com:owner/name` and `https://github.com/owner/name` in the right form.
fn guess(text: &str) -> Option<String> {
    let rest = text.trim_start_matches("https://").trim_start_matches("git@");
    let (host, path) = rest.split_once([':', '/'])?;
    let (owner, name) = path.split_once('/')?;
    (!name.contains('/')).then(|| format!("{host}?owner={owner}&repo={}", name.trim_end_matches(".git")))
}
