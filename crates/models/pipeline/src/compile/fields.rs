use pave_diagnostic::{Diagnostic, Fix, nearest};

use super::expand::Pending;
use super::{CompileScope, Compiler};
use crate::codes;
use crate::expression::Value;
use crate::source::Place;
use crate::tree::{Tree, TreeKind};

/// A mapping that is being read key by key.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    entries: Vec<Pending>,
    pub(super) place: Place,
    /// What it is, in words: "a job".
    pub(super) what: &'static str,
}

impl Fields {
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Takes a key out; the later one wins where a key stands twice.
    pub(super) fn take(&mut self, key: &str) -> Option<Pending> {
        let position = self.entries.iter().rposition(|entry| entry.key == key)?;
        let found = self.entries.remove(position);
        self.entries.retain(|entry| entry.key != key);
        Some(found)
    }

    /// The first of some keys that stands here.
    pub(super) fn first_of<'a>(&self, keys: &[&'a str]) -> Option<&'a str> {
        self.entries
            .iter()
            .find_map(|entry| keys.iter().find(|key| **key == entry.key).copied())
    }

    /// Makes a variable known to everything that follows in this mapping.
    pub(super) fn set_scope(&mut self, update: &dyn Fn(&mut CompileScope)) {
        for entry in &mut self.entries {
            update(&mut entry.scope);
        }
    }

    pub(super) fn place_of(&self, key: &str) -> Place {
        let found = self.entries.iter().find(|entry| entry.key == key);
        found.map_or_else(|| self.place.clone(), |entry| entry.key_place.clone())
    }
}

