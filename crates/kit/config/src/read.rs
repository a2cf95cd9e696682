//! From a file to values: variables filled in, `$env`, `$file` and `$include` followed, as `@backstage/config-loader`
//! 1.11 does. Where that one throws, this one notes an error and goes on without the value.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location, Span};
use pave_yaml::{Dialect, Document, Node, NodeKind};
use serde_json::Value;

use crate::item::{Field, Item, Kind, Origin, Source, Through, at, below};
use crate::load::Surroundings;
use crate::substitute::{Substituted, substitute};

const INCLUDES: [&str; 3] = ["$file", "$env", "$include"];
/// Files that include each other deeper than this include themselves.
const DEEPEST: usize = 32;

/// Reads files into values.
pub(crate) struct Reader<'a> {
    pub(crate) surroundings: &'a dyn Surroundings,
    pub(crate) findings: Diagnostics,
}

/// Where the reader stands: in which file, and how it came there.
#[derive(Clone)]
struct Place {
    file: Arc<str>,
    through: Vec<Through>,
}

impl Place {
    fn location(&self, span: Span) -> Location {
        Location {
            file: self.file.to_string(),
            span,
        }
    }

    fn origin(&self, span: Span, more: Vec<Through>) -> Origin {
        let mut through = self.through.clone();
        through.extend(more);
        Origin {
            source: Source::File(self.location(span)),
            through,
        }
    }

    /// A path written in this file, as seen from the working directory.
    fn resolve(&self, path: &str) -> String {
        let directory = Path::new(&*self.file).parent().unwrap_or(Path::new(""));
        let mut result = PathBuf::new();
        for part in directory.join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(result.components().next_back(), Some(Component::Normal(_))) =>
                {
                    result.pop();
                }
                other => result.push(other),
            }
        }
        result.to_string_lossy().into_owned()
    }
}

/// What a text turned out to be.
enum Outcome {
    Item(Item),
    /// A node of an included file, to be read on from there.
    Node(Box<Node>, Place),
    Nothing,
}

