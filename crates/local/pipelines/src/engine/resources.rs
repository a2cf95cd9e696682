//! Runs of other pipelines that a pipeline uses (`resources.pipelines`), fixed when its run is queued.
//!
//! What was fixed stands in [`Run::pipelines`]; `download: <alias>` and the variables below read it from there.

use pave_auth::Principal;
use pave_devops::Project;
use pave_diagnostic::{Diagnostic, Label};
use pave_pipeline::{PipelineResource, Plan};

use super::queue::Wish;
use crate::access::Realm;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{ResolvedPipeline, Run};
use crate::store::{Kind, Stored};
use crate::things::Definition;

/// A version of a pipeline or repository resource that was asked for when queueing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) alias: String,
    /// Branch or tag of a repository.
    pub(crate) reference: String,
    /// Number of a run, or commit.
    pub(crate) version: String,
}

/// The definition that a resource names.
pub(crate) async fn source(
    pipelines: &Pipelines,
    own: &Project,
    resource: &PipelineResource,
) -> Result<Option<Stored<Definition>>> {
    let repositories = &pipelines.options().repositories;
    let project = if resource.project.is_empty() {
        Some(own.clone())
    } else {
        repositories.project(&own.organization, &resource.project).await?
    };
    let Some(project) = project else { return Ok(None) };
    let written = resource.source.replace('/', "\\");
    let (folder, name) = written.rsplit_once('\\').unwrap_or(("", &written));
    let found = pipelines
        .store()
        .named::<Definition>(Kind::Definition, project.id, name)
        .await?;
    let trim = |path: &str| path.trim_matches('\\').to_lowercase();
    Ok(found.filter(|it| folder.is_empty() || trim(folder) == trim(&it.body.path)))
}

/// Finds the run for each resource; what is wrong is said with the place of the resource.
pub(crate) async fn resolve(
    pipelines: &Pipelines,
    definition: &Definition,
    requester: &Principal,
    plan: &Plan,
    wish: &Wish,
) -> Result<(Vec<ResolvedPipeline>, Vec<Diagnostic>)> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for resource in &plan.pipelines {
        match one(pipelines, definition, requester, resource, wish).await? {
            Ok(run) => found.push(ResolvedPipeline {
                alias: resource.alias.clone(),
                project: run.project,
                definition: run.definition,
                definition_name: run.definition_name,
                run: run.id,
                number: run.number,
                branch: run.branch,
                version: run.version,
                requested_for: run.requested_for.display_name,
                requested_for_id: run.requested_for.id,
            }),
            Err(words) => problems.push(
                Diagnostic::error("PV2255", words)
                    .with_label(Label::at(resource.place.clone()))
                    .with_help("run that pipeline first, or name another branch, version or tags"),
            ),
        }
    }
    Ok((found, problems))
}

async fn one(
    pipelines: &Pipelines,
    definition: &Definition,
    requester: &Principal,
    resource: &PipelineResource,
    wish: &Wish,
) -> Result<std::result::Result<Run, String>> {
    let alias = &resource.alias;
    let missing = || {
        format!(
            "pipeline resource `{alias}`: there is no pipeline `{}`{}",
            resource.source,
            if resource.project.is_empty() {
                String::new()
            } else {
                format!(" in project `{}`", resource.project)
            }
        )
    };
    let Some(source) = source(pipelines, &definition.project, resource).await? else {
        return Ok(Err(missing()));
    };
    let mut visible = false;
    for who in [requester, &definition.author] {
        let (project, name) = (&source.body.project, &source.body.name);
        let asked = pipelines.allows(who, "get", Realm::Pipelines, project, name);
        visible |= asked.await.is_ok();
    }
    if !visible {
        return Ok(Err(missing()));
    }
    let origin = wish
        .origin
        .as_ref()
        .filter(|it| it.category == "pipeline" && it.alias.eq_ignore_ascii_case(alias));
    if let Some(id) = origin.and_then(|it| it.run)
        && let Some(run) = pipelines.run(id).await?
    {
        return Ok(Ok(run));
    }
    let asked = wish
        .pipelines
        .iter()
        .find(|it| it.alias.eq_ignore_ascii_case(alias));
    let version = asked.map_or(resource.version.as_str(), |it| it.version.as_str());
    let (version, tags) = (version.to_owned(), resource.tags.clone());
    let branch = match resource.branch.as_str() {
        "" => String::new(),
        full if full.starts_with("refs/") => full.to_owned(),
        short => format!("refs/heads/{short}"),
    };
    let what: Vec<String> = [("version", &version), ("branch", &branch)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!(" of {key} `{value}`"))
        .collect();
    let what = what.concat();
    let fits = move |run: &Run| {
        let has = |tag: &String| run.tags.iter().any(|own| own.eq_ignore_ascii_case(tag));
        if version.is_empty() {
            (branch.is_empty() || run.branch == branch) && tags.iter().all(has)
        } else {
            run.number == version || run.id.to_string() == version
        }
    };
    let found = pipelines.store().latest_success(source.id, fits).await?;
    Ok(found.ok_or_else(|| {
        let tags = if resource.tags.is_empty() {
            String::new()
        } else {
            format!(" with the tags {}", resource.tags.join(", "))
        };
        format!(
            "pipeline resource `{alias}`: no run of `{}`{what}{tags} has succeeded",
            source.body.name
        )
    }))
}

/// Variables that tell of what started the run and of the runs that it uses.
pub(crate) fn variables(run: &Run) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Some(origin) = &run.origin {
        if origin.category == "schedule" {
            all.push(("Build.CronSchedule.DisplayName".to_owned(), origin.alias.clone()));
        } else {
            all.push(("resources.triggeringAlias".to_owned(), origin.alias.clone()));
            all.push(("resources.triggeringCategory".to_owned(), origin.category.clone()));
        }
    }
    for it in &run.pipelines {
        let values = [
            ("projectName", it.project.name.clone()),
            ("projectID", it.project.id.to_string()),
            ("pipelineName", it.definition_name.clone()),
            ("pipelineID", it.definition.to_string()),
            ("runName", it.number.clone()),
            ("runID", it.run.to_string()),
            ("runURI", format!("vstfs:///Build/Build/{}", it.run)),
            ("sourceBranch", it.branch.clone()),
            ("sourceCommit", it.version.clone()),
            ("sourceProvider", "TfsGit".to_owned()),
            ("requestedFor", it.requested_for.clone()),
            ("requestedForID", it.requested_for_id.to_string()),
        ];
        let named = values
            .into_iter()
            .map(|(key, value)| (format!("resources.pipeline.{}.{key}", it.alias), value));
        all.extend(named);
    }
    all
}
