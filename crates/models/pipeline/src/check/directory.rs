//! Which directories of its repository a pipeline runs Terraform in.

use pave_diagnostic::Location;

use super::Terraform;
use crate::{Job, Plan, Stage, Step, Variable, expand_macros, is_runtime_expression};

/// What stands for the root of the repository in a path.
const ROOTS: [&str; 4] = [
    "$(System.DefaultWorkingDirectory)",
    "$(Build.SourcesDirectory)",
    "$(Build.Repository.LocalPath)",
    "$(Pipeline.Workspace)/s",
];
/// Variables that name variables are followed this far.
const DEPTH: usize = 5;

/// A directory that a pipeline applies, with a state of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedDirectory {
    /// Path in the repository; what is known only when it runs stands there as `$(variable)`.
    pub path: String,
    /// The step that applies it.
    pub place: Location,
}

impl AppliedDirectory {
    /// Whether a folder of the repository is such a directory.
    #[must_use]
    pub fn covers(&self, folder: &str) -> bool {
        covers(&self.path, folder)
    }

    /// Whether it is the same one in each run.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        !self.path.contains("$(")
    }
}

/// The directories that a pipeline applies with Terraform, each once.
#[must_use]
pub fn applied_directories(plan: &Plan) -> Vec<AppliedDirectory> {
    let mut found: Vec<AppliedDirectory> = Vec::new();
    for (stage, job) in jobs(plan) {
        for step in terraform_steps(plan, stage, job) {
            if step.command == "apply" && found.iter().all(|one| one.path != step.directory) {
                found.push(AppliedDirectory {
                    path: step.directory,
                    place: step.step.place.clone(),
                });
            }
        }
    }
    found
}

pub(super) fn jobs(plan: &Plan) -> impl Iterator<Item = (&Stage, &Job)> {
    let stages = plan.stages.iter();
    stages.flat_map(|stage| stage.jobs.iter().map(move |job| (stage, job)))
}

/// The Terraform steps of a job.
pub(super) fn terraform_steps<'a>(plan: &'a Plan, stage: &'a Stage, job: &'a Job) -> Vec<Terraform<'a>> {
    let variables = [&plan.variables, &stage.variables, &job.variables];
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .flat_map(|list| list.iter())
        .filter_map(value)
        .collect();
    let steps = job.steps.iter();
    steps.filter_map(|step| Terraform::of(step, &variables)).collect()
}

fn value(variable: &Variable) -> Option<(&str, &str)> {
    match variable {
        Variable::Value { name, value, .. } if !is_runtime_expression(value) => Some((name, value)),
        _ => None,
    }
}

/// The working directory of a step, as a path in the repository.
pub(super) fn in_repository(step: &Step, written: &str, variables: &[(&str, &str)]) -> String {
    let known = |name: &str| {
        let own = step.env.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let set = variables
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        set.map(|(_, value)| (*value).to_owned())
            .filter(|_| own.is_none())
    };
    let mut path = written.to_owned();
    for _ in 0..DEPTH {
        path = expand_macros(&path, &known);
    }
    let inside = ROOTS
        .iter()
        .find_map(|root| path.strip_prefix(root))
        .unwrap_or(&path);
    inside.trim_start_matches("./").trim_matches('/').to_owned()
}

/// Whether a path with `$(variables)` may be this folder.
pub(super) fn covers(path: &str, folder: &str) -> bool {
    let folder = folder.trim_matches('/');
    let (mut left, mut right) = (path.split('/'), folder.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if pattern == segment || pattern.contains("$(") => {}
            _ => return false,
        }
    }
}
