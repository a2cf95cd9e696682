//! A pipeline with the repository that it stands in.

use pave_diagnostic::{Diagnostic, Diagnostics, Location};
use pave_pipeline::{AppliedDirectory, CompileRequest, Compiled, Files, applied_directories, warnings};

use super::written::Written;
use super::{File, is_terraform, skeleton};

/// A pipeline, compiled, and where the root of its repository is among the files.
pub(super) struct Repository {
    /// Folder of the root; empty, or with a slash at its end.
    root: String,
    compiled: Compiled,
    directories: Vec<AppliedDirectory>,
}

/// Files below a root.
struct Below<'a> {
    root: &'a str,
    files: &'a [File],
}

impl Files for Below<'_> {
    fn read(&self, alias: Option<&str>, path: &str) -> Option<String> {
        let wanted = format!("{}{path}", self.root);
        let found = self
            .files
            .iter()
            .find(|(path, _)| alias.is_none() && *path == wanted);
        found.map(|(_, text)| text.clone())
    }
}

impl Repository {
    /// Compiles a pipeline. Its folder is taken for the root, unless its templates and modules stand further up.
    pub(super) fn of(path: &str, text: &str, files: &[File], written: &[Written]) -> Self {
        let mut roots = folders_above(path);
        let nearest = roots.next().unwrap_or_default();
        let first = Self::below(nearest, path, text, files);
        if first.fits(files, written) {
            return first;
        }
        let mut others = roots.map(|root| Self::below(root, path, text, files));
        others.find(|other| other.fits(files, written)).unwrap_or(first)
    }

    fn below(root: &str, path: &str, text: &str, files: &[File]) -> Self {
        let compiled = pave_pipeline::compile(&CompileRequest {
            path: &path[root.len()..],
            text,
            files: &Below { root, files },
            parameters: &[],
            variables: &[],
        });
        Self {
            root: root.to_owned(),
            directories: compiled
                .plan
                .as_ref()
                .map(applied_directories)
                .unwrap_or_default(),
            compiled,
        }
    }

    fn fits(&self, files: &[File], written: &[Written]) -> bool {
        let own = self
            .compiled
            .missing_files
            .iter()
            .any(|file| file.repository.is_none());
        let has = |directory: &AppliedDirectory| {
            let is_there = files
                .iter()
                .filter(|(path, _)| is_terraform(path))
                .filter_map(|(path, _)| path.strip_prefix(&self.root))
                .any(|path| directory.covers(folder(path)));
            is_there || written.iter().any(|one| self.is_written(one, directory))
        };
        !own && (self.directories.is_empty() || self.directories.iter().any(has))
    }

    /// What templates write that this pipeline applies.
    pub(super) fn applied<'a>(
        &'a self,
        written: &'a [Written],
    ) -> impl Iterator<Item = (&'a Written, &'a AppliedDirectory)> {
        written.iter().filter_map(|one| {
            let directory = self
                .directories
                .iter()
                .find(|directory| self.is_written(one, directory))?;
            Some((one, directory))
        })
    }

    fn is_written(&self, written: &Written, directory: &AppliedDirectory) -> bool {
        let root = self.root.trim_end_matches('/');
        let name = root.rsplit('/').next().unwrap_or(root);
        let is_here = written.subject.path.starts_with(&self.root)
            || written
                .repository
                .as_deref()
                .is_some_and(|repository| repository == name);
        is_here
            && written
                .files
                .iter()
                .any(|file| directory.covers(folder(&file.path)))
    }

    /// What is wrong with the pipeline, and what it will do other than expected.
    pub(super) fn findings(&self, files: &[File], written: &[Written]) -> Diagnostics {
        let mut modules: Vec<File> = files
            .iter()
            .filter(|(path, _)| is_terraform(path))
            .filter_map(|(path, text)| Some((path.strip_prefix(&self.root)?.to_owned(), text.clone())))
            .collect();
        // What a request would bring is there for the pipeline, though not in the repository.
        let mut brought = Vec::new();
        for file in self.applied(written).flat_map(|(one, _)| &one.files) {
            if modules.iter().all(|(path, _)| *path != file.path) {
                modules.push((file.path.clone(), skeleton::filled(&file.text, 'x').text));
                brought.push((file.path.clone(), file.skeleton.clone()));
            }
        }
        let mut found = self.compiled.diagnostics.clone();
        if let Some(plan) = &self.compiled.plan {
            found.extend(warnings(plan, &modules));
        }
        for finding in &mut found {
            self.place(finding, &brought);
        }
        found
    }

    fn place(&self, finding: &mut Diagnostic, brought: &[File]) {
        for label in &mut finding.labels {
            let known = brought.iter().find(|(path, _)| *path == label.location.file);
            label.location = match known {
                Some((_, skeleton)) => Location {
                    file: skeleton.clone(),
                    span: label.location.span,
                },
                None => self.in_files(&label.location),
            };
        }
        if let Some(fix) = &mut finding.fix {
            fix.file = format!("{}{}", self.root, fix.file);
        }
    }

    /// A place in the repository as a place in the files.
    pub(super) fn in_files(&self, place: &Location) -> Location {
        Location {
            file: format!("{}{}", self.root, place.file),
            span: place.span,
        }
    }
}

/// The folders that a file is in, the nearest first, each with a slash at its end; the root is empty.
pub(super) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at + 1);
    let mut folders: Vec<&str> = ends.map(|end| &path[..end]).collect();
    folders.insert(0, "");
    folders.into_iter().rev()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
