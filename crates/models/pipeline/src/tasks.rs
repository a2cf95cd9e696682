//! Tasks that steps may name, and what they take.

mod known;
mod versions;

pub use known::{TaskInfo, TaskInput};
pub use versions::version_fits;

use pave_diagnostic::{Diagnostic, nearest};

use crate::source::Place;
use crate::{Action, Checkout, ChosenRun, Shell, codes};
use known::TASKS;

/// The task that a `checkout` step is in an expanded pipeline; nobody writes it by hand.
pub(crate) const CHECKOUT: &str = "6d15af64-176c-496d-b583-fd2ae21d4df4";

/// Every task that runs here.
#[must_use]
pub fn known_tasks() -> &'static [TaskInfo] {
    &TASKS
}

/// A task by name, without regard to case; a publisher's prefix is left out.
#[must_use]
pub fn find_task(name: &str) -> Option<&'static TaskInfo> {
    let name = name.rsplit('.').next().unwrap_or(name);
    TASKS.iter().find(|task| task.name.eq_ignore_ascii_case(name))
}

/// `Name@1` as name and version of a known task.
#[expect(clippy::result_large_err, reason = "made at most once for a step")]
pub(crate) fn split_reference(text: &str) -> Result<(String, u32), Diagnostic> {
    let known = || {
        let names = TASKS
            .iter()
            .map(|task| format!("{}@{}", task.name, task.versions[task.versions.len() - 1]));
        names.collect::<Vec<_>>().join(", ")
    };
    let (name, version) = text.split_once('@').unwrap_or((text, ""));
    if name == CHECKOUT {
        return Ok((name.to_owned(), 1));
    }
    let Some(task) = find_task(name) else {
        let near = nearest(name, TASKS.iter().map(|task| task.name));
        let help = match near.and_then(find_task) {
            Some(task) => format!(
                "did you mean `{}@{}`?",
                task.name,
                task.versions[task.versions.len() - 1]
            ),
            None => format!("known are {}; a script does what any other would", known()),
        };
        return Err(
            Diagnostic::error(codes::UNKNOWN_TASK, format!("there is no task `{name}` here")).with_help(help),
        );
    };
    let major = version.split('.').next().unwrap_or_default().parse::<u32>();
    match major {
        Ok(major) if task.versions.contains(&major) => Ok((task.name.to_owned(), major)),
        _ => {
            let versions: Vec<String> = task
                .versions
                .iter()
                .map(|version| format!("`{}@{version}`", task.name))
                .collect();
            let message = if version.is_empty() {
                format!("task `{name}` needs its major version")
            } else {
                format!("there is no version `{version}` of task `{}` here", task.name)
            };
            Err(Diagnostic::error(codes::UNKNOWN_TASK, message)
                .with_help(format!("write {}", versions.join(" or "))))
        }
    }
}

/// What is wrong with the inputs of a task, with the place where it is more exact than the task's.
pub(crate) fn check_inputs(
    name: &str,
    _major: u32,
    inputs: &[(String, String, Place)],
) -> Vec<(Diagnostic, Option<Place>)> {
    let Some(task) = find_task(name) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, _, place) in inputs {
        if task
            .inputs
            .iter()
            .any(|input| input.name.eq_ignore_ascii_case(key))
        {
            continue;
        }
        let mut diagnostic =
            Diagnostic::warning(codes::TASK_INPUT, format!("task `{name}` has no input `{key}`"));
        diagnostic.help = nearest(key, task.inputs.iter().map(|input| input.name))
            .map(|near| format!("did you mean `{near}`?"));
        found.push((diagnostic, Some(place.clone())));
    }
    let given = |name: &str| {
        inputs
            .iter()
            .any(|(key, value, _)| key.eq_ignore_ascii_case(name) && !value.is_empty())
    };
    let missing = task
        .inputs
        .iter()
        .filter(|input| input.required && !given(input.name));
    found.extend(missing.map(|input| (missing_input(name, input.name), None)));
    found.extend(server_inputs(name, inputs));
    if name == "TerraformTaskV4" {
        let plain: Vec<(String, String)> = inputs
            .iter()
            .map(|(key, value, _)| (key.clone(), value.clone()))
            .collect();
        found.extend(
            crate::terraform::check_inputs(&plain)
                .into_iter()
                .map(|one| (one, None)),
        );
    }
    found
}

