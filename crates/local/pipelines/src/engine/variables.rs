//! The variables of a job, and which of them are secret.

use std::collections::BTreeMap;

use pave_pipeline::{RuntimeScope, Stage, Variable};

use crate::agent::job::JobVariable;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{JobRun, Run};
use crate::store::{Kind, Stored};
use crate::things::{Definition, VariableGroup};

/// Variables with the values of secrets apart.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) all: Vec<JobVariable>,
    pub(crate) secrets: BTreeMap<String, String>,
    /// Values that make secret whatever holds them.
    hidden: Vec<String>,
    /// Why a group could not be used.
    pub(crate) refused: Vec<String>,
}

impl Variables {
    pub(crate) fn put(&mut self, name: &str, value: &str, secret: bool, read_only: bool) {
        self.all.retain(|it| !it.name.eq_ignore_ascii_case(name));
        self.secrets.retain(|it, _| !it.eq_ignore_ascii_case(name));
        let secret = secret || self.hidden.iter().any(|hidden| value.contains(hidden.as_str()));
        let shown = if secret { String::new() } else { value.to_owned() };
        if secret {
            self.secrets.insert(name.to_owned(), value.to_owned());
        }
        self.all.push(JobVariable {
            name: name.to_owned(),
            value: shown,
            secret,
            read_only,
        });
    }

    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let value = |it: &JobVariable| self.secrets.get(&it.name).unwrap_or(&it.value).clone();
        self.all.iter().map(|it| (it.name.clone(), value(it))).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let found = self.all.iter().find(|it| it.name.eq_ignore_ascii_case(name))?;
        Some(self.secrets.get(&found.name).unwrap_or(&found.value).clone())
    }
}

/// What conditions of a stage and its jobs see.
pub(crate) async fn of_stage(
    pipelines: &Pipelines,
    run: &Run,
    stage: &Stage,
) -> Result<Vec<(String, String)>> {
    let mut variables = of_run(pipelines, run).await?;
    scoped(
        pipelines,
        run,
        &stage.variables,
        &mut variables,
        &RuntimeScope::default(),
    )
    .await?;
    given(pipelines, run, &mut variables).await?;
    Ok(variables.pairs())
}

/// All variables of a job.
pub(crate) async fn of_job(
    pipelines: &Pipelines,
    run: &Run,
    stage: &Stage,
    job: &pave_pipeline::Job,
    leg: &JobRun,
    scope: &RuntimeScope,
    hidden: &[String],
) -> Result<Variables> {
    let mut variables = of_run(pipelines, run).await?;
    variables.hidden = hidden.to_vec();
    scoped(pipelines, run, &stage.variables, &mut variables, scope).await?;
    scoped(pipelines, run, &job.variables, &mut variables, scope).await?;
    for (name, value) in &leg.leg_variables {
        variables.put(name, value, false, false);
    }
    given(pipelines, run, &mut variables).await?;
    of_the_job(pipelines, run, stage, job, leg, &mut variables);
    Ok(variables)
}

async fn of_run(pipelines: &Pipelines, run: &Run) -> Result<Variables> {
    let mut variables = Variables::default();
    predefined(pipelines, run, &mut variables);
    let definition: Option<Stored<Definition>> =
        pipelines.store().thing(Kind::Definition, run.definition).await?;
    if let Some(definition) = definition {
        let secrets = pipelines.unseal(definition.secret.as_deref())?;
        for (name, variable) in &definition.body.variables {
            let value = secrets.get(name).unwrap_or(&variable.value);
            variables.put(name, value, variable.is_secret, false);
        }
    }
    scoped(
        pipelines,
        run,
        &run.plan.variables,
        &mut variables,
        &RuntimeScope::default(),
    )
    .await?;
    Ok(variables)
}

async fn given(pipelines: &Pipelines, run: &Run, variables: &mut Variables) -> Result {
    if run.variables.is_empty() {
        return Ok(());
    }
    let sealed = pipelines
        .store()
        .run(run.id)
        .await?
        .and_then(|(_, sealed)| sealed);
    let secrets = pipelines.unseal(sealed.as_deref())?;
    for variable in &run.variables {
        let value = secrets.get(&variable.name).unwrap_or(&variable.value);
        variables.put(&variable.name, value, variable.secret, false);
    }
    Ok(())
}

