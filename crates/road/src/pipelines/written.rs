//! What the steps of a template write into a repository, and under which paths.

use std::rc::Rc;

use pave_diagnostic::Diagnostic;
use pave_template::repository::RepositoryUrl;
use pave_template::template::{Step, Template};
use serde_json::Value;

use super::repository::folders_above;
use super::{File, is_terraform};
use crate::subject::Subject;

/// Terraform files that a step writes.
pub(super) struct Written {
    /// The template.
    pub(super) subject: Rc<Subject>,
    /// Where the step says where to.
    pub(super) pointer: String,
    /// Name of the repository, where it is written out.
    pub(super) repository: Option<String>,
    /// The files.
    pub(super) files: Vec<WrittenFile>,
    target: String,
    values: Value,
}

/// A file that a step writes.
pub(super) struct WrittenFile {
    /// Path in the repository, with the expressions that stand in it.
    pub(super) path: String,
    /// The file that it is made from.
    pub(super) skeleton: String,
    /// Its text, with placeholders.
    pub(super) text: String,
}

impl WrittenFile {
    /// Whether each request writes the same file.
    pub(super) fn is_same_each_time(&self) -> bool {
        !self.path.contains("${{")
    }
}

impl Written {
    /// Whether requests differ in what they fill in.
    pub(super) fn varies(&self) -> bool {
        self.values.to_string().contains("${{")
    }

    /// The step's target as it could be, with a directory for each request.
    pub(super) fn own_directory(&self) -> String {
        let template = Template::from_entity(&self.subject.value);
        let name = template
            .ok()
            .and_then(|_| crate::template::parameters(&self.subject).into_iter().next());
        let name = name.unwrap_or_else(|| "name".to_owned());
        format!(
            "{}/${{{{ parameters.{name} }}}}",
            self.target.trim_end_matches('/')
        )
    }
}

/// A folder of the workspace that is pushed to a repository.
struct Mount {
    workspace: String,
    inside: String,
    repository: Option<String>,
}

/// What a template's steps write, as far as their skeletons are among the files.
pub(super) fn of(subject: &Rc<Subject>, files: &[File]) -> Vec<Written> {
    let Ok(template) = Template::from_entity(&subject.value) else {
        return Vec::new();
    };
    let mounts: Vec<Mount> = template.steps.iter().filter_map(mount).collect();
    let steps = template.steps.iter().enumerate();
    steps
        .filter_map(|(index, step)| fetched(subject, index, step, &mounts, files))
        .collect()
}

fn text<'a>(step: &'a Step, key: &str) -> &'a str {
    step.input[key].as_str().unwrap_or_default()
}

fn mount(step: &Step) -> Option<Mount> {
    let (workspace, inside) = match step.action.as_str() {
        "azure:repo:clone" | "azure:repository:clone" => ("targetPath", ""),
        "publish:azure" => ("sourcePath", ""),
        action if action.starts_with("publish:") && action.ends_with("pull-request") => {
            ("sourcePath", "targetPath")
        }
        _ => return None,
    };
    let url = [text(step, "remoteUrl"), text(step, "repoUrl")]
        .into_iter()
        .find(|url| !url.is_empty())?;
    let parsed = RepositoryUrl::parse(url).ok().and_then(|url| url.repository);
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    Some(Mount {
        workspace: normal(text(step, workspace)),
        inside: if inside.is_empty() {
            String::new()
        } else {
            normal(text(step, inside))
        },
        repository: parsed.or_else(|| path.rsplit('/').next().map(str::to_owned)),
    })
}

