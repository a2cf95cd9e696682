//! Runs of other pipelines whose artifacts a job fetches: by a pipeline resource, or chosen by a step.

use pave_devops::Project;
use pave_pipeline::{Action, ChosenRun, Step};
use uuid::Uuid;

use super::super::variables::Variables;
use crate::access::Realm;
use crate::agent::job::Download;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::{Kind, Stored};
use crate::things::Definition;

/// What steps of a job may fetch. What cannot be found is said when a step asks for it.
pub(super) async fn of_job(
    pipelines: &Pipelines,
    run: &Run,
    steps: &[Step],
    records: &[(Uuid, i64)],
    variables: &Variables,
) -> Result<Vec<Download>> {
    let mut all = Vec::new();
    let mut fetches = false;
    for (step, (record, _)) in steps.iter().zip(records) {
        let Action::Download { run: chosen, .. } = &step.action else {
            continue;
        };
        fetches = true;
        if let Some(chosen) = chosen {
            let download = choose(pipelines, run, chosen, variables).await?;
            all.push(Download {
                step: record.to_string(),
                ..download
            });
        }
    }
    if !fetches {
        return Ok(all);
    }
    for resource in &run.pipelines {
        let found = pipelines.run(resource.run).await?;
        let download = match found {
            Some(other) => of_run(pipelines, run, &other).await,
            None => refused(format!(
                "Run {} of pipeline `{}` is not kept any more.",
                resource.number, resource.definition_name
            )),
        };
        all.push(Download {
            alias: resource.alias.clone(),
            ..download
        });
    }
    Ok(all)
}

fn refused(words: String) -> Download {
    Download {
        refused: words,
        ..Download::default()
    }
}

async fn of_run(pipelines: &Pipelines, run: &Run, other: &Run) -> Download {
    // Artifacts of another project are seen by who may see its pipelines.
    let allowed = if other.project.id == run.project.id {
        Ok(())
    } else {
        let (who, name) = (&run.requested_for, &other.definition_name);
        pipelines
            .allows(who, "get", Realm::Pipelines, &other.project, name)
            .await
    };
    if let Err(reason) = allowed {
        return refused(format!(
            "The run may not use artifacts of pipeline `{}`: {reason}",
            other.definition_name
        ));
    }
    let artifacts = other.artifacts.iter().map(|it| {
        let directory = pipelines.job_directory(it.job).artifact(&it.name);
        (it.name.clone(), directory)
    });
    Download {
        title: format!("run {} of pipeline `{}`", other.number, other.definition_name),
        artifacts: artifacts.collect(),
        ..Download::default()
    }
}

async fn choose(
    pipelines: &Pipelines,
    run: &Run,
    chosen: &ChosenRun,
    variables: &Variables,
) -> Result<Download> {
    let fill = |text: &String| pave_pipeline::expand_macros(text, &|name: &str| variables.get(name));
    let chosen = ChosenRun {
        project: fill(&chosen.project),
        pipeline: fill(&chosen.pipeline),
        version: fill(&chosen.version),
        id: fill(&chosen.id),
        branch: fill(&chosen.branch),
        tags: fill(&chosen.tags),
    };
    let Some(project) = project(pipelines, run, &chosen.project).await? else {
        return Ok(refused(format!("Project `{}` was not found.", chosen.project)));
    };
    if chosen.version.eq_ignore_ascii_case("specific") || (chosen.version.is_empty() && !chosen.id.is_empty())
    {
        let found = match chosen.id.trim().parse() {
            Ok(id) => pipelines.run(id).await?,
            Err(_) => None,
        };
        let found = found.filter(|other| other.project.id == project.id);
        return Ok(match found {
            Some(other) => of_run(pipelines, run, &other).await,
            None => refused(format!(
                "There is no run `{}` in project {}.",
                chosen.id, project.name
            )),
        });
    }
    let Some(definition) = definition(pipelines, &project, &chosen.pipeline).await? else {
        return Ok(refused(format!(
            "There is no pipeline `{}` in project {}.",
            chosen.pipeline, project.name
        )));
    };
    let (own, wanted) = (run.id, chosen.clone());
    let found = pipelines
        .store()
        .latest_success(definition.id, move |other| {
            other.id != own && fits(other, &wanted)
        })
        .await?;
    Ok(match found {
        Some(other) => of_run(pipelines, run, &other).await,
        None => refused(format!(
            "Pipeline `{}` has no run that succeeded{}.",
            definition.body.name,
            match chosen.branch.as_str() {
                "" => String::new(),
                branch => format!(" on branch `{branch}`"),
            }
        )),
    })
}

fn fits(other: &Run, chosen: &ChosenRun) -> bool {
    let branch = chosen.branch.trim();
    let wanted = if chosen.version.eq_ignore_ascii_case("latestFromBranch") {
        let full = if branch.starts_with("refs/") {
            branch.to_owned()
        } else {
            format!("refs/heads/{branch}")
        };
        other.branch.eq_ignore_ascii_case(&full)
    } else {
        true
    };
    let tags = chosen
        .tags
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty());
    let mut tags = tags.map(|tag| other.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)));
    wanted && tags.all(|has| has)
}

async fn project(pipelines: &Pipelines, run: &Run, name: &str) -> Result<Option<Project>> {
    let own = &run.project;
    if name.is_empty() || name.eq_ignore_ascii_case(&own.name) || name == own.id.to_string() {
        return Ok(Some(own.clone()));
    }
    let repositories = &pipelines.options().repositories;
    Ok(repositories.project(&own.organization, name).await?)
}

async fn definition(
    pipelines: &Pipelines,
    project: &Project,
    name: &str,
) -> Result<Option<Stored<Definition>>> {
    if let Ok(id) = name.trim().parse() {
        let found: Option<Stored<Definition>> = pipelines.store().thing(Kind::Definition, id).await?;
        return Ok(found.filter(|it| it.body.project.id == project.id));
    }
    let short = name.rsplit('\\').next().unwrap_or(name);
    pipelines.store().named(Kind::Definition, project.id, short).await
}
