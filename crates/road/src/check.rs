//! The check of a whole road.

use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Diagnostics, Fix, Label, Location, Position, Span};
use pave_template::action::ActionSpec;
use pave_yaml::Dialect;

use crate::managed::{Managed, Model, unknown_kind};
use crate::reindent::reindent;
use crate::subject::{Origin, Subject, Text, position_at};
use crate::world::{What, World};
use crate::{claim, composition, definition, gitops, pipelines, template};

/// What a check may be told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Actions that templates may use, besides upstream's.
    pub actions: Vec<ActionSpec>,
}

/// Type-checks a road: all files at once, as `(path, text)`.
///
/// Documents that belong to no road are left alone. Findings come in the order of files and lines; each names the
/// place, the schema that says otherwise, what follows further down, and what to change.
#[must_use]
pub fn check(files: &[(String, String)], options: &Options) -> Diagnostics {
    let mut checker = Checker::default();
    for (path, text) in files {
        if !pipelines::is_pipeline(path) && !pipelines::is_terraform(path) {
            checker.load(path, text);
        }
    }
    checker.render();
    checker.run(options);
    checker.pipelines(files);
    checker.finish(files)
}

#[derive(Default)]
struct Checker {
    world: World,
    texts: Vec<Rc<Text>>,
    diagnostics: Diagnostics,
}

impl Checker {
    fn load(&mut self, path: &str, content: &str) {
        if is_skeleton(content) {
            return;
        }
        let text = match reindent(content) {
            None => Text {
                id: path.to_owned(),
                content: content.to_owned(),
                origin: Origin::File,
            },
            Some(restored) => {
                self.diagnostics.push(lost(
                    path,
                    content,
                    &restored.text,
                    &restored.kinds,
                    restored.line,
                ));
                let origin = Origin::Reindented {
                    file: path.to_owned(),
                    added: restored.added,
                };
                Text {
                    id: format!("{path}#restored"),
                    content: restored.text,
                    origin,
                }
            }
        };
        let text = Rc::new(text);
        let backstage = text.content.contains("backstage.io/v");
        let dialect = if backstage {
            Dialect::Backstage
        } else {
            Dialect::Kubernetes
        };
        let (documents, problems) = pave_yaml::parse(&text.id, &text.content, dialect);
        self.diagnostics.extend(problems);
        self.world.add(documents.into_iter().map(|document| {
            let value = document.to_value();
            Subject {
                document,
                text: Rc::clone(&text),
                value,
                path: path.to_owned(),
                pieces: Vec::new(),
            }
        }));
        if backstage {
            self.entities(&text);
        }
        self.texts.push(text);
    }

    /// What the catalog would say about the entities of a file.
    fn entities(&mut self, text: &Rc<Text>) {
        let of_file: Vec<&Rc<Subject>> = self
            .world
            .subjects
            .iter()
            .filter(|it| it.text.id == text.id)
            .collect();
        let is_entity = |line: usize| {
            let holder = of_file
                .iter()
                .rev()
                .find(|it| it.document.root.span.start.line <= line);
            holder.is_some_and(|it| matches!(self.world.what(it), What::Entity | What::Template))
        };
        let (_, findings) = pave_entity::parse_entities(&text.id, &text.content);
        let mine = findings.into_iter().filter(|it| it.code.starts_with("PV16"));
        let mine = mine.filter(|it| {
            it.labels
                .first()
                .is_some_and(|label| is_entity(label.location.span.start.line))
        });
        self.diagnostics.extend(mine);
    }

    fn templates(&self) -> Vec<Rc<Subject>> {
        let subjects = self.world.subjects.iter();
        subjects
            .filter(|it| self.world.what(it) == What::Template)
            .cloned()
            .collect()
    }

    /// What pipelines would do with what templates write.
    fn pipelines(&mut self, files: &[(String, String)]) {
        let found = pipelines::check(files, &self.templates());
        self.diagnostics.extend(found);
    }

    /// Adds what templates would write.
    fn render(&mut self) {
        for subject in self.templates() {
            let (rendered, problems) = template::render(&subject);
            self.diagnostics.extend(problems);
            for subject in rendered {
                if self.texts.iter().all(|text| text.id != subject.text.id) {
                    self.texts.push(Rc::clone(&subject.text));
                }
                self.world.add([subject]);
            }
        }
    }

    fn run(&mut self, options: &Options) {
        let mut found = Vec::new();
        for subject in &self.world.subjects {
            found.extend(self.subject(subject, options));
        }
        self.diagnostics.extend(found);
    }

