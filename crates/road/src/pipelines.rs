//! Pipelines, the Terraform code that they apply, and the templates that write it.

mod modules;
mod repository;
mod skeleton;
mod written;

use std::rc::Rc;

use pave_diagnostic::{Diagnostic, Diagnostics, Label};
use pave_pipeline::{AppliedDirectory, destroys};

use crate::subject::Subject;
use repository::Repository;
use written::Written;

/// A file: path and text.
pub(crate) type File = (String, String);

/// Whether a file is read as a pipeline.
pub(crate) fn is_pipeline(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.starts_with("azure-pipelines"))
}

/// Whether a file is Terraform's.
pub(crate) fn is_terraform(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "tf")
}

/// Checks all pipelines and Terraform modules, and what templates write for them.
pub(crate) fn check(files: &[File], templates: &[Rc<Subject>]) -> Diagnostics {
    let mut found = modules::check(files);
    let written: Vec<Written> = templates.iter().flat_map(|it| written::of(it, files)).collect();
    let pipelines = files.iter().filter(|(path, _)| is_pipeline(path));
    for (path, text) in pipelines.filter(|(_, text)| !skeleton::has_values(text)) {
        let repository = Repository::of(path, text, files, &written);
        found.extend(repository.findings(files, &written));
        for (written, directory) in repository.applied(&written) {
            found.extend(overwritten(&repository, written, directory));
        }
    }
    found.extend(templates.iter().filter_map(written::shared_branch));
    found
}

/// A template that writes every request to the same directory, which has one state.
fn overwritten(
    repository: &Repository,
    written: &Written,
    directory: &AppliedDirectory,
) -> Option<Diagnostic> {
    let file = written.files.iter().find(|file| file.is_same_each_time())?;
    if !written.varies() || !directory.is_fixed() {
        return None;
    }
    let of_request = |fill: char| -> Vec<File> {
        let files = written.files.iter();
        files
            .map(|file| (file.skeleton.clone(), skeleton::filled(&file.text, fill).text))
            .collect()
    };
    let (first, second) = (of_request('a'), of_request('b'));
    if first == second {
        return None;
    }
    let lost = destroys(&first, &second);
    let what = match lost.as_slice() {
        [] => "the second one takes over what the first one made".to_owned(),
        [one] => format!("the second one destroys `{}` of the first", one.address),
        [one, rest @ ..] => format!(
            "the second one destroys `{}` and {} more of the first",
            one.address,
            rest.len()
        ),
    };
    let mut diagnostic =
        Diagnostic::warning("PV2140", format!("every request writes `{}`: {what}", file.path))
            .with_label(written.subject.value_label(&written.pointer));
    for one in &lost {
        let named = one.diagnostic.labels.first();
        diagnostic
            .labels
            .extend(named.map(|label| label.clone().with_text("each request has its own")));
    }
    let step = repository.in_files(&directory.place);
    let diagnostic = diagnostic
        .with_label(Label::at(step).with_text("applied here, with one state for all requests"))
        .with_help(format!(
            "write to a directory of the request, such as `{}`, and apply the directories that changed",
            written.own_directory()
        ));
    Some(diagnostic.with_effect(if lost.is_empty() {
        "merging the second request changes the resources of the first instead of making its own"
    } else {
        "merging the second request makes Terraform delete the first one's resource with everything in it"
    }))
}
