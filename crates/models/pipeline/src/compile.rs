//! From text to plan.
//!
//! Expressions, templates and names are worked out in one walk, from the outside in, since what a variable or a loop
//! means depends on where it stands. [`expand`] knows expressions and directives, [`fields`] reads one mapping, and
//! each other module reads one kind of thing.

mod containers;
mod expand;
mod fields;
mod final_yaml;
mod graph;
mod jobs;
mod names;
mod parameters;
mod pipeline;
mod resources;
mod runtime_checks;
mod scope;
mod stages;
mod steps;
mod strategy;
mod targets;
mod templates;
mod triggers;
mod variables;

use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Diagnostics, has_errors};
use pave_yaml::Dialect;

use crate::source::{Place, Source};
use crate::tree::Tree;
use crate::{CompileRequest, Compiled, FileReference, Files, Plan, RepositoryResource, codes};

pub(crate) use scope::CompileScope;

/// Works out what a pipeline file means.
#[must_use]
pub fn compile(request: &CompileRequest) -> Compiled {
    let source = Rc::new(Source {
        name: request.path.trim_start_matches('/').to_owned(),
        repository: None,
        path: request.path.trim_start_matches('/').to_owned(),
        text: request.text.to_owned(),
    });
    let mut compiler = Compiler {
        files: request.files,
        main: Rc::clone(&source),
        diagnostics: Vec::new(),
        repositories: Vec::new(),
        missing: Vec::new(),
        used: Vec::new(),
        nodes: 0,
    };
    let mut outcome = Compiled::default();
    let plan = compiler
        .read(&source)
        .and_then(|tree| compiler.whole(&tree, request, &mut outcome.parameters));
    outcome.plan = plan.filter(|_| !has_errors(&compiler.diagnostics));
    // As a person reads the file: from the top, templates after it.
    compiler.diagnostics.sort_by_key(|diagnostic| {
        let at = diagnostic.labels.first().map(|label| &label.location);
        at.map(|at| {
            (
                at.file != compiler.main.name,
                at.file.clone(),
                at.span.start.line,
                at.span.start.column,
            )
        })
    });
    outcome.diagnostics = compiler.diagnostics;
    outcome.repositories = compiler.repositories;
    outcome.missing_files = compiler.missing;
    outcome.used_files = compiler.used;
    outcome
}

/// What one compilation gathers.
struct Compiler<'a> {
    files: &'a dyn Files,
    /// The file that was asked for.
    main: Rc<Source>,
    diagnostics: Diagnostics,
    repositories: Vec<RepositoryResource>,
    missing: Vec<FileReference>,
    used: Vec<FileReference>,
    /// How much was made so far, against files that grow without end.
    nodes: usize,
}

impl Compiler<'_> {
    /// Reads a text as one YAML document.
    ///
    /// Upstream takes every scalar as a string and decides by the place what it means, so the dialect matters only for
    /// what counts as nothing.
    fn read(&mut self, source: &Rc<Source>) -> Option<Tree> {
        let (documents, diagnostics) = pave_yaml::parse(&source.name, &source.text, Dialect::Backstage);
        let broken = has_errors(&diagnostics);
        self.diagnostics.extend(diagnostics);
        let place = Place {
            source: Rc::clone(source),
            span: pave_diagnostic::Span::default(),
        };
        match documents.as_slice() {
            [] if broken => None,
            [] => {
                self.report(Diagnostic::error(codes::STRUCTURE, "the file is empty"), &place);
                None
            }
            [document, rest @ ..] => {
                if let Some(second) = rest.first() {
                    let tree = Tree::from_yaml(&second.root, source);
                    self.report(
                        Diagnostic::error(codes::STRUCTURE, "a pipeline file holds one document")
                            .with_help("remove the `---` and what follows"),
                        &tree.place,
                    );
                }
                Some(Tree::from_yaml(&document.root, source))
            }
        }
    }

    fn report(&mut self, diagnostic: Diagnostic, place: &Place) {
        let mut diagnostic = diagnostic;
        let mut label = place.label();
        label.location.span.start.line = label.location.span.start.line.max(1);
        label.location.span.start.column = label.location.span.start.column.max(1);
        diagnostic.labels.insert(0, label);
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reads the pipeline and finishes the plan.
    fn whole(
        &mut self,
        tree: &Tree,
        request: &CompileRequest,
        parameters: &mut Vec<crate::Parameter>,
    ) -> Option<Plan> {
        let mut plan = self.pipeline(tree, request, parameters)?;
        containers::resolve(&mut plan);
        self.check_graph(&plan);
        self.check_targets(&plan);
        self.check_runtime(&plan);
        plan.repositories.clone_from(&self.repositories);
        plan.final_yaml = final_yaml::write(&plan);
        Some(plan)
    }
}

#[cfg(test)]
mod tests;
