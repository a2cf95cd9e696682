//! From a file in a repository to a plan, with the templates it names.

use std::collections::HashMap;

use pave_devops::{NeighbourError, RepositoryAt};
use pave_pipeline::{CompileRequest, Compiled, FileReference, KnownVariable, RepositoryResource};
use serde_json::Value;

use super::resources::Asked;
use crate::error::Result;
use crate::pipelines::Pipelines;

/// Rounds of fetching templates; each may name more.
const ROUNDS: usize = 100;

/// What is to be compiled.
pub(crate) struct Source<'a> {
    pub(crate) repository: &'a RepositoryAt,
    pub(crate) version: &'a str,
    /// Path with or without leading `/`.
    pub(crate) path: &'a str,
    /// Text to use instead of the file.
    pub(crate) text: Option<String>,
    pub(crate) parameters: Vec<(String, Value)>,
    pub(crate) variables: Vec<KnownVariable>,
    /// Versions of other repositories, by alias.
    pub(crate) asked: &'a [Asked],
}

/// Compiles; `None` when the file does not exist.
pub(crate) async fn compile(pipelines: &Pipelines, source: &Source<'_>) -> Result<Option<Compiled>> {
    let path = source.path.trim_start_matches('/');
    let text = match &source.text {
        Some(text) => text.clone(),
        None => match file(pipelines, source.repository, source.version, path).await? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let mut files: HashMap<(Option<String>, String), String> = HashMap::new();
    for _ in 0..ROUNDS {
        let compiled = once(source, path, &text, &files);
        let before = files.len();
        for missing in &compiled.missing_files {
            if let Some(text) = template(pipelines, source, &compiled.repositories, missing).await? {
                files.insert((missing.repository.clone(), missing.path.clone()), text);
            }
        }
        if files.len() == before {
            let mut compiled = compiled;
            for resource in compiled.plan.iter_mut().flat_map(|plan| &mut plan.repositories) {
                *resource = as_asked(source.asked, resource);
            }
            return Ok(Some(compiled));
        }
    }
    Err(NeighbourError("templates name each other without end".to_owned()).into())
}

/// Apart from what waits: what files are read through cannot be sent between threads.
fn once(
    source: &Source<'_>,
    path: &str,
    text: &str,
    files: &HashMap<(Option<String>, String), String>,
) -> Compiled {
    let (parameters, variables) = (&source.parameters, &source.variables);
    pave_pipeline::compile(&CompileRequest {
        path,
        text,
        files,
        parameters,
        variables,
    })
}

async fn template(
    pipelines: &Pipelines,
    source: &Source<'_>,
    repositories: &[RepositoryResource],
    wanted: &FileReference,
) -> Result<Option<String>> {
    let Some(alias) = &wanted.repository else {
        return file(pipelines, source.repository, source.version, &wanted.path).await;
    };
    if alias.eq_ignore_ascii_case("self") {
        return file(pipelines, source.repository, source.version, &wanted.path).await;
    }
    let Some(resource) = repositories
        .iter()
        .find(|it| it.alias.eq_ignore_ascii_case(alias))
    else {
        return Ok(None);
    };
    let resource = as_asked(source.asked, resource);
    let Some((repository, _, version)) = resolve(pipelines, source.repository, &resource).await? else {
        return Ok(None);
    };
    file(pipelines, &repository, &version, &wanted.path).await
}

/// A resource at the version that was asked for when queueing.
fn as_asked(asked: &[Asked], resource: &RepositoryResource) -> RepositoryResource {
    let found = asked
        .iter()
        .find(|it| it.alias.eq_ignore_ascii_case(&resource.alias));
    let mut resource = resource.clone();
    if let Some(found) = found {
        resource.version.clone_from(&found.version);
        if !found.reference.is_empty() {
            resource.reference.clone_from(&found.reference);
        }
    }
    resource
}

/// The repository, full reference and commit that a resource means.
pub(crate) async fn resolve(
    pipelines: &Pipelines,
    own: &RepositoryAt,
    resource: &RepositoryResource,
) -> Result<Option<(RepositoryAt, String, String)>> {
    let repositories = &pipelines.options().repositories;
    let (project, name) = match resource.name.split_once('/') {
        Some((project, name)) => (
            repositories.project(&own.project.organization, project).await?,
            name,
        ),
        None => (Some(own.project.clone()), resource.name.as_str()),
    };
    let Some(project) = project else { return Ok(None) };
    let Some(repository) = repositories.repository(Some(&project), name).await? else {
        return Ok(None);
    };
    let reference = if resource.reference.is_empty() {
        repository.default_branch.clone()
    } else {
        resource.reference.clone()
    };
    let reference = if reference.starts_with("refs/") {
        reference
    } else {
        format!("refs/heads/{reference}")
    };
    let revision = if resource.version.is_empty() {
        &reference
    } else {
        &resource.version
    };
    let Some(commit) = repositories.commit(repository.id, revision).await? else {
        return Ok(None);
    };
    Ok(Some((repository, reference, commit.id)))
}

async fn file(
    pipelines: &Pipelines,
    repository: &RepositoryAt,
    version: &str,
    path: &str,
) -> Result<Option<String>> {
    let repositories = &pipelines.options().repositories;
    let found = repositories
        .file(repository.id, version, path.trim_start_matches('/'))
        .await?;
    Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
