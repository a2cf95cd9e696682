//! Expressions: do they parse, and does what they name exist?

use std::ops::Range;

use pave_diagnostic::{Diagnostic, Fix, Label, nearest};
use pave_yaml::Node;

use super::{Linter, place_in};
use crate::language::lexer::Syntax;
use crate::language::syntax::{self, Expression, Kind, Operator};
use crate::language::{filter_names, is_known_filter, is_known_test, parser};

/// Names that steps can use.
const ROOTS: [&str; 12] = [
    "parameters",
    "steps",
    "secrets",
    "user",
    "each",
    "context",
    "environment",
    "always",
    "failure",
    "range",
    "cycler",
    "joiner",
];

/// The string that is being looked at.
struct Place<'a> {
    node: &'a Node,
    text: &'a str,
    pointer: &'a str,
    before: usize,
    in_each: bool,
}

impl Linter<'_> {
    pub(super) fn text(&mut self, node: &Node, text: &str, pointer: &str, (before, in_each): (usize, bool)) {
        let place = Place {
            node,
            text,
            pointer,
            before,
            in_each,
        };
        self.bare_dollar(&place);
        if !text.contains("${{") && !text.contains("{%") {
            return;
        }
        let nodes = match parser::parse(text, &Syntax::default()) {
            Ok(nodes) => nodes,
            Err(fault) => {
                let label = self.label(&place, fault.range.clone());
                let diagnostic = fault.to_diagnostic(label.location.clone());
                let diagnostic = Diagnostic {
                    labels: vec![label],
                    ..diagnostic
                }
                .with_effect("the string is left as it is written, without a word");
                return self.diagnostics.push(diagnostic);
            }
        };
        let mut locals = Vec::new();
        syntax::locals(&nodes, &mut locals);
        let mut found = Vec::new();
        syntax::expressions(&nodes, &mut |expression| found.push(expression.clone()));
        for expression in &found {
            self.expression(expression, &place, &locals);
        }
    }

    fn label(&self, place: &Place<'_>, range: Range<usize>) -> Label {
        let location = place_in(self.document, self.source, place.node, place.text, range);
        Label::at(location).with_path(self.document.label(place.pointer).path)
    }

    fn report(&mut self, place: &Place<'_>, range: &Range<usize>, diagnostic: Diagnostic) {
        let label = self.label(place, range.clone());
        self.diagnostics.push(diagnostic.with_label(label));
    }

    /// A `$` where an interpolation was lost: `environments/$-env.yaml`, `name: $`, `${ name }`.
    fn bare_dollar(&mut self, place: &Place<'_>) {
        for (at, _) in place.text.match_indices('$') {
            let rest = &place.text[at + 1..];
            let lost = match rest.chars().next() {
                None => true,
                Some('{') => !rest.starts_with("{{") && rest.starts_with("{ "),
                Some(next) => next.is_whitespace() || "-/.\"',:".contains(next),
            };
            let inside = place.text[..at]
                .rfind("${{")
                .is_some_and(|open| !place.text[open..at].contains("}}"));
            if lost && !inside {
                let diagnostic =
                    Diagnostic::error("PV1510", "`$` stands alone here; an expression is missing")
                        .with_help("write `${{ parameters.<name> }}`")
                        .with_effect("the `$` ends up in the output as it is");
                self.report(place, &(at..at + 1), diagnostic);
            }
        }
    }

    fn expression(&mut self, expression: &Expression, place: &Place<'_>, locals: &[String]) {
        match &expression.kind {
            Kind::Filter { name, name_range, .. } if !is_known_filter(name) => {
                let diagnostic = Diagnostic::error("PV1502", format!("there is no filter `{name}`"))
                    .with_effect("the string is left as it is written, without a word");
                let diagnostic = suggest(diagnostic, name, filter_names());
                self.report(place, name_range, diagnostic);
            }
            Kind::Test { name, name_range, .. } if !is_known_test(name) => {
                let diagnostic = Diagnostic::error("PV1502", format!("there is no test `{name}`"));
                self.report(place, name_range, diagnostic);
            }
            Kind::Name(name) => self.root(name, expression, place, locals),
            Kind::Member { object, key } => {
                if let (Kind::Name(root), Kind::String(member)) = (&object.kind, &key.kind) {
                    self.member(root, member, &key.range, place);
                }
                self.output_reference(object, key, place);
            }
            Kind::Binary {
                operator: Operator::Subtract,
                left,
                ..
            } => self.subtraction(left, expression, place),
            _ => {}
        }
    }

    fn root(&mut self, name: &str, expression: &Expression, place: &Place<'_>, locals: &[String]) {
        if locals.iter().any(|local| local == name) || (name == "each" && place.in_each) {
            return;
        }
        if ROOTS.contains(&name) && name != "each" {
            return;
        }
        // The rest of a subtraction that was meant as one name is told of there.
        if place.text[..expression.range.start].trim_end().ends_with('-') {
            return;
        }
        let diagnostic = if name == "each" {
            Diagnostic::warning("PV1516", "`each` has no value in a step without `each`")
        } else {
            let diagnostic = Diagnostic::warning("PV1516", format!("nothing is called `{name}` here"))
                .with_effect("it is undefined, and prints nothing");
            if self.template.properties().any(|(known, _)| known == name) {
                diagnostic.with_help(format!("write `parameters.{name}`"))
            } else {
                suggest(diagnostic, name, ROOTS)
            }
        };
        self.report(place, &expression.range, diagnostic);
    }

    fn member(&mut self, root: &str, member: &str, range: &Range<usize>, place: &Place<'_>) {
        match root {
            "parameters" => {
                let known: Vec<&str> = self.template.properties().map(|(name, _)| name).collect();
                if !known.contains(&member) {
                    let message = format!("the template has no parameter `{member}`");
                    let diagnostic = Diagnostic::warning("PV1511", message)
                        .with_label(self.label(place, range.clone()))
                        .with_label(
                            self.document
                                .label("/spec/parameters")
                                .with_text("its parameters"),
                        )
                        .with_effect("the value is undefined");
                    let diagnostic = suggest(diagnostic, member, known);
                    self.diagnostics.push(diagnostic);
                }
            }
            "steps" => self.step_reference(member, range, place),
            "secrets" if place.pointer.starts_with("/spec/output") => {
                let diagnostic = Diagnostic::error("PV1515", "secrets are not known in `output`")
                    .with_effect("the value is undefined");
                self.report(place, range, diagnostic);
            }
            _ => {}
        }
    }

    fn step_reference(&mut self, id: &str, range: &Range<usize>, place: &Place<'_>) {
        let template = self.template;
        let position = template.steps.iter().position(|step| step.id == id);
        // `steps.create-repo` is a subtraction, which is told of in its own words.
        let dashed = template
            .steps
            .iter()
            .any(|step| step.id.starts_with(&format!("{id}-")));
        let diagnostic = match position {
            Some(position) if position < place.before => return,
            Some(_) => Diagnostic::error("PV1512", format!("step `{id}` has not run yet at this point"))
                .with_effect("its output is undefined here"),
            None if dashed => return,
            // The run ends well all the same, as upstream; only a link or a text is poorer.
            None if place.pointer.starts_with("/spec/output") => {
                let diagnostic = Diagnostic::warning("PV1512", format!("there is no step `{id}`"))
                    .with_effect("the field is left out of the output");
                suggest(diagnostic, id, template.steps.iter().map(|step| step.id.as_str()))
            }
            None => {
                let diagnostic = Diagnostic::error("PV1512", format!("there is no step `{id}`"))
                    .with_effect("the value is undefined");
                suggest(diagnostic, id, template.steps.iter().map(|step| step.id.as_str()))
            }
        };
        self.report(place, range, diagnostic);
    }

    /// `steps.x.output.y`: does the action of `x` have an output `y`?
    fn output_reference(&mut self, object: &Expression, key: &Expression, place: &Place<'_>) {
        let (
            Kind::Member {
                object: step,
                key: part,
            },
            Kind::String(name),
        ) = (&object.kind, &key.kind)
        else {
            return;
        };
        let Kind::Member {
            object: root,
            key: id,
        } = &step.kind
        else {
            return;
        };
        let (Kind::Name(root), Kind::String(id), Kind::String(part)) = (&root.kind, &id.kind, &part.kind)
        else {
            return;
        };
        if root != "steps" || part != "output" {
            return;
        }
        let template = self.template;
        let step = template.steps.iter().find(|step| step.id == *id);
        let Some(spec) = step.and_then(|step| self.actions.get(step.action.as_str()).copied()) else {
            return;
        };
        let Some(known) = spec.output["properties"].as_object() else {
            return;
        };
        if known.contains_key(name) || spec.output["additionalProperties"] == true {
            return;
        }
        let message = format!("action `{}` has no output `{name}`", spec.id);
        let diagnostic = Diagnostic::warning("PV1514", message).with_effect("the value is undefined");
        let diagnostic = match (nearest(name, known.keys().map(String::as_str)), known.is_empty()) {
            (Some(found), _) => diagnostic.with_help(format!("did you mean `{found}`?")),
            (None, true) => diagnostic.with_help("it has no outputs at all"),
            (None, false) => {
                let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
                diagnostic.with_help(format!("its outputs are {}", names.join(", ")))
            }
        };
        self.report(place, &key.range, diagnostic);
    }

    /// `steps.create-repo.output` subtracts `repo.output` from `steps.create`.
    fn subtraction(&mut self, left: &Expression, whole: &Expression, place: &Place<'_>) {
        let Kind::Member { object, key } = &left.kind else {
            return;
        };
        let (Kind::Name(root), Kind::String(first)) = (&object.kind, &key.kind) else {
            return;
        };
        let written = &place.text[key.range.start..whole.range.end];
        let id: String = written
            .chars()
            .take_while(|char| char.is_ascii_alphanumeric() || "-_".contains(*char))
            .collect();
        let known = match root.as_str() {
            "steps" => self.template.steps.iter().any(|step| step.id == id),
            "parameters" => self.template.properties().any(|(name, _)| name == id),
            _ => false,
        };
        if !known {
            return;
        }
        let range = object.range.start..key.range.start + id.len();
        let label = self.label(place, range);
        let replacement = format!("{root}['{id}']");
        let fix = Fix {
            title: format!("write `{replacement}`"),
            file: label.location.file.clone(),
            span: label.location.span,
            replacement: replacement.clone(),
        };
        let message =
            format!("`{root}.{id}` subtracts from `{root}.{first}`: a name with dashes needs brackets");
        self.diagnostics.push(
            Diagnostic::error("PV1513", message)
                .with_label(label)
                .with_help(format!("write `{replacement}`"))
                .with_fix(fix),
        );
    }
}

pub(super) fn suggest<'n>(
    diagnostic: Diagnostic,
    word: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    match nearest(word, known) {
        Some(found) => diagnostic.with_help(format!("did you mean `{found}`?")),
        None => diagnostic,
    }
}
