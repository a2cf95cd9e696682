use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::{CompileScope, Compiler};
use crate::tree::{Tree, TreeKind};
use crate::{Variable, codes};

impl Compiler<'_> {
    /// Reads `variables:`; each is known to what follows it.
    pub(super) fn variables(&mut self, entry: &Pending) -> (Vec<Variable>, CompileScope) {
        let mut scope = entry.scope.clone();
        let mut out = Vec::new();
        self.variables_of(&entry.value, &mut scope, &mut out);
        (out, scope)
    }

    fn variables_of(&mut self, tree: &Tree, scope: &mut CompileScope, out: &mut Vec<Variable>) {
        match &tree.kind {
            TreeKind::List(_) => {
                let items = self.items(tree, scope);
                for (item, mut inner) in items {
                    // Variables of earlier items are known, loops of this one too.
                    for variable in out.iter() {
                        remember(variable, &mut inner);
                    }
                    self.variable(&item, &inner, out);
                }
            }
            TreeKind::Map(_) => {
                let entries = self.entries(tree, scope);
                for mut entry in entries {
                    for variable in out.iter() {
                        remember(variable, &mut entry.scope);
                    }
                    let tree = self.expand(&entry.value, &entry.scope);
                    if let Some(value) = self.tree_text(&tree, &entry.key) {
                        out.push(Variable::Value {
                            name: entry.key,
                            value,
                            read_only: false,
                        });
                    }
                }
            }
            TreeKind::Scalar { raw: true, .. } => {
                let value = self.expand(tree, scope);
                if !matches!(value.kind, TreeKind::Scalar { .. } | TreeKind::Failed) {
                    self.variables_of(&value, scope, out);
                }
            }
            _ if tree.is_null() => {}
            _ => self.wrong_shape(tree, "`variables`", "a mapping or a list"),
        }
        for variable in out.iter() {
            remember(variable, scope);
        }
    }

    fn variable(&mut self, item: &Tree, scope: &CompileScope, out: &mut Vec<Variable>) {
        const KNOWN: [&str; 6] = ["name", "value", "readonly", "group", "template", "parameters"];
        let Some(mut fields) = self.fields(item, scope, "a variable") else {
            return;
        };
        match fields.first_of(&["name", "group", "template"]) {
            Some("name") => {
                let name = self.take_text(&mut fields, "name");
                let value = self.take_text(&mut fields, "value").unwrap_or_default();
                let read_only = self.take_boolean(&mut fields, "readonly").unwrap_or_default();
                self.finish(fields, &KNOWN);
                if let Some(name) = name {
                    out.push(Variable::Value { name, value, read_only });
                }
            }
            Some("group") => {
                let place = fields.place_of("group").location();
                let group = self.take_text(&mut fields, "group");
                self.finish(fields, &KNOWN);
                out.extend(group.map(|name| Variable::Group { name, place }));
            }
            Some(_) => {
                if let Some(opened) = self.template(fields, &["variables"], scope)
                    && let Some(entry) = opened.root.entry("variables")
                {
                    let mut inner = opened.scope;
                    let mut found = Vec::new();
                    self.variables_of(&entry.value, &mut inner, &mut found);
                    out.extend(found);
                }
            }
            None => self.report(
                Diagnostic::error(codes::STRUCTURE, "the item is no variable, group or template").with_help(
                    "write `- name: …` with `value: …`, or `- group: …`, or `- template: …`; a mapping `name: value` stands without dashes",
                ),
                &fields.place.clone(),
            ),
        }
    }
}

fn remember(variable: &Variable, scope: &mut CompileScope) {
    if let Variable::Value { name, value, .. } = variable {
        scope.add_variable(name, value);
    }
}
