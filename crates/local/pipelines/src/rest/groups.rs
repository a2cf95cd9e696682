//! `distributedtask/variablegroups`.

use std::collections::BTreeMap;

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Map, Value, json};

use super::listing::page_of;
use super::shape::Links;
use super::{Answer, empty, id, nothing, ok, project, text};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::{DefinitionVariable, VariableGroup};

pub(super) async fn groups(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all = pipelines
                .store()
                .things::<VariableGroup>(Kind::VariableGroup, Some(project(request)?.id))
                .await?;
            let mut shown = Vec::new();
            for it in all {
                let named = request.parameter("groupName").is_none_or(|name| {
                    name.strip_suffix('*').map_or_else(
                        || name.eq_ignore_ascii_case(&it.body.name),
                        |prefix| it.body.name.to_lowercase().starts_with(&prefix.to_lowercase()),
                    )
                });
                let ids = request.parameter("groupIds").filter(|ids| !ids.is_empty());
                let wanted = ids.is_none_or(|ids| ids.split(',').any(|id| id.trim() == it.id.to_string()));
                let body = &it.body;
                if named
                    && wanted
                    && pipelines
                        .allows(
                            &request.principal,
                            "get",
                            Realm::VariableGroups,
                            &body.project,
                            &body.name,
                        )
                        .await
                        .is_ok()
                {
                    shown.push(group(request, &it));
                }
            }
            page_of(request, shown, 1000)
        }
        (&Method::POST, []) => save_group(pipelines, request, None).await,
        (&Method::GET, [one]) => ok(group(request, &find_group(pipelines, request, one).await?)),
        (&Method::PUT, [one]) => {
            let stored = pipelines.store().thing(Kind::VariableGroup, id(one)?).await?;
            let stored =
                stored.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
            save_group(pipelines, request, Some(stored)).await
        }
        (&Method::DELETE, [one]) => {
            let stored = pipelines
                .store()
                .thing::<VariableGroup>(Kind::VariableGroup, id(one)?)
                .await?;
            let stored =
                stored.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
            let it = &stored.body;
            pipelines
                .check(
                    &request.principal,
                    "manage",
                    Realm::VariableGroups,
                    &it.project,
                    &it.name,
                )
                .await?;
            pipelines.store().remove(Kind::VariableGroup, stored.id).await?;
            empty()
        }
        _ => Err(nothing(request)),
    }
}

async fn find_group(
    pipelines: &Pipelines,
    request: &AreaRequest,
    one: &str,
) -> Result<Stored<VariableGroup>, AreaError> {
    let project = project(request)?;
    let found = pipelines
        .store()
        .thing::<VariableGroup>(Kind::VariableGroup, id(one)?)
        .await?;
    let found = found.filter(|it| it.project == project.id);
    let found = found.ok_or_else(|| AreaError::not_found(format!("There is no variable group {one}.")))?;
    pipelines
        .check(
            &request.principal,
            "get",
            Realm::VariableGroups,
            project,
            &found.body.name,
        )
        .await?;
    Ok(found)
}

async fn save_group(
    pipelines: &Pipelines,
    request: &AreaRequest,
    before: Option<Stored<VariableGroup>>,
) -> Answer {
    let body = request.json()?;
    let reference = |key: &str| {
        text(
            &body,
            &format!("/variableGroupProjectReferences/0/projectReference/{key}"),
        )
    };
    let project = match (&request.project, reference("id").or_else(|| reference("name"))) {
        (Some(project), _) => project.clone(),
        (None, Some(given)) => super::endpoints::project_of(pipelines, request, given).await?,
        (None, None) => {
            let words = "A variable group needs `variableGroupProjectReferences`.";
            return Err(AreaError::bad_request(words));
        }
    };
    let name =
        text(&body, "/name").ok_or_else(|| AreaError::bad_request("A variable group needs a name."))?;
    pipelines
        .check(
            &request.principal,
            "manage",
            Realm::VariableGroups,
            &project,
            name,
        )
        .await?;
    let known = match &before {
        Some(before) if before.body.project.id != project.id => {
            return Err(AreaError::not_found("The variable group is in another project."));
        }
        Some(before) => {
            let old = &before.body.name;
            pipelines
                .check(&request.principal, "manage", Realm::VariableGroups, &project, old)
                .await?;
            pipelines.unseal(before.secret.as_deref())?
        }
        None => BTreeMap::new(),
    };
    let (variables, secrets) = super::definitions::defined(&body, known);
    let now = crate::engine::timeline::now();
    let group_body = VariableGroup {
        name: name.to_owned(),
        description: text(&body, "/description").unwrap_or_default().to_owned(),
        kind: text(&body, "/type").unwrap_or("Vsts").to_owned(),
        variables,
        project: project.clone(),
        created_by: before
            .as_ref()
            .map_or_else(|| request.principal.clone(), |it| it.body.created_by.clone()),
        created_at: before
            .as_ref()
            .map_or_else(|| now.clone(), |it| it.body.created_at.clone()),
        modified_at: now,
    };
    let sealed = pipelines.seal(&secrets)?;
    let saved = match &before {
        Some(before) => {
            let saved = pipelines
                .store()
                .replace(Kind::VariableGroup, before.id, name, &group_body, sealed)
                .await?;
            saved.then_some(before.id)
        }
        None => {
            pipelines
                .store()
                .add(Kind::VariableGroup, project.id, name, &group_body, sealed)
                .await?
        }
    };
    let Some(id) = saved else {
        let words = format!("Variable group {name} exists already.");
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "VariableGroupExistsException",
            words,
        ));
    };
    pipelines.changed(&project, "distributedtask", id.to_string());
    ok(group(
        request,
        &Stored {
            id,
            project: project.id,
            body: group_body,
            secret: None,
        },
    ))
}

fn group(request: &AreaRequest, stored: &Stored<VariableGroup>) -> Value {
    let it = &stored.body;
    let links = Links {
        base: &request.base_url,
    };
    let shown = |variable: &DefinitionVariable| {
        if variable.is_secret {
            json!({"value": null, "isSecret": true})
        } else {
            json!({"value": variable.value})
        }
    };
    let variables: Map<String, Value> = it
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), shown(variable)))
        .collect();
    let who = links.identity(&it.created_by, &it.project);
    json!({
        "id": stored.id, "name": it.name, "description": it.description, "type": it.kind, "variables": variables,
        "isShared": false, "createdBy": who, "modifiedBy": who, "createdOn": it.created_at, "modifiedOn": it.modified_at,
        "variableGroupProjectReferences": [{"projectReference": {"id": it.project.id, "name": it.project.name}, "name": it.name, "description": it.description}],
    })
}