/// What is wrong with the inputs of tasks that the server runs.
fn server_inputs(name: &str, inputs: &[(String, String, Place)]) -> Vec<(Diagnostic, Option<Place>)> {
    let get = |names: &[&str]| {
        let found = inputs
            .iter()
            .find(|(key, _, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
        found.filter(|(_, value, _)| !value.is_empty() && !value.contains("$("))
    };
    let given = |names: &[&str]| {
        inputs.iter().any(|(key, value, _)| {
            !value.is_empty() && names.iter().any(|name| key.eq_ignore_ascii_case(name))
        })
    };
    let one_of = |key: &str, values: &[&str]| {
        let (_, value, place) = get(&[key])?;
        let good = values.iter().any(|one| one.eq_ignore_ascii_case(value));
        let message = format!(
            "`{key}` of task `{name}` is one of {}, not `{value}`",
            values.join(", ")
        );
        (!good).then(|| (Diagnostic::error(codes::TASK_INPUT, message), Some(place.clone())))
    };
    match name {
        "ManualValidation" => one_of("onTimeout", &["reject", "resume"]).into_iter().collect(),
        "Delay" => {
            let bad = get(&["delayForMinutes"]).filter(|(_, value, _)| value.trim().parse::<u32>().is_err());
            bad.map(|(_, value, place)| {
                let message = format!("`delayForMinutes` is a whole number, not `{value}`");
                (Diagnostic::error(codes::TASK_INPUT, message), Some(place.clone()))
            })
            .into_iter()
            .collect()
        }
        "InvokeRESTAPI" => {
            let mut found: Vec<_> = one_of("method", &["GET", "POST", "PUT", "PATCH", "DELETE"])
                .into_iter()
                .collect();
            if let Some((_, _, place)) =
                get(&["waitForCompletion"]).filter(|(_, value, _)| value.eq_ignore_ascii_case("true"))
            {
                found.push((
                    Diagnostic::error(
                        codes::TASK_INPUT,
                        "completion by a callback (`waitForCompletion: true`) is not waited for here",
                    )
                    .with_help(
                        "let the service answer when it is done, and write `waitForCompletion: false`",
                    ),
                    Some(place.clone()),
                ));
            }
            if !given(&[
                "connectedServiceName",
                "serviceConnection",
                "genericService",
                "connectedServiceNameARM",
                "azureServiceConnection",
            ]) {
                found.push((missing_input(name, "serviceConnection"), None));
            }
            found
        }
        _ => Vec::new(),
    }
}

pub(crate) fn missing_input(task: &str, input: &str) -> Diagnostic {
    Diagnostic::error(
        codes::TASK_INPUT,
        format!("task `{task}` needs the input `{input}`"),
    )
    .with_help(format!("write `{input}: …` below `inputs`"))
}

/// What a task does; those that have a step of their own become that.
pub(crate) fn action(name: &str, major: u32, inputs: Vec<(String, String)>) -> Action {
    let get = |key: &str| {
        let found = inputs
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let text = |key: &str| get(key).unwrap_or_default();
    let flag = |key: &str| text(key).eq_ignore_ascii_case("true");
    let script = |shell: Shell| Action::Script {
        shell,
        text: script_text(
            &text("targetType"),
            &text("script"),
            &text("filePath"),
            &text("arguments"),
            shell,
        ),
        working_directory: get("workingDirectory"),
        fail_on_stderr: flag("failOnStderr"),
    };
    match name {
        CHECKOUT => Action::Checkout(Checkout {
            repository: get("repository").unwrap_or_else(|| "self".to_owned()),
            clean: flag("clean"),
            fetch_depth: text("fetchDepth").parse().ok(),
            fetch_tags: get("fetchTags").map(|value| value.eq_ignore_ascii_case("true")),
            lfs: flag("lfs"),
            submodules: get("submodules"),
            path: get("path"),
            persist_credentials: flag("persistCredentials"),
            implicit: false,
        }),
        "CmdLine" => script(Shell::Script),
        "Bash" => script(Shell::Bash),
        "PowerShell" => script(if flag("pwsh") {
            Shell::Pwsh
        } else {
            Shell::PowerShell
        }),
        "PublishPipelineArtifact" => Action::Publish {
            path: get("path")
                .or_else(|| get("targetPath"))
                .unwrap_or_else(|| "$(Pipeline.Workspace)".to_owned()),
            artifact: get("artifact")
                .or_else(|| get("artifactName"))
                .unwrap_or_default(),
        },
        "PublishBuildArtifacts" => Action::Publish {
            path: get("PathtoPublish").unwrap_or_else(|| "$(Build.ArtifactStagingDirectory)".to_owned()),
            artifact: get("ArtifactName").unwrap_or_else(|| "drop".to_owned()),
        },
        "DownloadPipelineArtifact" => Action::Download {
            source: get("buildType")
                .or_else(|| get("source"))
                .unwrap_or_else(|| "current".to_owned()),
            run: get("buildType")
                .or_else(|| get("source"))
                .filter(|kind| kind.eq_ignore_ascii_case("specific"))
                .map(|_| chosen_run(&get)),
            artifact: get("artifact")
                .or_else(|| get("artifactName"))
                .unwrap_or_default(),
            path: get("path").or_else(|| get("targetPath")).unwrap_or_default(),
            patterns: get("patterns").or_else(|| get("itemPattern")).unwrap_or_default(),
        },
        _ => Action::Task {
            name: name.to_owned(),
            major,
            inputs,
        },
    }
}

fn chosen_run(get: &dyn Fn(&str) -> Option<String>) -> ChosenRun {
    let first = |names: &[&str]| names.iter().find_map(|name| get(name)).unwrap_or_default();
    let id = first(&["runId", "buildId", "pipelineId"]);
    ChosenRun {
        project: first(&["project"]),
        pipeline: first(&["pipeline", "definition"]),
        version: first(&["runVersion", "buildVersionToDownload"]),
        id,
        branch: first(&["runBranch", "branchName"]),
        tags: first(&["tags"]),
    }
}

/// A script in a file is sourced by bash and called by PowerShell, as the tasks do it; its path counts from the sources,
/// wherever the step works.
fn script_text(target: &str, script: &str, file: &str, arguments: &str, shell: Shell) -> String {
    if target.eq_ignore_ascii_case("inline")
        || (file.is_empty() && !script.is_empty())
        || shell == Shell::Script
    {
        return script.to_owned();
    }
    let whole = if file.starts_with('/') || file.starts_with("$(") {
        file.to_owned()
    } else {
        format!("$(System.DefaultWorkingDirectory)/{file}")
    };
    let quoted = match shell {
        Shell::Pwsh | Shell::PowerShell => whole.replace('\'', "''"),
        Shell::Bash | Shell::Script => whole.replace('\'', "'\\''"),
    };
    let line = format!(". '{quoted}' {arguments}");
    line.trim_end().to_owned()
}
