//! What works on paper but does something else than its author expects.

mod directory;
mod merge;

use std::collections::BTreeMap;

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location};
use serde_json::Value;

use crate::hcl::{Resource, TerraformModule, read_terraform};
use crate::{Action, Job, Plan, Step, Trigger, codes};

pub use directory::{AppliedDirectory, applied_directories};
pub use merge::merge_findings;

/// What will happen to a pipeline that runs Terraform, here and on the real service.
///
/// `files` are the repository's Terraform files with their paths.
#[must_use]
pub fn warnings(plan: &Plan, files: &[(String, String)]) -> Diagnostics {
    let mut out = Vec::new();
    let mut applies = false;
    for (stage, job) in directory::jobs(plan) {
        let steps = directory::terraform_steps(plan, stage, job);
        installer(job, &steps, &mut out);
        for step in &steps {
            if step.command == "init" {
                backend(step, files, &mut out);
            }
            if matches!(step.command, "apply" | "destroy") {
                applies = true;
                saved_plan(step, &steps, &mut out);
            }
        }
    }
    if applies {
        path_filter(plan, &mut out);
    }
    out
}

/// A Terraform step.
struct Terraform<'a> {
    step: &'a Step,
    command: &'a str,
    /// The working directory in the repository; what is known only when it runs stands there as `$(variable)`.
    directory: String,
    inputs: &'a [(String, String)],
}

impl<'s> Terraform<'s> {
    fn input(&self, name: &str) -> &'s str {
        let found = self
            .inputs
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    fn of<'a>(step: &'a Step, variables: &[(&str, &str)]) -> Option<Terraform<'a>> {
        let Action::Task { name, inputs, .. } = &step.action else {
            return None;
        };
        if name != "TerraformTaskV4" || !step.enabled {
            return None;
        }
        let mut found = Terraform {
            step,
            command: "",
            directory: String::new(),
            inputs,
        };
        found.command = Some(found.input("command"))
            .filter(|it| !it.is_empty())
            .unwrap_or("init");
        found.directory = directory::in_repository(step, found.input("workingDirectory"), variables);
        Some(found)
    }
}

/// Ubuntu 24.04 images have no Terraform, and `ubuntu-latest` has meant them since early 2025.
fn installer(job: &Job, steps: &[Terraform], out: &mut Diagnostics) {
    let Some(first) = steps.first() else { return };
    let bare = matches!(
        job.pool.vm_image.as_deref(),
        Some("ubuntu-latest" | "ubuntu-24.04")
    );
    let installs = job.steps.iter().any(|step| match &step.action {
        Action::Task { name, .. } => name == "TerraformInstaller",
        Action::Script { text, .. } => text.contains("terraform") && text.contains("install"),
        _ => false,
    });
    if bare && !installs {
        out.push(
            Diagnostic::warning(codes::NO_INSTALLER, "nothing installs Terraform in this job")
                .with_label(Label::at(first.step.place.clone()))
                .with_help("put `- task: TerraformInstaller@1` before it")
                .with_effect("it runs here; on Azure DevOps the image of `ubuntu-latest` has no Terraform, and the step fails"),
        );
    }
}

fn backend(step: &Terraform, files: &[(String, String)], out: &mut Diagnostics) {
    let mut modules: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for (path, text) in files {
        let path = path.trim_start_matches('/');
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if directory::covers(&step.directory, folder) {
            modules
                .entry(folder)
                .or_default()
                .push((path.to_owned(), text.clone()));
        }
    }
    let read = modules.values().map(|files| read_terraform(files));
    let Some(module) = read.into_iter().find(|module| module.backend.is_none()) else {
        return;
    };
    let directory = &step.directory;
    let mut diagnostic = Diagnostic::warning(
        codes::NO_BACKEND,
        format!("`{directory}` declares no backend, so the settings of `init` are not used"),
    )
    .with_label(Label::at(step.step.place.clone()))
    .with_help("write `terraform { backend \"azurerm\" {} }` into it")
    .with_effect(
        "here the state is kept for each pipeline and directory; on Azure DevOps it dies with the agent, and the second run fails with \"already exists\"",
    );
    if let Some(first) = module.resources.first() {
        diagnostic =
            diagnostic.with_label(Label::at(first.place.clone()).with_text("what the state would remember"));
    }
    out.push(diagnostic);
}

