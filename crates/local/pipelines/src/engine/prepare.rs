//! From a job of the plan to the files that its agent reads.

mod downloads;

use std::collections::BTreeMap;

use pave_pipeline::{Action, Container, RuntimeScope, Step};

use super::compile::resolve;
use super::variables::{Variables, of_job};
use super::{schedule, timeline};
use crate::access::Realm;
use crate::agent::job::{
    Connection, Containers, JobFile, JobRepository, JobStep, OutputLimits, Secrets, TerraformJob,
    write_private,
};
use crate::error::{PipelinesError, Result};
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run};
use crate::store::{Kind, Stored};
use crate::things::{Definition, Endpoint};

/// Inputs of tasks that name a service connection.
const CONNECTIONS: [&str; 11] = [
    "environmentServiceNameAzureRM",
    "backendServiceArm",
    "azureSubscription",
    "connectedServiceName",
    "connectedServiceNameARM",
    "serviceConnection",
    "genericService",
    "azureServiceConnection",
    "environmentServiceName",
    "backendServiceAWS",
    "backendServiceGCP",
];

/// Writes a job's files; `Err` of the inner result says why the job cannot start.
pub(crate) async fn write(
    pipelines: &Pipelines,
    run: &mut Run,
    id: uuid::Uuid,
) -> Result<std::result::Result<(), String>> {
    let Some((plan, mut job)) = find(run, id) else {
        return Ok(Err("the job is not in the plan".to_owned()));
    };
    let Some((_, leg)) = run.job(id).map(|(stage, job)| (stage.record, job.clone())) else {
        return Ok(Err("the job is not in the run".to_owned()));
    };
    job.steps
        .retain(|step| leg.hook.is_empty() || step.hook == leg.hook);
    let (open, hidden) = reveal(pipelines, run)?;
    let scope = pave_pipeline::job_scope(&run.plan, &schedule::state(&open), &plan, &job);
    let variables = of_job(pipelines, run, &plan, &job, &leg, &scope, &hidden).await?;
    if let Some(refused) = variables.refused.first() {
        return Ok(Err(refused.clone()));
    }
    let (connections, mut refused) = connections(pipelines, run, &job.steps, &variables).await?;
    for (connection, _) in &connections {
        let (id, name) = (&connection.id, &connection.name);
        let guarded = super::checks::guard(pipelines, run, &plan.name, "endpoint", id, name).await?;
        refused.extend(guarded.err());
    }
    let repositories = repositories(pipelines, run, &mut refused).await?;
    if let Some(refused) = refused.first() {
        return Ok(Err(refused.clone()));
    }
    let steps = timeline::add_steps(run, id, &job.steps);
    let secrets = secrets(pipelines, &variables, &connections)?;
    // What the agent's conditions see is written down, so secrets are not among it.
    let shown = pave_pipeline::job_scope(&run.plan, &schedule::state(run), &plan, &job);
    let limits = pipelines.options().limits;
    let seconds = u64::from(job.timeout_minutes) * 60;
    let file = JobFile {
        id,
        build: run.id,
        definition: run.definition,
        name: leg.display_name.clone(),
        timeout: if seconds == 0 {
            limits.job_seconds
        } else {
            seconds.min(limits.job_seconds)
        },
        cancel_timeout: (u64::from(job.cancel_timeout_minutes.max(1)) * 60).min(limits.cancel_seconds),
        output: OutputLimits {
            head: limits.log_head,
            tail: limits.log_tail,
            artifacts: limits.artifacts,
        },
        workspace: pipelines.workspace(id),
        isolation: pipelines.isolation().clone(),
        variables: variables.all.clone(),
        dependencies: shown.dependencies,
        stage_dependencies: shown.stage_dependencies,
        repositories,
        connections: connections
            .into_iter()
            .map(|(connection, _)| connection)
            .collect(),
        artifacts: run
            .artifacts
            .iter()
            .map(|it| {
                (
                    it.name.clone(),
                    pipelines.job_directory(it.job).artifact(&it.name),
                )
            })
            .collect(),
        downloads: downloads::of_job(pipelines, run, &job.steps, &steps, &variables).await?,
        containers: containers(&job, &variables, &scope),
        terraform: terraform(pipelines, run, &leg),
        steps: steps
            .iter()
            .zip(&job.steps)
            .map(|((record, log), step)| JobStep {
                record: *record,
                log: *log,
                step: step.clone(),
            })
            .collect(),
        authority: pipelines.options().authority.clone(),
    };
    write_files(pipelines, run, &file, &secrets)?;
    Ok(Ok(()))
}

