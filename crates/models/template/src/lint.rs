//! What can be said about a template without running it.

mod expressions;
mod inputs;
mod place;
mod unused;

use std::collections::BTreeMap;

use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_yaml::{Document, Node, NodeKind};

use crate::action::ActionSpec;
use crate::template::Template;
pub use place::place_in;

/// What a lint looks at.
struct Linter<'a> {
    document: &'a Document,
    source: &'a str,
    template: &'a Template,
    actions: BTreeMap<&'a str, &'a ActionSpec>,
    diagnostics: Diagnostics,
}

/// Checks a Template document: expressions, references to parameters and steps, actions and their inputs.
///
/// `source` is the text that the document was read from; it gives expressions their exact places.
#[must_use]
pub fn lint(document: &Document, source: &str, actions: &[ActionSpec]) -> Diagnostics {
    let (template, diagnostics) = Template::from_document(document);
    let Some(template) = template else {
        return diagnostics;
    };
    let actions = actions
        .iter()
        .map(|action| (action.id.as_str(), action))
        .collect();
    let mut linter = Linter {
        document,
        source,
        template: &template,
        actions,
        diagnostics,
    };
    linter.duplicates();
    for index in 0..template.steps.len() {
        linter.step(index);
    }
    linter.strings("/spec/output", template.steps.len(), false);
    linter.unused_parameters();
    linter.diagnostics
}

impl Linter<'_> {
    fn duplicates(&mut self) {
        let steps = &self.template.steps;
        for (index, step) in steps.iter().enumerate() {
            if let Some(first) = steps[..index].iter().position(|other| other.id == step.id) {
                self.diagnostics.push(
                    Diagnostic::error("PV1522", format!("two steps are called `{}`", step.id))
                        .with_label(self.document.label(&format!("/spec/steps/{index}/id")))
                        .with_label(
                            self.document
                                .label(&format!("/spec/steps/{first}/id"))
                                .with_text("the first one"),
                        ),
                );
            }
        }
    }

    fn step(&mut self, index: usize) {
        self.action(index);
        for key in ["input", "if", "each"] {
            let in_each = key != "each" && self.template.steps[index].each.is_some();
            self.strings(&format!("/spec/steps/{index}/{key}"), index, in_each);
        }
    }

    /// Checks all strings below a pointer; `before` steps have run by then.
    fn strings(&mut self, pointer: &str, before: usize, in_each: bool) {
        let document = self.document;
        let Some(node) = document.node(pointer) else {
            return;
        };
        self.tree(node, pointer, (before, in_each));
    }

    fn tree(&mut self, node: &Node, pointer: &str, context: (usize, bool)) {
        match &node.kind {
            NodeKind::Scalar { .. } => {
                if let Some(text) = node.as_str() {
                    self.text(node, text, pointer, context);
                }
            }
            NodeKind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.tree(item, &format!("{pointer}/{index}"), context);
                }
            }
            NodeKind::Mapping(entries) => {
                for entry in entries {
                    let key = entry.key.replace('~', "~0").replace('/', "~1");
                    self.tree(&entry.value, &format!("{pointer}/{key}"), context);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