fn saved_plan(step: &Terraform, steps: &[Terraform], out: &mut Diagnostics) {
    let options = step.input("commandOptions");
    let applies_file = options
        .split_whitespace()
        .any(|word| !word.starts_with('-') && !word.contains('='));
    if step.command != "apply" || applies_file {
        return;
    }
    let plan = steps.iter().find(|one| one.command == "plan");
    let mut diagnostic = Diagnostic::info(
        codes::NO_SAVED_PLAN,
        "what is applied is not the plan that was shown",
    )
    .with_label(Label::at(step.step.place.clone()))
    .with_help("give plan `commandOptions: -out=tfplan` and apply `commandOptions: tfplan`")
    .with_effect("apply plans again; what changed in between is applied unseen");
    if let Some(plan) = plan {
        diagnostic = diagnostic.with_label(Label::at(plan.step.place.clone()).with_text("planned here"));
    }
    out.push(diagnostic);
}

fn path_filter(plan: &Plan, out: &mut Diagnostics) {
    let unfiltered = match &plan.trigger {
        Trigger::Default => Some("any branch"),
        Trigger::Filtered { paths, .. } if paths.is_empty() => Some("its branches"),
        _ => None,
    };
    let place = plan.stages.first().map(|stage| stage.place.clone());
    if let (Some(branches), Some(place)) = (unfiltered, place) {
        let start = Location::new(place.file, 1, 1);
        out.push(
            Diagnostic::info(
                codes::NO_PATH_FILTER,
                format!("every push to {branches} applies, whatever it changes"),
            )
            .with_label(Label::at(start))
            .with_help(
                "write `trigger: {branches: {include: [main]}, paths: {include: [terraform/changed]}}`",
            )
            .with_effect("a change of a text file runs Terraform too"),
        );
    }
}

/// A resource that would go.
#[derive(Clone, Debug, PartialEq)]
pub struct Destroyed {
    /// Address.
    pub address: String,
    /// What the resource is called in Azure, where that is written out.
    pub name: String,
    /// What it would be called afterwards; `None`: it goes without another in its place.
    pub becomes: Option<String>,
    /// The finding, for showing before the change is merged.
    pub diagnostic: Diagnostic,
}

/// Arguments that cannot change while a resource lives.
const FIXED: [&str; 3] = ["name", "location", "resource_group_name"];

/// What a change of a directory's files destroys when the same state is applied to both, as far as the text shows it.
#[must_use]
pub fn destroys(before: &[(String, String)], after: &[(String, String)]) -> Vec<Destroyed> {
    let (before, after) = (read_terraform(before), read_terraform(after));
    before
        .resources
        .iter()
        .filter_map(|old| destroyed(old, &after))
        .collect()
}

fn destroyed(old: &Resource, after: &TerraformModule) -> Option<Destroyed> {
    let address = old.address();
    let moved = after.moved.iter().find(|(from, _)| *from == address);
    let wanted = moved.map_or(&address, |(_, to)| to);
    let name = text(old.get("name"));
    let Some(new) = after.resources.iter().find(|one| one.address() == *wanted) else {
        let diagnostic = Diagnostic::warning(
            codes::DESTROYS,
            format!("`{address}`{} would be destroyed", called(&name)),
        )
        .with_label(Label::at(old.place.clone()).with_text("no longer there"))
        .with_help("merge it if that is what you want; otherwise leave the block, and give each request a directory and a state of its own")
        .with_effect("Terraform deletes it with everything in it");
        return Some(Destroyed {
            address,
            name,
            becomes: None,
            diagnostic,
        });
    };
    let changed = FIXED.iter().find(|argument| {
        let (old, new) = (old.get(argument), new.get(argument));
        old.is_some() && new.is_some() && old != new
    })?;
    let (from, to) = (text(old.get(changed)), text(new.get(changed)));
    let argument = new.attributes.iter().find(|one| one.path == **changed);
    let place = argument.map_or_else(|| new.place.clone(), |one| one.value_place.clone());
    let diagnostic = Diagnostic::warning(
        codes::DESTROYS,
        format!(
            "`{address}`{} would be destroyed: `{changed}` cannot change from `{from}` to `{to}`",
            called(&name)
        ),
    )
    .with_label(Label::at(place))
    .with_help("give each request a directory and a state of its own")
    .with_effect("Terraform deletes it with everything in it, then makes the new one");
    Some(Destroyed {
        address,
        becomes: Some(text(new.get("name"))),
        name,
        diagnostic,
    })
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn called(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" (`{name}`)")
    }
}

#[cfg(test)]
mod tests;