/// What a job that the server runs works with.
pub(crate) struct ServerJobFacts {
    pub(crate) job: pave_pipeline::Job,
    pub(crate) scope: RuntimeScope,
    pub(crate) variables: Variables,
}

impl ServerJobFacts {
    /// Fills in `$(macros)`, secrets left as they are written.
    pub(crate) fn filled(&self, text: &str) -> String {
        self.fill(text, false, 10)
    }

    pub(crate) fn filled_with_secrets(&self, text: &str) -> String {
        self.fill(text, true, 10)
    }

    fn fill(&self, text: &str, secrets: bool, depth: u32) -> String {
        pave_pipeline::expand_macros(text, &|name: &str| {
            let all = self.variables.all.iter();
            let found = all.clone().find(|it| it.name.eq_ignore_ascii_case(name))?;
            if found.secret {
                return secrets.then(|| self.variables.get(name)).flatten();
            }
            let nested = depth > 0 && found.value.contains("$(");
            Some(if nested {
                self.fill(&found.value, secrets, depth - 1)
            } else {
                found.value.clone()
            })
        })
    }

    /// Hides the secrets of the job.
    pub(crate) fn masker(&self) -> pave_pipeline::Masker {
        pave_pipeline::Masker::new(self.variables.secrets.values())
    }
}

/// A job without an agent, with its variables; `Err` of the inner result says why it cannot run.
pub(crate) async fn of_server(
    pipelines: &Pipelines,
    run: &Run,
    id: uuid::Uuid,
) -> Result<std::result::Result<ServerJobFacts, String>> {
    let (Some((plan, job)), Some((_, leg))) = (find(run, id), run.job(id)) else {
        return Ok(Err("the job is not in the plan".to_owned()));
    };
    let (open, hidden) = reveal(pipelines, run)?;
    let scope = pave_pipeline::job_scope(&run.plan, &schedule::state(&open), &plan, &job);
    let variables = of_job(pipelines, run, &plan, &job, leg, &scope, &hidden).await?;
    if let Some(refused) = variables.refused.first() {
        return Ok(Err(refused.clone()));
    }
    let (connections, mut refused) = connections(pipelines, run, &job.steps, &variables).await?;
    for (connection, _) in &connections {
        let (id, name) = (&connection.id, &connection.name);
        let guarded = super::checks::guard(pipelines, run, &plan.name, "endpoint", id, name).await?;
        refused.extend(guarded.err());
    }
    Ok(match refused.into_iter().next() {
        Some(refused) => Err(refused),
        None => Ok(ServerJobFacts {
            job,
            scope,
            variables,
        }),
    })
}

/// The run with its secret output variables readable, and their values.
fn reveal(pipelines: &Pipelines, run: &Run) -> Result<(Run, Vec<String>)> {
    let mut open = run.clone();
    let mut hidden = Vec::new();
    for job in open.stages.iter_mut().flat_map(|stage| &mut stage.jobs) {
        if !job.outputs.values().any(|output| output.secret) {
            continue;
        }
        let sealed = std::fs::read(pipelines.job_directory(job.id).file("key.sealed")).unwrap_or_default();
        let key = pipelines.unseal(Some(&sealed))?.remove("key").unwrap_or_default();
        for output in job.outputs.values_mut().filter(|output| output.secret) {
            output.value = crate::agent::open_sealed(&key, &output.value).unwrap_or_default();
            output.secret = false;
            hidden.push(output.value.clone());
        }
    }
    hidden.retain(|value| !value.is_empty());
    Ok((open, hidden))
}

/// The containers of a job, with what only its variables say.
fn containers(job: &pave_pipeline::Job, variables: &Variables, scope: &RuntimeScope) -> Containers {
    let scope = RuntimeScope {
        variables: variables.pairs(),
        ..scope.clone()
    };
    let fill = |text: &String| {
        let value = pave_pipeline::runtime_value(text, &scope).unwrap_or_default();
        pave_pipeline::expand_macros(&value, &|name: &str| variables.get(name))
    };
    let filled = |container: &Container| Container {
        image: fill(&container.image),
        options: fill(&container.options),
        env: container
            .env
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .collect(),
        ports: container.ports.iter().map(&fill).collect(),
        volumes: container.volumes.iter().map(&fill).collect(),
        ..container.clone()
    };
    let services = job.services.iter();
    Containers {
        // A leg of a matrix may have none.
        own: job
            .runs_in
            .as_ref()
            .map(&filled)
            .filter(|it| !it.image.is_empty()),
        services: services
            .map(|(name, found)| (name.clone(), filled(found)))
            .collect(),
    }
}