async fn scoped(
    pipelines: &Pipelines,
    run: &Run,
    written: &[Variable],
    variables: &mut Variables,
    scope: &RuntimeScope,
) -> Result {
    for variable in written {
        match variable {
            Variable::Value {
                name,
                value,
                read_only,
            } => {
                let scope = RuntimeScope {
                    variables: variables.pairs(),
                    ..scope.clone()
                };
                // What cannot be worked out is empty, as upstream.
                let value = pave_pipeline::runtime_value(value, &scope).unwrap_or_default();
                variables.put(name, &value, false, *read_only);
            }
            Variable::Group { name, .. } => group(pipelines, run, name, variables).await?,
        }
    }
    Ok(())
}

async fn group(pipelines: &Pipelines, run: &Run, name: &str, variables: &mut Variables) -> Result {
    let found: Option<Stored<VariableGroup>> = pipelines
        .store()
        .named(Kind::VariableGroup, run.project.id, name)
        .await?;
    let Some(found) = found else {
        variables.refused.push(format!(
            "Variable group `{name}` was not found in project {}.",
            run.project.name
        ));
        return Ok(());
    };
    if let Err(reason) = pipelines
        .may_use(run, crate::access::Realm::VariableGroups, &found.body.name)
        .await?
    {
        variables
            .refused
            .push(format!("The run may not use variable group `{name}`: {reason}"));
        return Ok(());
    }
    let secrets = pipelines.unseal(found.secret.as_deref())?;
    for (name, variable) in &found.body.variables {
        let value = secrets.get(name).unwrap_or(&variable.value);
        variables.put(name, value, variable.is_secret, false);
    }
    Ok(())
}

fn predefined(pipelines: &Pipelines, run: &Run, variables: &mut Variables) {
    let base = pipelines
        .options()
        .base_url
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    let collection = format!("{base}/{}/", run.project.organization);
    let mut put = |name: &str, value: &str| variables.put(name, value, false, false);
    let organization_branch = run.branch.strip_prefix("refs/heads/").unwrap_or(&run.branch);
    put("System.TeamFoundationCollectionUri", &collection);
    put("System.TeamFoundationServerUri", &collection);
    put("System.CollectionUri", &collection);
    put("System.TeamProject", &run.project.name);
    put("System.TeamProjectId", &run.project.id.to_string());
    put("System.HostType", "build");
    put("System.DefinitionId", &run.definition.to_string());
    put("System.DefinitionName", &run.definition_name);
    put("System.PlanId", &run.plan_id.to_string());
    put("System.TimelineId", &run.plan_id.to_string());
    put("System.Debug", "false");
    put("System.ServerType", "Hosted");
    put("Build.BuildId", &run.id.to_string());
    put("Build.BuildNumber", &run.number);
    put("Build.BuildUri", &format!("vstfs:///Build/Build/{}", run.id));
    put("Build.ContainerId", &run.id.to_string());
    put("Build.DefinitionName", &run.definition_name);
    put("Build.DefinitionVersion", "1");
    put("Build.Reason", &super::queue::capitalized(&run.reason));
    put("Build.QueuedBy", &run.requested_for.display_name);
    put("Build.QueuedById", &run.requested_for.id.to_string());
    put("Build.RequestedFor", &run.requested_for.display_name);
    put("Build.RequestedForEmail", &run.requested_for.email);
    put("Build.RequestedForId", &run.requested_for.id.to_string());
    put("Build.SourceBranch", &run.branch);
    let short = if run.pull_request.is_some() {
        "merge"
    } else {
        organization_branch.rsplit('/').next().unwrap_or("")
    };
    put("Build.SourceBranchName", short);
    put("Build.SourceVersion", &run.version);
    put(
        "Build.SourceVersionMessage",
        run.message.lines().next().unwrap_or_default(),
    );
    put("Build.Repository.Name", &run.repository.name);
    put("Build.Repository.ID", &run.repository.id.to_string());
    put("Build.Repository.Uri", run.repository.url.as_str());
    put("Build.Repository.Provider", "TfsGit");
    put("Build.Repository.Clean", "False");
    if let Some(pull_request) = &run.pull_request {
        put("System.PullRequest.PullRequestId", &pull_request.id.to_string());
        put("System.PullRequest.SourceBranch", &pull_request.source_branch);
        put("System.PullRequest.TargetBranch", &pull_request.target_branch);
        let name = pull_request
            .target_branch
            .strip_prefix("refs/heads/")
            .unwrap_or(&pull_request.target_branch);
        put("System.PullRequest.TargetBranchName", name);
        put("System.PullRequest.SourceCommitId", &pull_request.source_commit);
        put(
            "System.PullRequest.SourceRepositoryURI",
            run.repository.url.as_str(),
        );
    }
}

