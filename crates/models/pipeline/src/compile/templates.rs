use std::rc::Rc;

use pave_diagnostic::{Diagnostic, nearest};

use super::expand::Pending;
use super::fields::Fields;
use super::parameters::Given;
use super::{CompileScope, Compiler};
use crate::source::{Place, Source};
use crate::tree::{Tree, TreeKind};
use crate::{FileReference, codes};

/// Upstream's limits.
const MOST_FILES: usize = 100;
const DEEPEST: usize = 100;

/// A template that was opened: its root and the scope inside.
pub(super) struct Opened {
    pub(super) root: Tree,
    pub(super) scope: CompileScope,
}

impl Compiler<'_> {
    /// Opens the template that `template:` and `parameters:` of a mapping name, and checks that it has a section.
    pub(super) fn template(
        &mut self,
        mut fields: Fields,
        sections: &[&str],
        scope: &CompileScope,
    ) -> Option<Opened> {
        let entry = fields.take("template")?;
        let given = fields.take("parameters");
        self.finish(fields, &["template", "parameters"]);
        let name = self.text(&entry)?;
        let given = given.map(|given| self.given(&given)).unwrap_or_default();
        let source = self.open(&name, &entry, scope)?;
        let root = self.read(&source)?;
        if !matches!(root.kind, TreeKind::Map(_)) {
            self.wrong_shape(&root, "a template", "a mapping");
            return None;
        }
        let declared = self.declared(root.entry("parameters").map(|entry| &entry.value), scope);
        let parameters = self.bind(&declared, &given, &entry.value.place);
        if !sections.iter().any(|section| root.entry(section).is_some()) {
            self.misfit(&root, &name, sections, &entry.value.place);
            return None;
        }
        Some(Opened {
            root,
            scope: scope.template(parameters),
        })
    }

    fn given(&mut self, entry: &Pending) -> Vec<Given> {
        let tree = self.expand(&entry.value, &entry.scope);
        match tree.kind {
            TreeKind::Map(entries) => entries
                .into_iter()
                .filter(|entry| !matches!(entry.value.kind, TreeKind::Failed))
                .map(|entry| Given {
                    value: entry.value.to_value(),
                    name: entry.key,
                    place: entry.value.place,
                })
                .collect(),
            TreeKind::Failed => Vec::new(),
            _ if tree.is_null() => Vec::new(),
            _ => {
                self.wrong_shape(&tree, "`parameters`", "a mapping");
                Vec::new()
            }
        }
    }

    fn misfit(&mut self, root: &Tree, name: &str, sections: &[&str], place: &Place) {
        const KINDS: [&str; 5] = ["steps", "jobs", "stages", "variables", "extends"];
        let found: Vec<&str> = KINDS
            .into_iter()
            .filter(|kind| root.entry(kind).is_some())
            .collect();
        let expected = sections.join(", ");
        let message = if found.is_empty() {
            format!("template `{name}` has no `{expected}`")
        } else {
            format!(
                "template `{name}` is one of {}, but {expected} are expected here",
                found.join(" and ")
            )
        };
        let diagnostic = Diagnostic::error(codes::TEMPLATE_MISFIT, message)
            .with_label(root.place.label().with_text("the template"));
        self.report(diagnostic, place);
    }

    fn open(&mut self, name: &str, entry: &Pending, scope: &CompileScope) -> Option<Rc<Source>> {
        let place = &entry.value.place;
        if name.contains("$(") {
            self.report(
                Diagnostic::error(codes::MACRO, "macros are not filled in in the path of a template")
                    .with_help("use ${{ variables.name }} or a parameter"),
                place,
            );
            return None;
        }
        if self.used.len() >= MOST_FILES || scope.depth >= DEEPEST {
            let message = format!("more than {MOST_FILES} templates, or {DEEPEST} inside each other");
            let mut diagnostic = Diagnostic::error(codes::TEMPLATE_MISFIT, message);
            if place.source.path == name.trim_start_matches('/') {
                diagnostic.help = Some("the template includes itself".to_owned());
            }
            self.report(diagnostic, place);
            return None;
        }
        let reference = self.resolve(name, place)?;
        let shown = match &reference.repository {
            Some(alias) => format!("{}@{alias}", reference.path),
            None => reference.path.clone(),
        };
        let Some(text) = self.files.read(reference.repository.as_deref(), &reference.path) else {
            self.report(
                Diagnostic::error(codes::TEMPLATE_NOT_FOUND, format!("there is no template `{shown}`")).with_help(
                    format!(
                        "paths count from the folder of `{}`, or from the root when they begin with `/`; `@alias` names another repository",
                        place.source.name
                    ),
                ),
                place,
            );
            if !self.missing.contains(&reference) {
                self.missing.push(reference);
            }
            return None;
        };
        self.used.push(reference.clone());
        Some(Rc::new(Source {
            name: shown,
            repository: reference.repository,
            path: reference.path,
            text,
        }))
    }

    fn resolve(&mut self, name: &str, place: &Place) -> Option<FileReference> {
        let (path, repository) = match name.rsplit_once('@') {
            Some((path, "self")) => (path, None),
            Some((path, alias)) => (path, Some(self.alias(alias, place)?)),
            None => (name, place.source.repository.clone()),
        };
        let same = repository == place.source.repository;
        let folder = if path.starts_with('/') || !same {
            ""
        } else {
            place
                .source
                .path
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
        };
        Some(FileReference {
            repository,
            path: joined(folder, path),
        })
    }

    /// The alias of a repository that is declared.
    pub(super) fn alias(&mut self, alias: &str, place: &Place) -> Option<String> {
        let found = self
            .repositories
            .iter()
            .find(|repository| repository.alias.eq_ignore_ascii_case(alias));
        if let Some(found) = found {
            return Some(found.alias.clone());
        }
        let names: Vec<String> = self.repositories.iter().map(|one| one.alias.clone()).collect();
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_REPOSITORY,
            format!("there is no repository `{alias}`"),
        );
        diagnostic.help = Some(match nearest(alias, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "declare it: `resources: {{repositories: [{{repository: {alias}, type: git, name: project/repository}}]}}`"
            ),
        });
        self.report(diagnostic, place);
        None
    }
}

/// A path below a folder, with `.` and `..` resolved.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
