//! Tasks that steps may name, and what they take.

use pave_diagnostic::{Diagnostic, nearest};

use crate::source::Place;
use crate::{Action, Checkout, Shell, codes};

/// A task that runs here.
#[derive(Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Name without version.
    pub name: &'static str,
    /// Major versions.
    pub versions: &'static [u32],
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Its inputs.
    pub inputs: &'static [TaskInput],
}

/// An input of a task.
#[derive(Debug, PartialEq, Eq)]
pub struct TaskInput {
    /// Name.
    pub name: &'static str,
    /// Whether it must be given, whatever the others are.
    pub required: bool,
    /// Default; empty for none.
    pub default: &'static str,
}

const fn input(name: &'static str, default: &'static str) -> TaskInput {
    TaskInput {
        name,
        required: false,
        default,
    }
}

const fn required(name: &'static str) -> TaskInput {
    TaskInput {
        name,
        required: true,
        default: "",
    }
}

static TASKS: [TaskInfo; 9] = [
    TaskInfo {
        name: "TerraformTaskV4",
        versions: &[4],
        summary: "runs a Terraform command",
        inputs: &[
            input("provider", "azurerm"),
            input("command", "init"),
            input("workingDirectory", "$(System.DefaultWorkingDirectory)"),
            input("commandOptions", ""),
            input("customCommand", ""),
            input("outputTo", "console"),
            input("outputFormat", "default"),
            input("fileName", ""),
            input("publishPlan", ""),
            input("environmentServiceNameAzureRM", ""),
            input("environmentServiceNameAWS", ""),
            input("environmentServiceNameGCP", ""),
            input("environmentServiceNameOCI", ""),
            input("backendServiceArm", ""),
            input("backendAzureRmResourceGroupName", ""),
            input("backendAzureRmStorageAccountName", ""),
            input("backendAzureRmContainerName", ""),
            input("backendAzureRmKey", ""),
            input("backendAzureRmUseEnvironmentVariablesForAuthentication", "false"),
            input("backendAzureRmUseEntraIdForAuthentication", "true"),
            input("backendServiceAWS", ""),
            input("backendAWSBucketName", ""),
            input("backendAWSKey", ""),
            input("backendServiceGCP", ""),
            input("backendGCPBucketName", ""),
            input("backendGCPPrefix", ""),
            input("backendServiceOCI", ""),
            input("backendOCIPar", ""),
            input("backendOCIConfigGenerate", "yes"),
        ],
    },
    TaskInfo {
        name: "TerraformInstaller",
        versions: &[0, 1],
        summary: "puts a Terraform version into PATH",
        inputs: &[input("terraformVersion", "latest")],
    },
    TaskInfo {
        name: "CmdLine",
        versions: &[2],
        summary: "runs lines in the platform's shell",
        inputs: &[
            required("script"),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
        ],
    },
    TaskInfo {
        name: "Bash",
        versions: &[3],
        summary: "runs bash",
        inputs: &[
            input("targetType", "filePath"),
            input("filePath", ""),
            input("arguments", ""),
            input("script", ""),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
            input("bashEnvValue", ""),
        ],
    },
    TaskInfo {
        name: "PowerShell",
        versions: &[2],
        summary: "runs PowerShell, where it is installed",
        inputs: &[
            input("targetType", "filePath"),
            input("filePath", ""),
            input("arguments", ""),
            input("script", ""),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
            input("pwsh", "false"),
            input("errorActionPreference", "stop"),
            input("ignoreLASTEXITCODE", "false"),
        ],
    },
    TaskInfo {
        name: "PublishPipelineArtifact",
        versions: &[0, 1],
        summary: "keeps files of a run",
        inputs: &[
            input("targetPath", "$(Pipeline.Workspace)"),
            input("path", ""),
            input("artifact", ""),
            input("artifactName", ""),
            input("publishLocation", "pipeline"),
        ],
    },
    TaskInfo {
        name: "PublishBuildArtifacts",
        versions: &[1],
        summary: "keeps files of a run",
        inputs: &[
            input("PathtoPublish", "$(Build.ArtifactStagingDirectory)"),
            input("ArtifactName", "drop"),
            input("publishLocation", "Container"),
        ],
    },
    TaskInfo {
        name: "DownloadPipelineArtifact",
        versions: &[2],
        summary: "fetches kept files",
        inputs: &[
            input("buildType", "current"),
            input("source", ""),
            input("artifact", ""),
            input("artifactName", ""),
            input("patterns", ""),
            input("itemPattern", ""),
            input("path", ""),
            input("targetPath", ""),
        ],
    },
    TaskInfo {
        name: "Delay",
        versions: &[1],
        summary: "waits (jobs of the server only)",
        inputs: &[input("delayForMinutes", "0")],
    },
];

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

/// A script in a file is sourced by bash and called by PowerShell, as the tasks do it.
fn script_text(target: &str, script: &str, file: &str, arguments: &str, shell: Shell) -> String {
    if target.eq_ignore_ascii_case("inline")
        || (file.is_empty() && !script.is_empty())
        || shell == Shell::Script
    {
        return script.to_owned();
    }
    let line = format!(". '{}' {arguments}", file.replace('\'', "'\\''"));
    line.trim_end().to_owned()
}
