use std::collections::HashSet;

use pave_diagnostic::Diagnostic;

use super::fields::Fields;
use super::{CompileScope, Compiler};
use crate::source::Place;
use crate::tasks;
use crate::tree::Tree;
use crate::{Action, Checkout, Shell, Step, codes};

/// Keys that say what a step is.
const KINDS: [&str; 12] = [
    "script",
    "bash",
    "pwsh",
    "powershell",
    "checkout",
    "task",
    "download",
    "downloadBuild",
    "publish",
    "getPackage",
    "reviewApp",
    "template",
];

/// Keys that every step has.
const COMMON: [&str; 9] = [
    "displayName",
    "name",
    "condition",
    "continueOnError",
    "enabled",
    "env",
    "timeoutInMinutes",
    "retryCountOnTaskFailure",
    "target",
];

/// What a step does, what it is called unless it says so, and the keys of its own.
type Read = (Action, String, &'static [&'static str]);

impl Compiler<'_> {
    /// Reads a list of steps; `hook` is the hook of a deployment that they belong to.
    pub(super) fn steps(&mut self, list: &Tree, scope: &CompileScope, hook: &str) -> Vec<Step> {
        let mut out = Vec::new();
        for (item, scope) in self.items(list, scope) {
            if item.is_null() {
                continue;
            }
            let Some(fields) = self.fields(&item, &scope, "a step") else {
                continue;
            };
            let Some(kind) = fields.first_of(&KINDS) else {
                self.no_step(&fields);
                continue;
            };
            if kind == "template" {
                if let Some(opened) = self.template(fields, &["steps"], &scope)
                    && let Some(entry) = opened.root.entry("steps")
                {
                    out.extend(self.steps(&entry.value, &opened.scope, hook));
                }
            } else {
                out.extend(self.step(fields, kind, hook));
            }
        }
        out
    }

    fn no_step(&mut self, fields: &Fields) {
        self.report(
            Diagnostic::error(codes::STRUCTURE, "the item is no step")
                .with_help(format!("it has one of the keys {}", KINDS.join(", "))),
            &fields.place,
        );
    }

    fn step(&mut self, mut fields: Fields, kind: &str, hook: &str) -> Option<Step> {
        let place = fields.place_of(kind);
        let mut step = self.common(&mut fields, &place);
        hook.clone_into(&mut step.hook);
        let (action, title, known) = match kind {
            "script" | "bash" | "pwsh" | "powershell" => self.script(&mut fields, kind),
            "checkout" => self.checkout(&mut fields)?,
            "task" => self.task(&mut fields, &place)?,
            "publish" => self.publish(&mut fields)?,
            "download" => self.download(&mut fields)?,
            other => {
                self.report(
                    Diagnostic::error(codes::UNKNOWN_TASK, format!("`{other}` steps do not run here"))
                        .with_help("run a script that does the same"),
                    &place,
                );
                return None;
            }
        };
        if step.display_name.is_empty() {
            step.display_name = title;
        }
        step.action = action;
        let known: Vec<&str> = COMMON.iter().chain(known).copied().collect();
        self.finish(fields, &known);
        Some(step)
    }

    fn common(&mut self, fields: &mut Fields, place: &Place) -> Step {
        let pairs = self.take_pairs(fields, "env");
        let target = fields.take("target").and_then(|entry| {
            let value = self.expand(&entry.value, &entry.scope).to_value();
            value.member("container").unwrap_or(&value).to_text()
        });
        Step {
            name: self.take_text(fields, "name").filter(|name| !name.is_empty()),
            display_name: self.take_text(fields, "displayName").unwrap_or_default(),
            condition: self
                .take_text(fields, "condition")
                .filter(|text| !text.is_empty()),
            continue_on_error: self.take_boolean(fields, "continueOnError").unwrap_or_default(),
            enabled: self.take_boolean(fields, "enabled").unwrap_or(true),
            env: pairs.into_iter().map(|(key, value, _)| (key, value)).collect(),
            timeout_minutes: self.take_number(fields, "timeoutInMinutes").unwrap_or_default(),
            retries: self
                .take_number(fields, "retryCountOnTaskFailure")
                .unwrap_or_default()
                .min(10),
            target,
            hook: String::new(),
            action: Action::Checkout(Checkout::default()),
            place: place.location(),
        }
    }

    fn script(&mut self, fields: &mut Fields, kind: &str) -> Read {
        let (shell, title) = match kind {
            "script" => (Shell::Script, "CmdLine"),
            "bash" => (Shell::Bash, "Bash"),
            "pwsh" => (Shell::Pwsh, "PowerShell"),
            _ => (Shell::PowerShell, "PowerShell"),
        };
        // Where the text could not be worked out that was said already; the rest of the step is still looked at.
        let text = self.take_text(fields, kind).unwrap_or_default();
        let working_directory = self
            .take_text(fields, "workingDirectory")
            .filter(|text| !text.is_empty());
        let fail_on_stderr = self.take_boolean(fields, "failOnStderr").unwrap_or_default();
        let known: &[&str] = match shell {
            Shell::Pwsh | Shell::PowerShell => {
                for kept in ["errorActionPreference", "ignoreLASTEXITCODE"] {
                    fields.take(kept);
                }
                &[
                    "pwsh",
                    "workingDirectory",
                    "failOnStderr",
                    "errorActionPreference",
                    "ignoreLASTEXITCODE",
                ]
            }
            _ => &["script", "bash", "workingDirectory", "failOnStderr"],
        };
        let action = Action::Script {
            shell,
            text,
            working_directory,
            fail_on_stderr,
        };
        (action, title.to_owned(), known)
    }

    fn checkout(&mut self, fields: &mut Fields) -> Option<Read> {
        let entry = fields.take("checkout")?;
        let mut repository = self.text(&entry)?;
        if !matches!(repository.as_str(), "self" | "none") && !repository.contains("://") {
            repository = self.alias(&repository, &entry.value.place).unwrap_or(repository);
        }
        let title = match repository.as_str() {
            "none" => "Checkout nothing".to_owned(),
            "self" => "Checkout".to_owned(),
            other => format!("Checkout {other}"),
        };
        let checkout = Checkout {
            repository,
            clean: self.take_boolean(fields, "clean").unwrap_or_default(),
            fetch_depth: self.take_number(fields, "fetchDepth"),
            fetch_tags: self.take_boolean(fields, "fetchTags"),
            lfs: self.take_boolean(fields, "lfs").unwrap_or_default(),
            submodules: self
                .take_text(fields, "submodules")
                .filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("false")),
            path: self.take_text(fields, "path").filter(|text| !text.is_empty()),
            persist_credentials: self
                .take_boolean(fields, "persistCredentials")
                .unwrap_or_default(),
            implicit: false,
        };
        for kept in [
            "fetchFilter",
            "sparseCheckoutDirectories",
            "sparseCheckoutPatterns",
            "workspaceRepo",
        ] {
            fields.take(kept);
        }
        let known = &[
            "clean",
            "fetchDepth",
            "fetchTags",
            "lfs",
            "submodules",
            "path",
            "persistCredentials",
        ];
        Some((Action::Checkout(checkout), title, known))
    }

    fn task(&mut self, fields: &mut Fields, place: &Place) -> Option<Read> {
        let entry = fields.take("task")?;
        let written = self.text(&entry)?;
        let inputs = self.take_pairs(fields, "inputs");
        let known: &[&str] = &["task", "inputs"];
        let (name, major) = match tasks::split_reference(&written) {
            Ok(found) => found,
            Err(diagnostic) => {
                self.report(diagnostic, &entry.value.place);
                (written.clone(), 0)
            }
        };
        for (diagnostic, at) in tasks::check_inputs(&name, major, &inputs) {
            self.report(diagnostic, at.as_ref().unwrap_or(place));
        }
        let inputs: Vec<(String, String)> = inputs.into_iter().map(|(key, value, _)| (key, value)).collect();
        Some((tasks::action(&name, major, inputs), name, known))
    }

    fn publish(&mut self, fields: &mut Fields) -> Option<Read> {
        let path = self.take_text(fields, "publish")?;
        let artifact = self.take_text(fields, "artifact").unwrap_or_default();
        let action = Action::Publish { path, artifact };
        Some((
            action,
            "PublishPipelineArtifact".to_owned(),
            &["publish", "artifact"],
        ))
    }

    fn download(&mut self, fields: &mut Fields) -> Option<Read> {
        let action = Action::Download {
            source: self.take_text(fields, "download")?,
            run: None,
            artifact: self.take_text(fields, "artifact").unwrap_or_default(),
            path: self.take_text(fields, "path").unwrap_or_default(),
            patterns: self.take_texts(fields, "patterns").join("\n"),
        };
        let known = &["download", "artifact", "path", "patterns"];
        Some((action, "DownloadPipelineArtifact".to_owned(), known))
    }

    /// Step names must differ inside a job; upstream also wants them to be plain.
    pub(super) fn check_step_names(&mut self, steps: &[Step], place: &Place) {
        let mut seen: HashSet<String> = HashSet::new();
        for step in steps {
            let Some(name) = &step.name else { continue };
            let good = name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_');
            let location = Place {
                span: step.place.span,
                ..place.clone()
            };
            let mut at = |diagnostic: Diagnostic| {
                let mut diagnostic = diagnostic;
                let mut label = location.label();
                label.location = step.place.clone();
                diagnostic.labels.insert(0, label);
                self.diagnostics.push(diagnostic);
            };
            if !good {
                at(
                    Diagnostic::error(codes::NAME, format!("`{name}` cannot be the name of a step"))
                        .with_help("names have letters, digits and `_`; `displayName` is free"),
                );
            }
            if !seen.insert(format!("{}{}", step.hook, name.to_ascii_lowercase())) {
                at(Diagnostic::error(
                    codes::DUPLICATE_NAME,
                    format!("there is another step `{name}` in this job"),
                )
                .with_help("give each a name of its own"));
            }
        }
    }
}

fn implicit(action: Action, title: &str, hook: &str, place: &Place) -> Step {
    Step {
        name: None,
        display_name: title.to_owned(),
        condition: None,
        continue_on_error: false,
        enabled: true,
        env: Vec::new(),
        timeout_minutes: 0,
        retries: 0,
        target: None,
        hook: hook.to_owned(),
        action,
        place: place.location(),
    }
}

/// The checkout that every job begins with.
pub(super) fn implicit_checkout(place: &Place) -> Step {
    let checkout = Checkout {
        repository: "self".to_owned(),
        implicit: true,
        ..Checkout::default()
    };
    implicit(Action::Checkout(checkout), "Checkout", "", place)
}

/// The download that the `deploy` hook begins with.
pub(super) fn implicit_download(place: &Place) -> Step {
    let action = Action::Download {
        source: String::new(),
        run: None,
        artifact: String::new(),
        path: String::new(),
        patterns: String::new(),
    };
    implicit(action, "Download artifacts", "deploy", place)
}