fn of_the_job(
    pipelines: &Pipelines,
    run: &Run,
    stage: &Stage,
    job: &pave_pipeline::Job,
    leg: &JobRun,
    variables: &mut Variables,
) {
    let workspace = pipelines.workspace(leg.id);
    let at = |name: &str| workspace.join(name).display().to_string();
    let sources = at("s");
    let job_name = if leg.leg.is_empty() { &job.name } else { &leg.leg };
    let attempt = run
        .records
        .iter()
        .find(|it| it.id == leg.id)
        .map_or(1, |it| it.attempt)
        .to_string();
    let workspace_text = workspace.display().to_string();
    let plain = [
        ("System.DefaultWorkingDirectory", sources.as_str()),
        ("System.ArtifactsDirectory", &at("a")),
        ("System.JobId", &leg.id.to_string()),
        ("System.JobName", job_name),
        ("System.JobDisplayName", &leg.display_name),
        ("System.JobAttempt", &attempt),
        ("System.JobIdentifier", &format!("{}.{}", stage.name, job.name)),
        ("System.StageName", &stage.name),
        ("System.StageDisplayName", &stage.display_name),
        ("System.StageAttempt", &attempt),
        ("System.PhaseName", &job.name),
        ("System.OidcRequestUri", &oidc_request(pipelines, run, leg)),
        ("Build.SourcesDirectory", &sources),
        ("Build.Repository.LocalPath", &sources),
        ("Build.ArtifactStagingDirectory", &at("a")),
        ("Build.StagingDirectory", &at("a")),
        ("Build.BinariesDirectory", &at("b")),
        ("Common.TestResultsDirectory", &at("TestResults")),
        ("Pipeline.Workspace", &workspace_text),
        ("Agent.BuildDirectory", &workspace_text),
        ("Agent.HomeDirectory", &workspace_text),
        ("Agent.WorkFolder", &pipelines.work().display().to_string()),
        ("Agent.RootDirectory", &pipelines.work().display().to_string()),
        ("Agent.TempDirectory", &at("_temp")),
        ("Agent.ToolsDirectory", &at("_temp")),
        ("Agent.Id", "1"),
        ("Agent.Name", "Pave"),
        ("Agent.MachineName", "localhost"),
        ("Agent.JobName", &leg.display_name),
        ("Agent.JobStatus", "Succeeded"),
        ("Agent.OS", "Linux"),
        (
            "Agent.OSArchitecture",
            if cfg!(target_arch = "aarch64") {
                "ARM64"
            } else {
                "X64"
            },
        ),
        ("Agent.Version", env!("CARGO_PKG_VERSION")),
    ];
    for (name, value) in plain {
        variables.put(name, value, false, false);
    }
    if let pave_pipeline::JobKind::Deployment {
        environment,
        strategy,
    } = &job.kind
    {
        variables.put("Environment.Name", &environment.name, false, false);
        variables.put(
            "Environment.ResourceName",
            &environment.resource_name,
            false,
            false,
        );
        variables.put("Strategy.Name", strategy, false, false);
    }
}

/// Where a federated token is asked for.
pub(crate) fn oidc_request(pipelines: &Pipelines, run: &Run, job: &JobRun) -> String {
    let base = pipelines
        .options()
        .base_url
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    let (organization, project) = (&run.project.organization, run.project.id);
    format!(
        "{base}/{organization}/{project}/_apis/distributedtask/hubs/build/plans/{}/jobs/{}/oidctoken",
        run.plan_id, job.id
    )
}
