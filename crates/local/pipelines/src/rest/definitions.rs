//! `build/definitions`: definitions, their revisions, and what both areas know of them.

mod revisions;
pub(super) mod seen;

use std::collections::BTreeMap;

use http::Method;
use pave_devops::{AreaError, AreaRequest, Project};
use serde_json::{Value, json};

use revisions::{at_revision, keep_revision};

use super::shape::Links;
use super::{Answer, empty, id, list, nothing, number, ok, project, text};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{Definition, DefinitionVariable};

/// `build/definitions`: the old area.
pub(crate) async fn definitions(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, []) => seen::listed(pipelines, request).await,
        // Templates of the old designer; there are none.
        (&Method::GET, ["templates"]) => list(Vec::new()),
        (&Method::POST, []) => {
            let body = request.json()?;
            let repository = body.get("repository").cloned().unwrap_or_default();
            let yaml = text(&body, "/process/yamlFilename")
                .unwrap_or("azure-pipelines.yml")
                .to_owned();
            let folder = text(&body, "/path").unwrap_or("\\").to_owned();
            let stored = create(pipelines, request, &body, &repository, &yaml, &folder).await?;
            ok(links.definition(&stored))
        }
        (&Method::GET, [number]) => {
            let stored = find(pipelines, request, number).await?;
            let wants_latest = request
                .parameter("includeLatestBuilds")
                .is_some_and(|it| it.eq_ignore_ascii_case("true"));
            let stored = at_revision(pipelines, request, stored).await?;
            let mut shape = links.definition(&stored);
            if wants_latest {
                seen::with_latest(pipelines, request, &stored, &mut shape).await?;
            }
            ok(shape)
        }
        (&Method::GET, [number, "yaml"]) => {
            let stored = find(pipelines, request, number).await?;
            seen::yaml(pipelines, &at_revision(pipelines, request, stored).await?).await
        }
        // Nothing can be noted beside a definition.
        (&Method::GET, [number, "properties"]) => {
            find(pipelines, request, number).await?;
            ok(json!({"count": 0, "value": {}}))
        }
        (&Method::GET, [number, "revisions"]) => revisions::revisions(pipelines, request, number).await,
        (&Method::PUT | &Method::PATCH, [number]) => {
            let stored = find(pipelines, request, number).await?;
            ok(links.definition(&update(pipelines, request, stored).await?))
        }
        (&Method::DELETE, [number]) => {
            let stored = find(pipelines, request, number).await?;
            allow(pipelines, request, "manage", &stored.body).await?;
            pipelines.store().remove(Kind::Definition, stored.id).await?;
            pipelines.changed(&stored.body.project, "build", stored.id.to_string());
            empty()
        }
        _ => Err(nothing(request)),
    }
}

pub(super) fn named(name: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => name.to_lowercase().starts_with(&prefix.to_lowercase()),
        None => name.eq_ignore_ascii_case(wanted),
    }
}

pub(super) async fn allow(
    pipelines: &Pipelines,
    request: &AreaRequest,
    verb: &str,
    it: &Definition,
) -> Result<(), AreaError> {
    pipelines
        .check(&request.principal, verb, Realm::Pipelines, &it.project, &it.name)
        .await
}

/// Definitions that the person may see.
pub(super) async fn visible(
    pipelines: &Pipelines,
    request: &AreaRequest,
) -> Result<Vec<Stored<Definition>>, AreaError> {
    let all = pipelines
        .store()
        .things::<Definition>(Kind::Definition, Some(project(request)?.id))
        .await?;
    let mut seen = Vec::new();
    for it in all {
        if allow(pipelines, request, "get", &it.body).await.is_ok() {
            seen.push(it);
        }
    }
    Ok(seen)
}

/// A definition of this project, by number.
pub(crate) async fn find(
    pipelines: &Pipelines,
    request: &AreaRequest,
    number: &str,
) -> Result<Stored<Definition>, AreaError> {
    let project = project(request)?;
    let missing = || {
        AreaError::new(
            http::StatusCode::NOT_FOUND,
            "DefinitionNotFoundException",
            format!(
                "The definition {number} does not exist in project {}.",
                project.name
            ),
        )
    };
    let found = pipelines
        .store()
        .thing::<Definition>(Kind::Definition, id(number)?)
        .await?;
    let found = found.filter(|it| it.project == project.id).ok_or_else(missing)?;
    allow(pipelines, request, "get", &found.body).await?;
    Ok(found)
}