impl Compiler<'_> {
    /// Opens a mapping; anything else is reported.
    pub(super) fn fields(&mut self, tree: &Tree, scope: &CompileScope, what: &'static str) -> Option<Fields> {
        let tree = match &tree.kind {
            TreeKind::Scalar { raw: true, .. } => self.expand(tree, scope),
            _ => tree.clone(),
        };
        match &tree.kind {
            TreeKind::Map(_) => {}
            TreeKind::Failed => return None,
            _ => {
                self.wrong_shape(&tree, what, "a mapping");
                return None;
            }
        }
        Some(Fields {
            entries: self.entries(&tree, scope),
            place: tree.place.clone(),
            what,
        })
    }

    pub(super) fn wrong_shape(&mut self, tree: &Tree, what: &str, expected: &str) {
        let found = tree.shape();
        self.report(
            Diagnostic::error(codes::WRONG_SHAPE, format!("{what} is {expected}, not {found}")),
            &tree.place,
        );
    }

    /// Reports the keys that nobody took.
    pub(super) fn finish(&mut self, fields: Fields, known: &[&str]) {
        for entry in fields.entries {
            let mut diagnostic = Diagnostic::error(
                codes::UNKNOWN_KEY,
                format!("{} has no key `{}`", fields.what, entry.key),
            );
            let near = nearest(&entry.key, known.iter().copied());
            if known.contains(&entry.key.as_str()) {
                diagnostic.message = format!("`{}` does not go together with the other keys here", entry.key);
            } else if let Some(near) = near {
                diagnostic.help = Some(format!("did you mean `{near}`?"));
                diagnostic.fix = Some(Fix {
                    title: format!("write `{near}`"),
                    file: entry.key_place.source.name.clone(),
                    span: entry.key_place.span,
                    replacement: near.to_owned(),
                });
            } else {
                diagnostic.help = Some(format!("known are {}", known.join(", ")));
            }
            self.report(diagnostic, &entry.key_place);
        }
    }

    /// A single value as text.
    pub(super) fn text(&mut self, entry: &Pending) -> Option<String> {
        let tree = self.expand(&entry.value, &entry.scope);
        self.tree_text(&tree, &entry.key)
    }

    pub(super) fn tree_text(&mut self, tree: &Tree, key: &str) -> Option<String> {
        match &tree.kind {
            TreeKind::Scalar { value, .. } => value.to_text(),
            TreeKind::Failed => None,
            _ => {
                self.wrong_shape(tree, &format!("`{key}`"), "a single value");
                None
            }
        }
    }

    pub(super) fn take_text(&mut self, fields: &mut Fields, key: &str) -> Option<String> {
        let entry = fields.take(key)?;
        self.text(&entry)
    }

    /// `true`, `yes`, `on`, `y` and their opposites, in any case.
    pub(super) fn boolean(&mut self, entry: &Pending) -> Option<bool> {
        let text = self.text(entry)?;
        let found = boolean(&text);
        if found.is_none() && !is_late(&text) {
            self.report(
                Diagnostic::error(
                    codes::VALUE,
                    format!("`{}` is true or false, not `{text}`", entry.key),
                )
                .with_help("write true, yes, on, y or false, no, off, n"),
                &entry.value.place,
            );
        }
        found
    }

    pub(super) fn take_boolean(&mut self, fields: &mut Fields, key: &str) -> Option<bool> {
        let entry = fields.take(key)?;
        self.boolean(&entry)
    }

    /// A whole number.
    pub(super) fn take_number(&mut self, fields: &mut Fields, key: &str) -> Option<u32> {
        let entry = fields.take(key)?;
        let text = self.text(&entry)?;
        let found = text.trim().parse().ok();
        if found.is_none() && !is_late(&text) {
            self.report(
                Diagnostic::error(codes::VALUE, format!("`{key}` is a whole number, not `{text}`")),
                &entry.value.place,
            );
        }
        found
    }

    /// One of some words.
    pub(super) fn word(&mut self, entry: &Pending, allowed: &[&str]) -> Option<String> {
        let text = self.text(entry)?;
        if allowed.contains(&text.as_str()) {
            return Some(text);
        }
        let mut diagnostic = Diagnostic::error(codes::VALUE, format!("`{}` cannot be `{text}`", entry.key));
        diagnostic.help = Some(match nearest(&text, allowed.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", allowed.join(", ")),
        });
        self.report(diagnostic, &entry.value.place);
        None
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&mut self, entry: &Pending) -> Vec<(String, Place)> {
        let tree = self.expand(&entry.value, &entry.scope);
        match &tree.kind {
            TreeKind::List(items) => items
                .iter()
                .filter_map(|item| Some((self.tree_text(item, &entry.key)?, item.place.clone())))
                .collect(),
            TreeKind::Scalar { value, .. } => {
                let text = value.to_text().filter(|text| !text.is_empty());
                text.map(|text| (text, tree.place.clone())).into_iter().collect()
            }
            TreeKind::Failed => Vec::new(),
            TreeKind::Map(_) => {
                self.wrong_shape(&tree, &format!("`{}`", entry.key), "a value or a list of values");
                Vec::new()
            }
        }
    }

    pub(super) fn take_texts(&mut self, fields: &mut Fields, key: &str) -> Vec<String> {
        let Some(entry) = fields.take(key) else {
            return Vec::new();
        };
        self.texts(&entry).into_iter().map(|(text, _)| text).collect()
    }

    /// A mapping of texts: `env`, `inputs`.
    pub(super) fn take_pairs(&mut self, fields: &mut Fields, key: &str) -> Vec<(String, String, Place)> {
        let Some(entry) = fields.take(key) else {
            return Vec::new();
        };
        let tree = self.expand(&entry.value, &entry.scope);
        match tree.kind {
            TreeKind::Map(entries) => entries
                .into_iter()
                .filter_map(|entry| Some((self.pair_text(&entry.value, &entry.key)?, entry)))
                .map(|(text, entry)| (entry.key, text, entry.key_place))
                .collect(),
            TreeKind::Failed => Vec::new(),
            _ if tree.is_null() => Vec::new(),
            _ => {
                self.wrong_shape(&tree, &format!("`{key}`"), "a mapping");
                Vec::new()
            }
        }
    }

    /// The text of an input. Booleans are lower case here, as a task reads them.
    fn pair_text(&mut self, tree: &Tree, key: &str) -> Option<String> {
        match &tree.kind {
            TreeKind::Scalar {
                value: Value::Boolean(value),
                ..
            } => Some(value.to_string()),
            _ => self.tree_text(tree, key),
        }
    }
}

/// Upstream's words for true and false.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Whether a value is known only when the run is under way; then the default holds until it starts.
fn is_late(text: &str) -> bool {
    text.contains("$(") || text.trim_start().starts_with("$[")
}
