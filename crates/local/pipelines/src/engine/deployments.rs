//! Environments, made on first use, and the record of what was deployed to them.

use pave_devops::AreaError;
use pave_pipeline::Outcome;
use uuid::Uuid;

use super::timeline;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::{Kind, Stored};
use crate::things::{Deployment, Environment};

/// The environment of this name; made on first use, as upstream.
pub(crate) async fn environment(pipelines: &Pipelines, run: &Run, name: &str) -> Result<Stored<Environment>> {
    let body = Environment {
        name: name.to_owned(),
        description: String::new(),
        project: run.project.clone(),
        created_by: run.requested_for.clone(),
        created_at: timeline::now(),
    };
    let made = pipelines
        .store()
        .add(Kind::Environment, run.project.id, name, &body, None)
        .await?;
    if let Some(id) = made {
        pipelines.changed(&run.project, "distributedtask", id.to_string());
    }
    match pipelines
        .store()
        .named(Kind::Environment, run.project.id, name)
        .await?
    {
        Some(found) => Ok(found),
        None => Err(AreaError::not_found(format!("Environment {name} was removed.")).into()),
    }
}

/// Writes down that a deployment to an environment begins.
pub(crate) async fn note_deployment(pipelines: &Pipelines, run: &Run, job: Uuid) -> Result {
    let Some((name, stage, display)) = deployed(run, job) else {
        return Ok(());
    };
    let environment = environment(pipelines, run, &name).await?;
    let body = Deployment {
        environment: environment.id,
        build: run.id,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        stage,
        job: display,
        number: run.number.clone(),
        result: None,
        queued_at: timeline::now(),
        finished_at: None,
    };
    pipelines
        .store()
        .add(Kind::Deployment, run.project.id, &job.to_string(), &body, None)
        .await?;
    Ok(())
}

/// Writes down how it ended.
pub(crate) async fn end_deployment(pipelines: &Pipelines, run: &Run, job: Uuid, outcome: Outcome) -> Result {
    if deployed(run, job).is_none() {
        return Ok(());
    }
    let found = pipelines
        .store()
        .named::<Deployment>(Kind::Deployment, run.project.id, &job.to_string())
        .await?;
    if let Some(mut found) = found {
        found.body.result = Some(crate::rest::shape::result_word(outcome).to_owned());
        found.body.finished_at = Some(timeline::now());
        pipelines
            .store()
            .replace(Kind::Deployment, found.id, &job.to_string(), &found.body, None)
            .await?;
        pipelines.changed(
            &run.project,
            "distributedtask",
            found.body.environment.to_string(),
        );
    }
    Ok(())
}

fn deployed(run: &Run, job: Uuid) -> Option<(String, String, String)> {
    let (stage, found) = run.job(job)?;
    let plan = run.plan.stages.iter().find(|it| it.name == stage.name)?;
    let planned = plan
        .jobs
        .iter()
        .find(|it| it.name.eq_ignore_ascii_case(&found.name))?;
    Some((
        timeline::environment_of(planned)?.to_owned(),
        stage.name.clone(),
        found.display_name.clone(),
    ))
}
