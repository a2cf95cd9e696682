//! The variables of a job, and which of them are secret.

mod counters;

use std::collections::BTreeMap;

use pave_pipeline::{Facts, JobKind, PullRequestFacts, RuntimeScope, Stage, Variable, predefined};

pub(crate) use counters::{count, for_number, worked_out};

use crate::agent::job::JobVariable;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{JobRun, Run};
use crate::store::{Kind, Stored};
use crate::things::{Definition, Environment, VariableGroup};

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
    Ok(shown(pipelines, run, stage).await?.0)
}

/// [`of_stage`], with the names of those that are secret.
pub(crate) async fn shown(
    pipelines: &Pipelines,
    run: &Run,
    stage: &Stage,
) -> Result<(Vec<(String, String)>, Vec<String>)> {
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
    let secrets = variables.secrets.keys().cloned().collect();
    Ok((variables.pairs(), secrets))
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
    let mut facts = facts(pipelines, run, Some(leg));
    if !facts.environment.0.is_empty() {
        let found = pipelines
            .store()
            .named::<Environment>(Kind::Environment, run.project.id, &facts.environment.0)
            .await?;
        facts.environment.1 = found.map(|it| it.id.to_string()).unwrap_or_default();
    }
    // What was given or set counts for the run's own; of the job the facts do.
    let of_run = predefined(&self::facts(pipelines, run, None));
    for variable in predefined(&facts) {
        if !of_run.contains(&variable) {
            variables.put(variable.name, &variable.value, variable.secret, false);
        }
    }
    Ok(variables)
}

async fn of_run(pipelines: &Pipelines, run: &Run) -> Result<Variables> {
    let mut variables = Variables::default();
    for variable in predefined(&facts(pipelines, run, None)) {
        variables.put(variable.name, &variable.value, variable.secret, false);
    }
    for (name, value) in super::resources::variables(run) {
        variables.put(&name, &value, false, false);
    }
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
                    counter: Some(counters::of_run(run)),
                    start_time: started(run),
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
    let id = found.id.to_string();
    let permitted = super::checks::permits(pipelines, run, "variablegroup", &id).await? == Some(true);
    if !permitted
        && let Err(reason) = pipelines
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

/// When the run started, for `pipeline.startTime`.
fn started(run: &Run) -> Option<jiff::civil::DateTime> {
    let at: jiff::Timestamp = run.started_at.as_ref().unwrap_or(&run.queued_at).parse().ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).datetime())
}

/// What is known of a run, and of one of its jobs.
pub(crate) fn facts(pipelines: &Pipelines, run: &Run, job: Option<&JobRun>) -> Facts {
    let base = pipelines.options().base_url.as_str().trim_end_matches('/');
    let person = &run.requested_for;
    let facts = Facts {
        collection_uri: format!("{base}/{}/", run.project.organization),
        project: (run.project.name.clone(), run.project.id.to_string()),
        definition: (run.definition.to_string(), run.definition_name.clone()),
        build_id: run.id.to_string(),
        build_number: run.number.clone(),
        reason: super::queue::capitalized(&run.reason),
        requested_for: (
            person.display_name.clone(),
            person.id.to_string(),
            person.email.clone(),
        ),
        queued_by: (person.display_name.clone(), person.id.to_string()),
        source_branch: run.branch.clone(),
        source_version: run.version.clone(),
        source_version_message: run.message.clone(),
        repository: (
            run.repository.name.clone(),
            run.repository.id.to_string(),
            run.repository.url.to_string(),
        ),
        pull_request: run.pull_request.as_ref().map(|it| PullRequestFacts {
            id: it.id.to_string(),
            source_branch: it.source_branch.clone(),
            target_branch: it.target_branch.clone(),
            source_commit: it.source_commit.clone(),
        }),
        plan_id: run.plan_id.to_string(),
        ..Facts::default()
    };
    match job {
        Some(job) => of_the_job(pipelines, run, job, facts),
        None => facts,
    }
}

fn of_the_job(pipelines: &Pipelines, run: &Run, leg: &JobRun, facts: Facts) -> Facts {
    let stage = run
        .job(leg.id)
        .map(|(stage, _)| stage.name.clone())
        .unwrap_or_default();
    let planned = run.plan.stages.iter().find(|it| it.name == stage);
    let job = planned.and_then(|it| it.jobs.iter().find(|job| job.name == leg.name));
    let attempt = run
        .records
        .iter()
        .find(|it| it.id == leg.id)
        .map_or(1, |it| it.attempt);
    let workspace = pipelines.workspace(leg.id).display().to_string();
    let temporary = format!("{workspace}/_temp");
    let environment = match job.map(|job| &job.kind) {
        Some(JobKind::Deployment { environment, .. }) => (
            environment.name.clone(),
            String::new(),
            environment.resource_name.clone(),
        ),
        _ => facts.environment.clone(),
    };
    Facts {
        stage_display_name: planned.map(|it| it.display_name.clone()).unwrap_or_default(),
        stage,
        stage_attempt: attempt,
        phase: leg.name.clone(),
        job: if leg.leg.is_empty() { &leg.name } else { &leg.leg }.clone(),
        job_display_name: leg.display_name.clone(),
        job_attempt: attempt,
        job_id: leg.id.to_string(),
        agent_directories: (
            workspace.clone(),
            pipelines.work().display().to_string(),
            temporary.clone(),
            temporary,
        ),
        build_directory: workspace,
        agent: ("1".to_owned(), "Pave".to_owned(), "localhost".to_owned()),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        environment,
        ..facts
    }
}
