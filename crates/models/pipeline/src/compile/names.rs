use std::collections::HashSet;

use pave_diagnostic::Diagnostic;

use super::Compiler;
use crate::codes;
use crate::source::Place;

/// Names of one kind that must differ.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: HashSet<String>,
}

impl Compiler<'_> {
    /// Checks that a name is well formed and not taken. Names ignore case.
    pub(super) fn claim(&mut self, names: &mut Names, kind: &str, name: &str, place: &Place) {
        if name.is_empty() {
            return;
        }
        if !is_name(name) {
            let better: String = name
                .chars()
                .map(|char| if char.is_ascii_alphanumeric() { char } else { '_' })
                .collect();
            self.report(
                Diagnostic::error(codes::NAME, format!("`{name}` cannot be the name of a {kind}"))
                    .with_help(format!(
                        "names have letters, digits and `_`, and begin with no digit: `{better}`; `displayName` is free"
                    )),
                place,
            );
        }
        if !names.seen.insert(name.to_ascii_lowercase()) {
            self.report(
                Diagnostic::error(codes::DUPLICATE_NAME, format!("there is another {kind} `{name}`"))
                    .with_help("give each a name of its own"),
                place,
            );
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
}