fn fetched(
    subject: &Rc<Subject>,
    index: usize,
    step: &Step,
    mounts: &[Mount],
    files: &[File],
) -> Option<Written> {
    if !matches!(step.action.as_str(), "fetch:template" | "fetch:plain") {
        return None;
    }
    let raw = text(step, "targetPath");
    let target = normal(raw);
    let (mount, inside) = mounts
        .iter()
        .find_map(|mount| Some((mount, below(&target, &mount.workspace)?)))?;
    let folder = skeleton(&subject.path, text(step, "url"), files)?;
    let files: Vec<WrittenFile> = files
        .iter()
        .filter(|(path, _)| is_terraform(path))
        .filter_map(|(path, text)| {
            let relative = path.strip_prefix(&folder)?;
            Some(WrittenFile {
                path: joined(&[&mount.inside, inside, relative]),
                skeleton: path.clone(),
                text: text.clone(),
            })
        })
        .collect();
    (!files.is_empty()).then(|| Written {
        subject: Rc::clone(subject),
        pointer: format!("/spec/steps/{index}/input/targetPath"),
        repository: mount.repository.clone(),
        files,
        target: raw.to_owned(),
        values: step.input["values"].clone(),
    })
}

/// A path without dots and slashes at its ends.
fn normal(path: &str) -> String {
    let parts = path.trim_end_matches('/').split('/');
    parts
        .filter(|part| !part.is_empty() && *part != ".")
        .collect::<Vec<_>>()
        .join("/")
}

fn joined(parts: &[&str]) -> String {
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.copied().collect::<Vec<_>>().join("/")
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() || path == folder {
        return Some(path.strip_prefix(folder).unwrap_or(path));
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// The folder among the files that a URL of a step means, with a slash at its end.
fn skeleton(template: &str, url: &str, files: &[File]) -> Option<String> {
    let has = |folder: &str| {
        files
            .iter()
            .any(|(path, _)| path.starts_with(folder) && is_terraform(path))
    };
    let above = folders_above(template);
    if !url.contains("://") {
        let folder = folders_above(template).next().unwrap_or_default();
        return Some(climbed(folder, url)).filter(|folder| has(folder));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let inside = match address.split_once("/_git/") {
        Some(_) => {
            let path = query.split('&').find_map(|pair| pair.strip_prefix("path="));
            path.unwrap_or_default().replace("%2F", "/").replace("%2f", "/")
        }
        // `…/tree/main/skeleton`: the branch is the next segment.
        None => address.split_once("/tree/")?.1.split_once('/')?.1.to_owned(),
    };
    let inside = normal(&inside);
    let slash = if inside.is_empty() { "" } else { "/" };
    let mut folders = above.map(|root| format!("{root}{inside}{slash}"));
    folders.find(|folder| has(folder))
}

/// A relative path from a folder, which ends in a slash or is empty.
fn climbed(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let rooted = if folder.starts_with('/') { "/" } else { "" };
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let slash = if parts.is_empty() { "" } else { "/" };
    format!("{rooted}{}{slash}", parts.join("/"))
}

/// A branch that every request pushes to, and proposes.
pub(super) fn shared_branch(subject: &Rc<Subject>) -> Option<Diagnostic> {
    let template = Template::from_entity(&subject.value).ok()?;
    let of = |actions: &[&str]| {
        let mut steps = template.steps.iter().enumerate();
        steps.find(|(_, step)| actions.contains(&step.action.as_str()))
    };
    let both = template
        .steps
        .iter()
        .enumerate()
        .find(|(_, step)| step.action.starts_with("publish:") && step.action.ends_with("pull-request"));
    let (index, branch, field) = if let Some((index, step)) = both {
        (index, text(step, "branchName"), "branchName")
    } else {
        let (index, push) = of(&["azure:repo:push", "azure:repository:push"])?;
        of(&["azure:repo:pr", "azure:pr:create"])?;
        let branch = Some(text(push, "branch")).filter(|it| !it.is_empty());
        (index, branch.unwrap_or("scaffolder"), "branch")
    };
    if branch.is_empty() || branch.contains("${{") {
        return None;
    }
    let name = crate::template::parameters(subject).into_iter().next();
    let name = name.unwrap_or_else(|| "name".to_owned());
    let place = format!("/spec/steps/{index}/input/{field}");
    Some(
        Diagnostic::warning("PV2141", format!("every request pushes to the branch `{branch}`"))
            .with_label(subject.value_label(&place))
            .with_help(format!(
                "give each request a branch of its own, such as `request-${{{{ parameters.{name} }}}}`"
            ))
            .with_effect(
                "a second request joins the open pull request of the first, and both are merged together",
            ),
    )
}
