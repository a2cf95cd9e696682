//! Making a run: what is to be built, the plan, the number.

mod number;

use std::collections::BTreeMap;

use pave_auth::Principal;
use pave_devops::AreaError;
use pave_diagnostic::{Diagnostic, Severity};
use pave_pipeline::{KnownVariable, Outcome, Plan};
use serde_json::Value;
use uuid::Uuid;

use super::compile::{Source, compile, resolve};
use super::resources::Asked;
use super::{resources, timeline};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{GivenVariable, Origin, Progress, PullRequestFacts, Run};
use crate::store::Stored;
use crate::things::Definition;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// Full reference name; empty for the default branch.
    pub(crate) branch: String,
    /// Commit; empty for the head of the branch.
    pub(crate) version: String,
    /// Upstream's word.
    pub(crate) reason: String,
    pub(crate) parameters: Vec<(String, Value)>,
    /// Name, value, whether secret.
    pub(crate) variables: Vec<(String, String, bool)>,
    pub(crate) stages_to_skip: Vec<String>,
    /// YAML to use instead of the file; for previews only.
    pub(crate) text: Option<String>,
    pub(crate) pull_request: Option<PullRequestFacts>,
    /// What started it, where that was neither a person nor a push to the pipeline's own repository.
    pub(crate) origin: Option<Origin>,
    /// Versions of `resources.pipelines`, by alias.
    pub(crate) pipelines: Vec<Asked>,
    /// Versions of `resources.repositories`, by alias.
    pub(crate) repositories: Vec<Asked>,
    /// What is written down as built with the run: reference and version.
    pub(crate) note: Option<(String, String)>,
}

/// A wish with everything that follows from it.
pub(crate) struct Prepared {
    pub(crate) branch: String,
    pub(crate) version: String,
    pub(crate) message: String,
    pub(crate) plan: Option<Plan>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) parameters: Vec<pave_pipeline::Parameter>,
}

/// Finds the commit and compiles the file.
pub(crate) async fn prepare(
    pipelines: &Pipelines,
    stored: &Stored<Definition>,
    wish: &Wish,
) -> Result<Prepared> {
    let definition = &stored.body;
    let repositories = &pipelines.options().repositories;
    let repository = repositories
        .repository(None, &definition.repository.id.to_string())
        .await?;
    let repository = repository.unwrap_or_else(|| definition.repository.clone());
    let branch = match wish.branch.as_str() {
        "" => repository.default_branch.clone(),
        full if full.starts_with("refs/") => full.to_owned(),
        short => format!("refs/heads/{short}"),
    };
    let revision = if wish.version.is_empty() {
        &branch
    } else {
        &wish.version
    };
    let Some(commit) = repositories.commit(repository.id, revision).await? else {
        return Err(AreaError::bad_request(format!(
            "TF401175: The version `{revision}` cannot be resolved in repository {}.",
            repository.name
        ))
        .into());
    };
    let source = Source {
        repository: &repository,
        version: &commit.id,
        path: &definition.yaml,
        text: wish.text.clone(),
        parameters: wish.parameters.clone(),
        variables: known(definition, &repository.name, &branch, &commit.id, wish),
        asked: &wish.repositories,
    };
    let compiled = compile(pipelines, &source).await?;
    let message = commit.message.clone();
    let (plan, diagnostics, parameters) = if let Some(compiled) = compiled {
        (compiled.plan, compiled.diagnostics, compiled.parameters)
    } else {
        let short = commit.id.get(..8).unwrap_or(&commit.id);
        let text = format!(
            "`{}` is not in repository `{}` at `{short}`",
            definition.yaml, repository.name
        );
        let missing = Diagnostic::error("PV2250", text)
            .with_help("commit the file, or change its path in the pipeline's definition");
        (None, vec![missing], Vec::new())
    };
    Ok(Prepared {
        branch,
        version: commit.id,
        message,
        plan,
        diagnostics,
        parameters,
    })
}

/// What `${{ }}` may see.
fn known(
    definition: &Definition,
    repository: &str,
    branch: &str,
    version: &str,
    wish: &Wish,
) -> Vec<KnownVariable> {
    let plain = |name: &str, value: &str| KnownVariable {
        name: name.to_owned(),
        value: value.to_owned(),
        secret: false,
    };
    let mut all = vec![
        plain("Build.SourceBranch", branch),
        plain(
            "Build.SourceBranchName",
            branch.rsplit('/').next().unwrap_or(branch),
        ),
        plain("Build.SourceVersion", version),
        plain("Build.Reason", &capitalized(&wish.reason)),
        plain("Build.DefinitionName", &definition.name),
        plain("Build.Repository.Name", repository),
        plain("Build.Repository.Provider", "TfsGit"),
        plain("System.TeamProject", &definition.project.name),
        plain("System.TeamProjectId", &definition.project.id.to_string()),
    ];
    if let Some(pull_request) = &wish.pull_request {
        all.push(plain(
            "System.PullRequest.PullRequestId",
            &pull_request.id.to_string(),
        ));
        all.push(plain(
            "System.PullRequest.SourceBranch",
            &pull_request.source_branch,
        ));
        all.push(plain(
            "System.PullRequest.TargetBranch",
            &pull_request.target_branch,
        ));
    }
    let defined = definition.variables.iter();
    all.extend(defined.map(|(name, it)| KnownVariable {
        name: name.clone(),
        value: it.value.clone(),
        secret: it.is_secret,
    }));
    all.extend(wish.variables.iter().map(|(name, value, secret)| KnownVariable {
        name: name.clone(),
        value: if *secret { String::new() } else { value.clone() },
        secret: *secret,
    }));
    all
}