pub(super) async fn create(
    pipelines: &Pipelines,
    request: &AreaRequest,
    body: &Value,
    repository: &Value,
    yaml: &str,
    folder: &str,
) -> Result<Stored<Definition>, AreaError> {
    let project = project(request)?;
    let name = text(body, "/name").ok_or_else(|| AreaError::bad_request("A pipeline needs a name."))?;
    pipelines
        .check(&request.principal, "manage", Realm::Pipelines, project, name)
        .await?;
    let repository = repository_of(pipelines, project, repository).await?;
    let (variables, secrets) = defined(body, BTreeMap::new());
    let definition = Definition {
        name: name.to_owned(),
        path: folder.replace('/', "\\"),
        revision: 1,
        project: project.clone(),
        repository,
        yaml: format!("/{}", yaml.trim_start_matches('/')),
        queue_status: text(body, "/queueStatus").unwrap_or("enabled").to_owned(),
        variables,
        triggered: true,
        author: request.principal.clone(),
        created_at: crate::engine::timeline::now(),
    };
    let sealed = pipelines.seal(&secrets)?;
    // While nobody can be triggered by it: what was pushed before is not built.
    let turn = pipelines.queueing.lock().await;
    let Some(id) = pipelines
        .store()
        .add(Kind::Definition, project.id, name, &definition, sealed.clone())
        .await?
    else {
        let words = format!("A definition with name {name} already exists.");
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "DefinitionExistsException",
            words,
        ));
    };
    crate::trigger::begin(pipelines, id, definition.repository.id).await?;
    drop(turn);
    keep_revision(pipelines, request, id, &definition, "add", "").await?;
    pipelines.changed(project, "build", id.to_string());
    Ok(Stored {
        id,
        project: project.id,
        body: definition,
        secret: sealed,
    })
}

async fn repository_of(
    pipelines: &Pipelines,
    project: &Project,
    wanted: &Value,
) -> Result<pave_devops::RepositoryAt, AreaError> {
    let given = text(wanted, "/id").or_else(|| text(wanted, "/name"));
    let given =
        given.ok_or_else(|| AreaError::bad_request("A pipeline needs a repository (`id` or `name`)."))?;
    let found = pipelines
        .options()
        .repositories
        .repository(Some(project), given)
        .await;
    let found = found.map_err(crate::PipelinesError::from)?;
    found.ok_or_else(|| {
        AreaError::bad_request(format!(
            "TF401019: The Git repository with name or identifier {given} does not exist in project {}.",
            project.name
        ))
    })
}

/// Variables of a definition, those that are secret apart; a secret that is not given again keeps its value.
pub(super) fn defined(
    body: &Value,
    mut known: BTreeMap<String, String>,
) -> (BTreeMap<String, DefinitionVariable>, BTreeMap<String, String>) {
    let mut variables = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (name, it) in body
        .get("variables")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let flag = |key: &str| it.get(key).and_then(Value::as_bool).unwrap_or(false);
        let value = it.get("value").and_then(Value::as_str);
        let secret = flag("isSecret");
        if secret {
            let value = value.map(str::to_owned).or_else(|| known.remove(name));
            secrets.insert(name.clone(), value.unwrap_or_default());
        }
        let plain = if secret {
            String::new()
        } else {
            value.unwrap_or_default().to_owned()
        };
        variables.insert(
            name.clone(),
            DefinitionVariable {
                value: plain,
                is_secret: secret,
                allow_override: flag("allowOverride"),
            },
        );
    }
    (variables, secrets)
}

async fn update(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: Stored<Definition>,
) -> Result<Stored<Definition>, AreaError> {
    allow(pipelines, request, "manage", &stored.body).await?;
    let body = request.json()?;
    if let Some(revision) = number(&body, "/revision")
        && revision != stored.body.revision
    {
        let words = format!(
            "The definition was changed meanwhile: revision {revision} was sent, {} is current.",
            stored.body.revision
        );
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "DefinitionRevisionMismatchException",
            words,
        ));
    }
    let mut changed = stored.clone();
    let it = &mut changed.body;
    it.revision += 1;
    if let Some(name) = text(&body, "/name") {
        name.clone_into(&mut it.name);
    }
    if let Some(path) = text(&body, "/path") {
        path.clone_into(&mut it.path);
    }
    if let Some(yaml) = text(&body, "/process/yamlFilename") {
        it.yaml = format!("/{}", yaml.trim_start_matches('/'));
    }
    if let Some(status) = body.get("queueStatus") {
        let word = match status.as_i64() {
            Some(0) => "enabled",
            Some(1) => "paused",
            Some(_) => "disabled",
            None => status.as_str().unwrap_or("enabled"),
        };
        word.clone_into(&mut it.queue_status);
    }
    if let Some(triggers) = body.get("triggers").and_then(Value::as_array) {
        it.triggered = !triggers.is_empty();
    }
    if body
        .pointer("/repository")
        .is_some_and(|it| it.get("id").is_some() || it.get("name").is_some())
    {
        it.repository = repository_of(pipelines, &it.project, &body["repository"]).await?;
    }
    if body.get("variables").is_some() {
        let known = pipelines.unseal(stored.secret.as_deref())?;
        let (variables, secrets) = defined(&body, known);
        it.variables = variables;
        changed.secret = pipelines.seal(&secrets)?;
    }
    let replaced = pipelines.store().replace(
        Kind::Definition,
        changed.id,
        &changed.body.name,
        &changed.body,
        changed.secret.clone(),
    );
    if !replaced.await? {
        let words = format!("A definition with name {} already exists.", changed.body.name);
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "DefinitionExistsException",
            words,
        ));
    }
    let comment = text(&body, "/comment").unwrap_or_default();
    keep_revision(pipelines, request, changed.id, &changed.body, "update", comment).await?;
    pipelines.changed(&changed.body.project, "build", changed.id.to_string());
    Ok(changed)
}