impl Reader<'_> {
    /// The layer that a file makes; none when there is nothing in it.
    pub(crate) fn file(&mut self, path: &str, text: &str) -> Option<Item> {
        let document = self.document(path, text)?;
        let place = Place {
            file: document.file.clone(),
            through: Vec::new(),
        };
        let item = self.item(&document.root, "", &place)?;
        if matches!(item.kind, Kind::Map(_)) {
            return Some(item);
        }
        let location = document.location(document.root.span);
        self.error(
            "PV2404",
            "the file is not a map of keys",
            location,
            "",
            "begin with `key: value`",
        );
        None
    }

    fn document(&mut self, path: &str, text: &str) -> Option<Document> {
        let (mut documents, findings) = pave_yaml::parse(path, text, Dialect::Backstage);
        self.findings.extend(findings);
        if let Some(second) = documents.get(1) {
            let location = second.location(second.root.span);
            self.error(
                "PV2404",
                "a second document begins here; a configuration file holds one",
                location,
                "",
                "take the `---` away, or make two files and name both",
            );
        }
        if documents.is_empty() {
            None
        } else {
            Some(documents.swap_remove(0))
        }
    }

    fn item(&mut self, node: &Node, path: &str, place: &Place) -> Option<Item> {
        if let Some(text) = node.as_str() {
            return self.text(text, node.span, path, place);
        }
        let include = node
            .entries()
            .iter()
            .find(|entry| INCLUDES.contains(&entry.key.as_str()));
        let Some(include) = include else {
            return Some(self.children(node, path, place));
        };
        if node.entries().len() != 1 {
            self.error(
                "PV2404",
                format!("`{}` stands beside other keys", include.key),
                place.location(include.key_span),
                path,
                "let it stand alone below its key",
            );
            return None;
        }
        match self.include(&include.key, &include.value, path, place) {
            Outcome::Item(item) => Some(item),
            Outcome::Nothing => None,
            Outcome::Node(node, there) => match node.as_str() {
                Some(text) => self.text(text, node.span, path, &there),
                None => Some(self.children(&node, path, &there)),
            },
        }
    }

    fn children(&mut self, node: &Node, path: &str, place: &Place) -> Item {
        let origin = place.origin(node.span, Vec::new());
        let kind = match &node.kind {
            NodeKind::Scalar { value, .. } => Kind::Scalar(value.clone()),
            NodeKind::Sequence(items) => Kind::List(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| self.item(item, &at(path, index), place))
                    .collect(),
            ),
            NodeKind::Mapping(entries) => {
                let mut fields: Vec<Field> = Vec::new();
                for entry in entries {
                    let Some(item) = self.item(&entry.value, &below(path, &entry.key), place) else {
                        continue;
                    };
                    let field = Field {
                        key: entry.key.clone(),
                        place: place.origin(entry.key_span, Vec::new()),
                        item,
                    };
                    match fields.iter_mut().find(|known| known.key == field.key) {
                        Some(known) => *known = field,
                        None => fields.push(field),
                    }
                }
                Kind::Map(fields)
            }
        };
        Item { kind, origin }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.surroundings
            .variable(name)
            .map(|value| value.trim().to_owned())
    }

    fn text(&mut self, text: &str, span: Span, path: &str, place: &Place) -> Option<Item> {
        match substitute(text, &|name| self.variable(name)) {
            Substituted::Text(text, through) => Some(Item {
                kind: Kind::Scalar(Value::String(text)),
                origin: place.origin(span, through),
            }),
            Substituted::Missing(names) => {
                for name in names {
                    self.missing(&name, path, place.location(span));
                }
                None
            }
        }
    }

    fn include(&mut self, key: &str, value: &Node, path: &str, place: &Place) -> Outcome {
        let here = place.location(value.span);
        let Some(written) = value.as_str() else {
            self.error(
                "PV2404",
                format!("the value of `{key}` is not text"),
                here,
                path,
                "write a name",
            );
            return Outcome::Nothing;
        };
        let target = match substitute(written, &|name| self.variable(name)) {
            Substituted::Text(text, _) => text,
            Substituted::Missing(names) => {
                let message = format!("`{key}` needs the environment variable `{}`", names.join("`, `"));
                self.error("PV2404", message, here, path, "set it");
                return Outcome::Nothing;
            }
        };
        match key {
            "$env" => {
                let Some(value) = self.variable(&target) else {
                    self.missing(&target, path, here);
                    return Outcome::Nothing;
                };
                Outcome::Item(Item {
                    kind: Kind::Scalar(Value::String(value)),
                    origin: place.origin(here.span, vec![Through::Variable(target)]),
                })
            }
            "$file" => {
                let file = place.resolve(&target);
                match self.content(&file, path, here.clone()) {
                    Some(text) => Outcome::Item(Item {
                        kind: Kind::Scalar(Value::String(text.trim_end().to_owned())),
                        origin: place.origin(here.span, vec![Through::Content(file)]),
                    }),
                    None => Outcome::Nothing,
                }
            }
            _ => self.included(&target, path, place, here),
        }
    }

    /// `$include: file.yaml#a.b`
    fn included(&mut self, target: &str, path: &str, place: &Place, here: Location) -> Outcome {
        let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
        let known = [".json", ".yaml", ".yml"]
            .iter()
            .any(|ending| file.ends_with(ending));
        if !known {
            let message = format!("`{file}` is neither YAML nor JSON by its name");
            self.error(
                "PV2404",
                message,
                here,
                path,
                "include a .yaml, .yml or .json file; `$file` takes any file as text",
            );
            return Outcome::Nothing;
        }
        let depth = place
            .through
            .iter()
            .filter(|step| matches!(step, Through::Include(_)))
            .count();
        if depth >= DEEPEST {
            let message =
                format!("files include each other {DEEPEST} deep; `{file}` seems to include itself");
            self.error("PV2404", message, here, path, "break the circle");
            return Outcome::Nothing;
        }
        let file = place.resolve(file);
        let Some(text) = self.content(&file, path, here.clone()) else {
            return Outcome::Nothing;
        };
        let Some(document) = self.document(&file, &text) else {
            return Outcome::Nothing;
        };
        let mut node = &document.root;
        for (index, part) in fragment.split('.').filter(|_| !fragment.is_empty()).enumerate() {
            if !matches!(node.kind, NodeKind::Mapping(_)) {
                let so_far: Vec<&str> = fragment.split('.').take(index).collect();
                let message = format!(
                    "`{}` of `{file}` is not a map, so it has no `{part}`",
                    so_far.join(".")
                );
                self.error(
                    "PV2404",
                    message,
                    here,
                    path,
                    "name a key behind `#` that the file has",
                );
                return Outcome::Nothing;
            }
            let Some(next) = node.get(part) else {
                // Upstream takes it as absent, without a word.
                let finding = Diagnostic::warning("PV2404", format!("`{file}` has no `{fragment}`"))
                    .with_label(Label::at(here).with_path(path))
                    .with_help("name a key behind `#` that the file has; the key is absent as it is");
                self.findings.push(finding);
                return Outcome::Nothing;
            };
            node = next;
        }
        let mut through = place.through.clone();
        through.push(Through::Include(here));
        let there = Place {
            file: document.file.clone(),
            through,
        };
        Outcome::Node(Box::new(node.clone()), there)
    }

    fn content(&mut self, file: &str, path: &str, here: Location) -> Option<String> {
        match self.surroundings.read(file) {
            Ok(Some(text)) => Some(text),
            Ok(None) => {
                let help = "paths count from the file in which they stand";
                self.error("PV2403", format!("there is no file `{file}`"), here, path, help);
                None
            }
            Err(reason) => {
                let message = format!("the file `{file}` cannot be read: {reason}");
                self.error(
                    "PV2403",
                    message,
                    here,
                    path,
                    "let the user that runs Pave read it",
                );
                None
            }
        }
    }

    fn missing(&mut self, name: &str, path: &str, location: Location) {
        let message = format!("environment variable `{name}` is not set, so `{path}` is absent");
        let finding = Diagnostic::warning("PV2402", message)
            .with_label(Label::at(location).with_path(path))
            .with_help(format!(
                "`export {name}=…` before the start, or write a default: `${{{name}:-…}}`"
            ));
        self.findings.push(finding);
    }

    fn error(&mut self, code: &str, message: impl Into<String>, location: Location, path: &str, help: &str) {
        let finding = Diagnostic::error(code, message)
            .with_label(Label::at(location).with_path(path))
            .with_help(help);
        self.findings.push(finding);
    }
}
