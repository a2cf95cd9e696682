//! `pipelines/pipelinePermissions`: which pipelines may use a resource.
//!
//! Where nobody has said anything, the rights of the people decide as they do everywhere. A pipeline that is permitted
//! may use the resource whoever runs it; as soon as only some are permitted, the others wait before their stage.

use std::collections::BTreeMap;

use http::Method;
use pave_devops::{AreaError, AreaRequest, Project};
use serde_json::{Value, json};

use super::checks::{named, realm, resource_id};
use super::shape::Links;
use super::{Answer, list, nothing, number, ok, project, text};
use crate::access::Realm;
use crate::engine::{advance_later, checks::permission_name};
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{Authorized, Permission};

/// `pipelines/pipelinePermissions`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    let project = project(request)?;
    match (&request.method, rest) {
        (&Method::GET, [kind, of]) => shown(pipelines, request, project, kind, of).await,
        (&Method::PATCH, [kind, of]) => {
            let body = request.json()?;
            change(pipelines, request, project, (kind, of), &body).await?;
            shown(pipelines, request, project, kind, of).await
        }
        (&Method::PATCH, []) => {
            let body = request.json()?;
            for it in body.as_array().into_iter().flatten() {
                let (kind, of) = resource(it, "/resource");
                change(pipelines, request, project, (&kind, &of), it).await?;
            }
            list(body.as_array().cloned().unwrap_or_default())
        }
        _ => Err(nothing(request)),
    }
}

fn resource(body: &Value, at: &str) -> (String, String) {
    let id = number(body, &format!("{at}/id")).map(|it| it.to_string());
    let id = id.or_else(|| text(body, &format!("{at}/id")).map(str::to_owned));
    let kind = text(body, &format!("{at}/type")).unwrap_or_default();
    (kind.to_owned(), id.unwrap_or_default())
}

async fn stored(
    pipelines: &Pipelines,
    project: &Project,
    kind: &str,
    of: &str,
) -> Result<Option<Stored<Permission>>, AreaError> {
    let name = permission_name(kind, &resource_id(project, kind, of));
    Ok(pipelines
        .store()
        .named(Kind::Permission, project.id, &name)
        .await?)
}

async fn shown(
    pipelines: &Pipelines,
    request: &AreaRequest,
    project: &Project,
    kind: &str,
    of: &str,
) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let found = stored(pipelines, project, kind, of).await?;
    let Some(found) = found else {
        // Nobody has said anything: whoever may use the resource may do so in any pipeline.
        return ok(
            json!({"resource": {"type": kind, "id": of}, "allPipelines": {"authorized": true}, "pipelines": []}),
        );
    };
    let one = |it: &Authorized| json!({"authorized": it.allowed, "authorizedBy": links.identity(&it.by, project), "authorizedOn": it.at});
    let own = found.body.pipelines.iter().map(|(id, it)| {
        let mut shape = one(it);
        shape["id"] = json!(id);
        shape
    });
    ok(json!({
        "resource": {"type": found.body.resource_kind, "id": found.body.resource_id, "name": found.body.resource_name},
        "allPipelines": found.body.all.as_ref().map(one), "pipelines": own.collect::<Vec<_>>(),
    }))
}

async fn change(
    pipelines: &Pipelines,
    request: &AreaRequest,
    project: &Project,
    (kind, of): (&str, &str),
    body: &Value,
) -> Result<(), AreaError> {
    let name = named(pipelines, project, kind, of).await?;
    let realm = realm(kind).unwrap_or(Realm::Pipelines);
    pipelines
        .check(&request.principal, "manage", realm, project, &name)
        .await?;
    let said = |allowed: bool| Authorized {
        allowed,
        by: request.principal.clone(),
        at: crate::engine::timeline::now(),
    };
    let before = stored(pipelines, project, kind, of).await?;
    let mut permission = before.as_ref().map_or_else(
        || Permission {
            resource_kind: kind.to_lowercase(),
            resource_id: resource_id(project, kind, of),
            resource_name: name.clone(),
            all: None,
            pipelines: BTreeMap::new(),
        },
        |it| it.body.clone(),
    );
    if let Some(all) = body.get("allPipelines") {
        let authorized = all.get("authorized").and_then(Value::as_bool);
        permission.all = authorized.map(said);
    }
    for it in body
        .get("pipelines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let id = number(it, "/id").ok_or_else(|| AreaError::bad_request("A pipeline needs its `id`."))?;
        let authorized = it.get("authorized").and_then(Value::as_bool).unwrap_or(true);
        permission.pipelines.insert(id, said(authorized));
    }
    let key = permission_name(kind, &permission.resource_id);
    let store = pipelines.store();
    if let Some(before) = before {
        store
            .replace(Kind::Permission, before.id, &key, &permission, None)
            .await?;
    } else {
        store
            .add(Kind::Permission, project.id, &key, &permission, None)
            .await?;
    }
    pipelines.changed(project, "pipelinePermissions", key);
    // Runs that wait for this may go on.
    let shared = pipelines.shared()?;
    for id in pipelines.store().active().await? {
        advance_later(&shared, id);
    }
    Ok(())
}

/// The older form, `build/authorizedresources`: a list of resources for all pipelines.
pub(super) async fn authorized(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    if request.method != Method::GET {
        let body = request.json()?;
        let project = project(request)?;
        for it in body.as_array().into_iter().flatten() {
            let (kind, of) = resource(it, "");
            let authorized = it.get("authorized").and_then(Value::as_bool).unwrap_or(true);
            // Queues are open to everybody here.
            if realm(&kind).is_some() {
                let wish = json!({"allPipelines": {"authorized": authorized}});
                change(pipelines, request, project, (&kind, &of), &wish).await?;
            }
        }
        return list(body.as_array().cloned().unwrap_or_default());
    }
    let Some(id) = request.parameter("id") else {
        return list(Vec::new());
    };
    let kind = request.parameter("type").unwrap_or_default();
    let found = stored(pipelines, project(request)?, kind, id).await?;
    let authorized = found.is_none_or(|it| it.body.all.is_some_and(|all| all.allowed));
    list(vec![json!({"type": kind, "id": id, "authorized": authorized})])
}