    fn subject(&self, subject: &Rc<Subject>, options: &Options) -> Diagnostics {
        let world = &self.world;
        match world.what(subject) {
            What::Template => template::check(subject, &options.actions),
            What::Entity => Vec::new(),
            What::Definition => match world
                .definitions
                .iter()
                .find(|it| Rc::ptr_eq(&it.subject, subject))
            {
                Some(defined) => definition::check(world, defined),
                None => definition::model(subject),
            },
            What::Composition => match world
                .compositions
                .iter()
                .find(|it| Rc::ptr_eq(&it.subject, subject))
            {
                Some(composed) => composition::check(world, composed),
                None => Vec::new(),
            },
            What::Claim(index) => {
                let defined = &world.definitions[index];
                let mut found = claim::check(world, subject, defined, true);
                found.extend(template::check_form(world, subject, defined));
                found
            }
            What::Composite(index) => claim::check(world, subject, &world.definitions[index], false),
            What::Other => self.other(subject),
        }
    }

    fn other(&self, subject: &Subject) -> Diagnostics {
        if let Some(model) = Model::of(&subject.gvk()) {
            return Managed {
                subject,
                base: String::new(),
                filled: Vec::new(),
                model,
            }
            .check();
        }
        let mut found = gitops::check(&self.world, subject);
        let gvk = subject.gvk();
        if gvk.group.ends_with("azure.upbound.io") || gvk.group.ends_with("azure.crossplane.io") {
            found.extend(unknown_kind(subject, ""));
        }
        found.extend(undefined(&self.world, subject));
        found
    }

    /// Brings all places back to the files, in the order in which people read.
    fn finish(mut self, files: &[(String, String)]) -> Diagnostics {
        for diagnostic in &mut self.diagnostics {
            for text in &self.texts {
                text.resolve(diagnostic);
            }
        }
        let order = |file: &str| {
            files
                .iter()
                .position(|(path, _)| path == file)
                .unwrap_or(usize::MAX)
        };
        self.diagnostics.sort_by_key(|diagnostic| {
            let place = diagnostic.labels.first().map(|label| {
                let start = label.location.span.start;
                (order(&label.location.file), start.line, start.column)
            });
            (place.unwrap_or_default(), diagnostic.code.clone())
        });
        self.diagnostics.dedup();
        self.diagnostics
    }
}

/// A kind in the group of an XRD that no XRD defines.
fn undefined(world: &World, subject: &Subject) -> Option<Diagnostic> {
    let gvk = subject.gvk();
    let kinds: Vec<&str> = world
        .definitions
        .iter()
        .filter(|it| it.definition.group == gvk.group)
        .flat_map(|it| std::iter::once(&it.definition.names).chain(&it.definition.claim_names))
        .map(|names| names.kind.as_str())
        .collect();
    if kinds.is_empty() {
        return None;
    }
    let near = pave_diagnostic::nearest(&gvk.kind, kinds.iter().copied());
    let help = near.map_or_else(
        || format!("defined are {}", crate::against::quoted(&kinds)),
        |near| format!("did you mean `{near}`?"),
    );
    let diagnostic = Diagnostic::error(
        "PV2130",
        format!("no XRD of `{}` defines the kind `{}`", gvk.group, gvk.kind),
    )
    .with_label(subject.value_label("/kind"))
    .with_help(help)
    .with_effect("the API server knows no such kind");
    let fix = near.and_then(|near| {
        crate::edit::Edits::of(subject)
            .replace("/kind", near)
            .fix(format!("write `{near}`"))
    });
    Some(crate::edit::offer(diagnostic, fix))
}

/// Files of a template's skeleton, or of a chart, are no manifests before they are rendered.
fn is_skeleton(content: &str) -> bool {
    let marks = ["${{", "{%", "{{-", "{{ .", "{{ include", "{{."];
    let expressions = marks.iter().any(|mark| content.contains(mark));
    expressions && !content.lines().any(|line| line.trim_end() == "kind: Template")
}

/// The finding about a text that has lost its indentation.
fn lost(file: &str, old: &str, new: &str, kinds: &[String], line: usize) -> Diagnostic {
    let kinds = crate::against::quoted(kinds);
    let end = position_at(old, old.len());
    let span = Span {
        start: Position {
            line: 1,
            column: 1,
            offset: 0,
        },
        end,
    };
    Diagnostic::error(
        "PV2101",
        format!("the indentation of this {kinds} is lost: every line stands in column 1"),
    )
    .with_label(Label::at(Location::new(file, line, 1)))
    .with_help("restore it; what the kind must look like says where each line belongs")
    .with_effect(
        "YAML nests by indentation: `metadata` and `spec` are empty, and their fields stand at the root",
    )
    .with_fix(Fix {
        title: "restore the indentation".to_owned(),
        file: file.to_owned(),
        span,
        replacement: new.to_owned(),
    })
}
