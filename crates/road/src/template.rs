//! Templates: expressions, actions, and what the files that they write would say.

mod actions;
mod form;
mod placeholder;

use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Diagnostics, Fix, nearest};
use pave_template::action::ActionSpec;
use pave_template::expression::{Scope, render_string};
use pave_template::provenance::Piece;
use pave_template::template::Template;
use pave_yaml::{Dialect, Node, NodeKind};
use serde_json::{Map, Value, json};

use crate::edit::{Edits, offer};
use crate::subject::{Origin, Rendered, Subject, Text};

pub(crate) use form::check as check_form;

/// What stands in the template itself.
pub(crate) fn check(subject: &Subject, specs: &[ActionSpec]) -> Diagnostics {
    let known = actions::with_upstream(specs);
    let found = pave_template::lint(&subject.document, &subject.text.content, &known);
    let parameters = parameters(subject);
    found
        .into_iter()
        .filter_map(|finding| improve(subject, finding, &parameters))
        .collect()
}

/// Names of the template's parameters, required texts first.
pub(crate) fn parameters(subject: &Subject) -> Vec<String> {
    let Ok(template) = Template::from_entity(&subject.value) else {
        return Vec::new();
    };
    let required = |name: &str| {
        template.pages.iter().any(|page| {
            page["required"]
                .as_array()
                .is_some_and(|list| list.iter().any(|it| it == name))
        })
    };
    let mut names: Vec<(bool, String)> = template
        .properties()
        .map(|(name, _)| (!required(name), name.to_owned()))
        .collect();
    names.sort_by_key(|(optional, _)| *optional);
    names.into_iter().map(|(_, name)| name).collect()
}

fn improve(subject: &Subject, finding: Diagnostic, parameters: &[String]) -> Option<Diagnostic> {
    match finding.code.as_str() {
        // Installations add actions of their own; only a slip of the pen is worth a word.
        "PV1517" => finding.help.is_some().then_some(finding),
        "PV1510" => Some(lost_expression(subject, finding, parameters)),
        "PV1521" => {
            let right = finding
                .help
                .as_deref()
                .and_then(|help| help.strip_prefix("write `")?.strip_suffix('`'));
            let right = right.filter(|right| !right.contains('<')).map(str::to_owned);
            let place = finding
                .labels
                .first()
                .map(|label| crate::pointer::from_path(&label.path))
                .unwrap_or_default();
            let fix = right.and_then(|right| {
                Edits::of(subject)
                    .replace(&place, right.clone())
                    .fix(format!("write `{right}`"))
            });
            let effect = "no publish action can tell host, owner and repository; the task fails at this step";
            Some(offer(finding.with_effect(effect), fix))
        }
        "PV1525" => {
            let help = finding.help.clone().unwrap_or_default();
            Some(finding.with_help(format!(
                "{help}; on an unmodified Backstage, write the file with `fetch:template` and propose it with `publish:github:pull-request`"
            )))
        }
        _ => Some(finding),
    }
}

/// `environments/$-env.yaml`: proposes the parameter that was most likely meant.
fn lost_expression(subject: &Subject, finding: Diagnostic, parameters: &[String]) -> Diagnostic {
    let Some(label) = finding.labels.first() else {
        return finding;
    };
    let span = label.location.span;
    let content = &subject.text.content;
    let exact = content.get(span.start.offset..span.end.offset) == Some("$");
    let line = content
        .lines()
        .nth(span.start.line.saturating_sub(1))
        .unwrap_or_default();
    let key = line
        .trim_start()
        .trim_start_matches("- ")
        .split(':')
        .next()
        .unwrap_or_default()
        .trim();
    let exactly = parameters.iter().find(|name| *name == key);
    let first = || parameters.first().filter(|_| key != "action");
    let meant = exactly
        .or_else(first)
        .cloned()
        .or_else(|| nearest(key, parameters.iter().map(String::as_str)).map(str::to_owned));
    let Some(meant) = meant else { return finding };
    let expression = format!("${{{{ parameters.{meant} }}}}");
    let fix = exact.then(|| Fix {
        title: format!("write `{expression}`"),
        file: label.location.file.clone(),
        span,
        replacement: expression.clone(),
    });
    let page = subject
        .label("/spec/parameters")
        .with_text(format!("the form has {}", crate::against::quoted(parameters)));
    offer(
        finding
            .with_label(page)
            .with_help(format!("write `{expression}`")),
        fix,
    )
}