fn write_files(pipelines: &Pipelines, run: &mut Run, file: &JobFile, secrets: &Secrets) -> Result {
    let directory = pipelines.job_directory(file.id);
    let wrong = |source| PipelinesError::Write {
        path: directory.0.clone(),
        source,
    };
    std::fs::create_dir_all(directory.file("logs")).map_err(wrong)?;
    // The log of the job itself says where it runs.
    let log = run.next_log();
    let lines = [
        format!("##[section]Starting: {}", file.name),
        "Pool: Azure Pipelines".to_owned(),
        "Agent: Pave".to_owned(),
        format!("Steps are {}", file.isolation.describe()),
        format!("Workspace: {}", file.workspace.display()),
    ];
    let time = timeline::now();
    let text: Vec<String> = lines.iter().map(|line| format!("{time} {line}\n")).collect();
    let text = text.concat();
    std::fs::write(directory.log(log), text).map_err(wrong)?;
    run.logs.push(crate::run::Log {
        id: log,
        job: file.id,
        record: file.id,
        created_at: time,
    });
    if let Some(record) = run.record_mut(file.id) {
        record.log = Some(log);
        record.worker = Some("Pave".to_owned());
    }
    let mut key = BTreeMap::new();
    key.insert("key".to_owned(), secrets.key.clone());
    let sealed = pipelines.seal(&key)?.unwrap_or_default();
    write_private(&directory.file("key.sealed"), &sealed).map_err(wrong)?;
    directory.write("job.json", file).map_err(wrong)?;
    directory.write("secrets.json", secrets).map_err(wrong)
}

fn secrets(
    pipelines: &Pipelines,
    variables: &Variables,
    connections: &[(Connection, BTreeMap<String, String>)],
) -> Result<Secrets> {
    let token = pipelines
        .options()
        .identities
        .service_account_token("pave-system", "build-service");
    let access_token =
        token.map_err(|error| pave_devops::NeighbourError(format!("no token for the run: {error}")))?;
    let mut own = variables.secrets.clone();
    own.insert("System.AccessToken".to_owned(), access_token.clone());
    Ok(Secrets {
        key: crate::agent::new_key().unwrap_or_default(),
        access_token,
        variables: own,
        connections: connections
            .iter()
            .map(|(it, secrets)| (it.id.clone(), secrets.clone()))
            .collect(),
    })
}

fn find(run: &Run, id: uuid::Uuid) -> Option<(pave_pipeline::Stage, pave_pipeline::Job)> {
    let index = run
        .stages
        .iter()
        .position(|stage| stage.jobs.iter().any(|job| job.id == id))?;
    let name = &run.job(id)?.1.name;
    let stage = schedule::plan_of(run, index)?;
    let job = stage
        .jobs
        .iter()
        .find(|job| job.name.eq_ignore_ascii_case(name))?
        .clone();
    Some((stage, job))
}

/// Service connections that steps name, with their secrets.
async fn connections(
    pipelines: &Pipelines,
    run: &Run,
    steps: &[Step],
    variables: &Variables,
) -> Result<(Vec<(Connection, BTreeMap<String, String>)>, Vec<String>)> {
    let mut found = Vec::new();
    let mut refused = Vec::new();
    for name in names(steps, variables) {
        let Some(stored) = endpoint(pipelines, run, &name).await? else {
            let known = pipelines
                .store()
                .things::<Endpoint>(Kind::Endpoint, Some(run.project.id))
                .await?;
            let known: Vec<String> = known.into_iter().map(|it| it.body.name).collect();
            let near = pave_diagnostic::nearest(&name, known.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            refused.push(format!(
                "PV2253: There was a resource authorization issue: a step names service connection `{name}`, which is not in project {}.{near}",
                run.project.name
            ));
            continue;
        };
        let id = stored.body.uuid.to_string();
        let permitted = super::checks::permits(pipelines, run, "endpoint", &id).await? == Some(true);
        if !permitted
            && let Err(reason) = pipelines
                .may_use(run, Realm::ServiceEndpoints, &stored.body.name)
                .await?
        {
            refused.push(format!(
                "PV2253: The run may not use service connection `{name}`: {reason}"
            ));
            continue;
        }
        let secrets = pipelines.unseal(stored.secret.as_deref())?;
        let body = stored.body;
        found.push((
            Connection {
                id: body.uuid.to_string(),
                name: body.name,
                kind: body.kind,
                scheme: body.scheme,
                url: body.url,
                data: body.data,
                parameters: body.parameters,
            },
            secrets
                .into_iter()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect(),
        ));
    }
    Ok((found, refused))
}

fn names(steps: &[Step], variables: &Variables) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in steps.iter().filter(|step| step.enabled) {
        let Action::Task { inputs, .. } = &step.action else {
            continue;
        };
        for (key, value) in inputs {
            if CONNECTIONS.iter().any(|name| name.eq_ignore_ascii_case(key)) && !value.trim().is_empty() {
                let name = pave_pipeline::expand_macros(value, &|name: &str| variables.get(name));
                // What a step sets only later is looked for when it runs.
                if !name.contains("$(") && !names.iter().any(|it| it.eq_ignore_ascii_case(&name)) {
                    names.push(name);
                }
            }
        }
    }
    names
}