/// `individualCI` is `IndividualCI` in a variable.
pub(crate) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// Queues a run. Errors in the YAML make a run that failed at once when `keep` says so, else a refusal.
pub(crate) async fn queue(
    pipelines: &Pipelines,
    stored: &Stored<Definition>,
    requester: &Principal,
    wish: Wish,
    keep: bool,
) -> Result<Run> {
    let prepared = prepare(pipelines, stored, &wish).await?;
    add(pipelines, stored, requester, wish, prepared, keep).await
}

/// Adds a run for what was prepared.
pub(crate) async fn add(
    pipelines: &Pipelines,
    stored: &Stored<Definition>,
    requester: &Principal,
    wish: Wish,
    prepared: Prepared,
    keep: bool,
) -> Result<Run> {
    let mut prepared = prepared;
    let mut resolved = Vec::new();
    if let Some(plan) = &mut prepared.plan {
        let (found, problems) = resources::resolve(pipelines, &stored.body, requester, plan, &wish).await?;
        resolved = found;
        prepared.diagnostics.extend(problems);
        fix_repositories(pipelines, &stored.body, plan).await?;
    }
    let fatal = prepared.plan.is_none() || pave_diagnostic::has_errors(&prepared.diagnostics);
    if fatal && !keep {
        return Err(refusal(&prepared.diagnostics).into());
    }
    let plan = prepared.plan.unwrap_or_default();
    if !fatal {
        super::schedule::check_skips(&plan, &wish.stages_to_skip)?;
    }
    let (stages, records) = if fatal {
        (Vec::new(), Vec::new())
    } else {
        timeline::stages(&plan)
    };
    let definition = &stored.body;
    let mut secrets = BTreeMap::new();
    let variables = wish.variables.into_iter().map(|(name, value, secret)| {
        if secret {
            secrets.insert(name.clone(), value);
            return GivenVariable {
                name,
                value: String::new(),
                secret,
            };
        }
        GivenVariable { name, value, secret }
    });
    let variables = variables.collect();
    let note = match wish.note {
        None if matches!(wish.reason.as_str(), "individualCI" | "batchedCI") => {
            Some((prepared.branch.clone(), prepared.version.clone()))
        }
        other => other,
    };
    let mut run = Run {
        id: 0,
        project: definition.project.clone(),
        definition: stored.id,
        definition_name: definition.name.clone(),
        number: String::new(),
        reason: wish.reason,
        requested_for: requester.clone(),
        repository: definition.repository.clone(),
        branch: prepared.branch,
        version: prepared.version,
        road: road_of(&prepared.message),
        message: prepared.message,
        pull_request: wish.pull_request,
        origin: wish.origin,
        pipelines: resolved,
        gates: Vec::new(),
        template_parameters: wish.parameters.into_iter().collect(),
        variables,
        stages_to_skip: wish.stages_to_skip,
        progress: if fatal {
            Progress::Completed
        } else {
            Progress::Pending
        },
        result: fatal.then_some(Outcome::Failed),
        canceled: false,
        queued_at: timeline::now(),
        started_at: None,
        finished_at: fatal.then(timeline::now),
        diagnostics: prepared.diagnostics,
        tags: Vec::new(),
        plan_id: Uuid::new_v4(),
        stages,
        records,
        artifacts: Vec::new(),
        attachments: Vec::new(),
        logs: Vec::new(),
        counters: Vec::new(),
        change: 1,
        plan,
    };
    run.number = number::number(pipelines, &mut run).await?;
    let sealed = pipelines.seal(&secrets)?;
    let run = pipelines.store().add_run(run, sealed, note).await?;
    pipelines.tell(&run);
    if run.progress != Progress::Completed {
        let id = run.id;
        drop(pipelines.activate(run.clone()));
        super::advance_later(&pipelines.shared()?, id);
    }
    Ok(run)
}

/// Fixes the commits of other repositories, so that all jobs of the run see the same.
async fn fix_repositories(pipelines: &Pipelines, definition: &Definition, plan: &mut Plan) -> Result {
    for resource in &mut plan.repositories {
        if let Some((_, reference, version)) = resolve(pipelines, &definition.repository, resource).await? {
            (resource.reference, resource.version) = (reference, version);
        }
    }
    Ok(())
}

/// The refusal that names every error of the YAML with its place.
pub(crate) fn refusal(diagnostics: &[Diagnostic]) -> AreaError {
    let lines = diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .map(in_a_line);
    let all: Vec<String> = lines.collect();
    AreaError::new(
        http::StatusCode::BAD_REQUEST,
        "PipelineValidationException",
        all.join("\n"),
    )
}

/// A finding in one line, as upstream writes it: `/azure-pipelines.yml (Line: 3, Col: 5): …`.
pub(crate) fn in_a_line(found: &Diagnostic) -> String {
    let place = found.labels.first().map_or_else(String::new, |label| {
        let start = label.location.span.start;
        format!(
            "/{} (Line: {}, Col: {}): ",
            label.location.file.trim_start_matches('/'),
            start.line,
            start.column
        )
    });
    let help = found
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!("; {help}"));
    format!("{place}{}: {}{help}", found.code, found.message)
}

/// The road that a commit belongs to: its own trailer, or that of what it merges.
fn road_of(message: &str) -> Option<String> {
    let prefix = format!("{}:", pave_names::annotation::ROAD_TRAILER);
    let value = message
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(&prefix))?;
    value
        .trim()
        .parse::<pave_names::RoadId>()
        .ok()
        .map(|road| road.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_road_stands_in_the_trailer() {
        let id = "0123456789abcdef0123456789abcdef";
        let message = format!("Add x\n\nPave-Road: {id}\n");
        assert_eq!(road_of(&message).as_deref(), Some(id));
        assert_eq!(road_of("Pave-Road: nothing"), None);
    }
}