/// The documents that the template would write, with placeholders for what people would enter.
pub(crate) fn render(subject: &Rc<Subject>) -> (Vec<Subject>, Diagnostics) {
    let Ok(template) = Template::from_entity(&subject.value) else {
        return (Vec::new(), Vec::new());
    };
    let parameters = Value::Object(placeholder::values(&template));
    let user = json!({ "ref": "user:default/example", "entity": {
        "kind": "User", "metadata": { "name": "example", "namespace": "default" },
        "spec": { "memberOf": ["group:default/example"], "profile": { "displayName": "Example", "email": "example@example.com" } },
    }});
    let (steps, context, secrets) = (json!({}), json!({ "task": { "id": "example" } }), json!({}));
    let scope = Scope::new()
        .with("parameters", &parameters)
        .with("user", &user)
        .with("steps", &steps)
        .with("context", &context)
        .with("secrets", &secrets);
    let mut renderer = Renderer {
        subject,
        scope,
        subjects: Vec::new(),
        diagnostics: Vec::new(),
    };
    for (index, step) in template.steps.iter().enumerate() {
        let path = step.input["filePath"]
            .as_str()
            .map(|text| render_string(text, &renderer.scope));
        let path = path
            .and_then(|it| it.value)
            .and_then(|it| it.as_str().map(str::to_owned))
            .unwrap_or_default();
        let place = format!("/spec/steps/{index}/input");
        if let Some(node) = subject.document.node(&place) {
            renderer.tree(node, &place, &path);
        }
    }
    (renderer.subjects, renderer.diagnostics)
}

struct Renderer<'a> {
    subject: &'a Rc<Subject>,
    scope: Scope<'a>,
    subjects: Vec<Subject>,
    diagnostics: Diagnostics,
}

impl Renderer<'_> {
    fn tree(&mut self, node: &Node, place: &str, path: &str) {
        match &node.kind {
            NodeKind::Scalar { text, .. } => {
                if text.contains("apiVersion:") && text.contains("kind:") {
                    self.manifest(node, text, place, path);
                }
            }
            NodeKind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.tree(item, &format!("{place}/{index}"), path);
                }
            }
            NodeKind::Mapping(entries) => {
                for entry in entries {
                    self.tree(&entry.value, &crate::pointer::child(place, &entry.key), path);
                }
            }
        }
    }

    fn manifest(&mut self, node: &Node, raw: &str, place: &str, path: &str) {
        let rendered = render_string(raw, &self.scope);
        let pieces: Vec<Piece> = rendered.pieces().to_vec();
        let Some(Value::String(content)) = rendered.value else {
            return;
        };
        let id = format!("{}#{place}", self.subject.text.id);
        let origin = Rendered {
            template: Rc::clone(self.subject),
            node: node.clone(),
            raw: raw.to_owned(),
        };
        let text = Rc::new(Text {
            id: id.clone(),
            content,
            origin: Origin::Rendered(Box::new(origin)),
        });
        let (documents, problems) = pave_yaml::parse(&id, &text.content, Dialect::Kubernetes);
        for mut problem in problems {
            text.resolve(&mut problem);
            let message = format!(
                "what this step writes is not YAML: {}",
                problem.message.trim_start_matches("this is not YAML: ")
            );
            self.diagnostics.push(Diagnostic {
                code: "PV2128".to_owned(),
                message,
                ..problem
            });
        }
        for document in documents {
            let value = document.to_value();
            let subject = Subject {
                document,
                text: Rc::clone(&text),
                value,
                path: path.to_owned(),
                pieces: pieces.clone(),
            };
            self.subjects.push(subject);
        }
    }
}

/// An object of JSON.
pub(crate) type Object = Map<String, Value>;