async fn endpoint(pipelines: &Pipelines, run: &Run, name: &str) -> Result<Option<Stored<Endpoint>>> {
    let named = pipelines
        .store()
        .named(Kind::Endpoint, run.project.id, name)
        .await?;
    if named.is_some() {
        return Ok(named);
    }
    let all = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, Some(run.project.id))
        .await?;
    Ok(all
        .into_iter()
        .find(|it| it.body.uuid.to_string().eq_ignore_ascii_case(name)))
}

async fn repositories(
    pipelines: &Pipelines,
    run: &Run,
    refused: &mut Vec<String>,
) -> Result<Vec<JobRepository>> {
    let mut all = vec![JobRepository {
        alias: "self".to_owned(),
        name: run.repository.name.clone(),
        url: run.repository.url.to_string(),
        reference: run.branch.clone(),
        version: run.version.clone(),
    }];
    for resource in &run.plan.repositories {
        match resolve(pipelines, &run.repository, resource).await? {
            Some((repository, reference, version)) => all.push(JobRepository {
                alias: resource.alias.clone(),
                name: repository.name,
                url: repository.url.to_string(),
                reference,
                version,
            }),
            None => refused.push(format!(
                "The repository resource `{}` ({}) was not found.",
                resource.alias, resource.name
            )),
        }
    }
    Ok(all)
}

fn terraform(pipelines: &Pipelines, run: &Run, job: &crate::run::JobRun) -> TerraformJob {
    let settings = &pipelines.options().terraform;
    let correlation = run
        .road
        .as_ref()
        .and_then(|road| road.parse::<pave_names::RoadId>().ok());
    TerraformJob {
        program: settings.program.clone(),
        cli_config: settings.cli_config.clone(),
        metadata_authority: settings.metadata_host_authority.clone(),
        mirror: settings.mirror.clone(),
        visible: settings.visible.clone(),
        states: pipelines.states().to_owned(),
        correlation: correlation.map(|road| road.to_uuid().to_string()),
        oidc_request: super::variables::facts(pipelines, run, Some(job)).oidc_request_uri(),
    }
}

impl Pipelines {
    /// Whether a run may use something: who asked for it, who made the pipeline, or runs as such may.
    pub(crate) async fn may_use(
        &self,
        run: &Run,
        realm: Realm,
        name: &str,
    ) -> Result<std::result::Result<(), String>> {
        let author: Option<Stored<Definition>> = self.store().thing(Kind::Definition, run.definition).await?;
        let mut who = vec![
            pave_auth::Principal::service_account("pave-system", "build-service"),
            run.requested_for.clone(),
        ];
        who.extend(author.map(|it| it.body.author));
        let mut reason = String::new();
        for principal in who {
            match self.allows(&principal, "use", realm, &run.project, name).await {
                Ok(()) => return Ok(Ok(())),
                Err(why) => reason = why,
            }
        }
        Ok(Err(reason))
    }

    /// Whether a job was prepared and its agent not yet started.
    pub(crate) fn is_prepared(&self, job: uuid::Uuid) -> bool {
        let directory = self.job_directory(job);
        directory.file("secrets.json").exists() && !directory.file("agent.json").exists()
    }

    /// Whether the run has begun the job.
    pub(crate) fn has_begun(run: &Run, job: uuid::Uuid) -> bool {
        run.job(job)
            .is_some_and(|(_, job)| job.progress == Progress::Running)
    }
}
