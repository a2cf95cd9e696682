//! What clients ask before their first call.

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use pave_auth::Principal;
use pave_devops::ResourceLocation;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use crate::ForgeError;
use crate::error::ApiError;
use crate::event::{account_id, identity_json};
use crate::forge::Forge;
use crate::pull::people::group_id;
use crate::repository::below;

/// The only process there is; every project says that it is of it.
const PROCESS: &str = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2";

/// Routes by the ids that clients know.
const LOCATIONS: [ResourceLocation; 36] = [
    ResourceLocation::new(
        "Location",
        "e81700f7-3be2-46de-8624-2eb35882fcaa",
        "ResourceAreas",
        "_apis/{resource}/{areaId}",
    ),
    ResourceLocation::new(
        "Location",
        "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
        "ConnectionData",
        "_apis/{resource}",
    ),
    ResourceLocation::new(
        "core",
        "603fe2ac-9723-48b9-88ad-09305aa6c6e1",
        "projects",
        "_apis/{resource}/{*projectId}",
    ),
    ResourceLocation::new(
        "core",
        "93878975-88c5-4e6a-8abb-7ddd77a8a7d8",
        "processes",
        "_apis/process/{resource}/{processId}",
    ),
    ResourceLocation::new(
        "IMS",
        "28010c54-d0c0-4c89-a5b0-1c9e188b9fb7",
        "Identities",
        "_apis/{resource}/{identityId}",
    ),
    ResourceLocation::new(
        "operations",
        "9a1b74b4-2ca8-4a9f-8470-c2f2e6fdc949",
        "operations",
        "_apis/{resource}/{operationId}",
    ),
    ResourceLocation::new(
        "hooks",
        "fc50d02a-849f-41fb-8af1-0a5216103269",
        "subscriptions",
        "_apis/{area}/{resource}/{subscriptionId}",
    ),
    ResourceLocation::new(
        "search",
        "e7f29993-5b82-4fca-9386-f5cfe683d524",
        "codesearchresults",
        "{project}/_apis/{area}/{resource}",
    ),
    ResourceLocation::new(
        "policy",
        "44096322-2d3d-466a-bb30-d1b7de69f61f",
        "types",
        "{project}/_apis/{area}/{resource}/{typeId}",
    ),
    ResourceLocation::new(
        "policy",
        "dad91cbe-d183-45f8-9c6e-9c1164472121",
        "configurations",
        "{project}/_apis/{area}/{resource}/{configurationId}",
    ),
    ResourceLocation::new(
        "policy",
        "c23ddff5-229c-4d04-a80b-0fdce9f360c8",
        "evaluations",
        "{project}/_apis/{area}/{resource}",
    ),
    ResourceLocation::new(
        "policy",
        "46aecb7a-5d2c-4647-897b-0209505a9fe4",
        "evaluations",
        "{project}/_apis/{area}/{resource}/{evaluationId}",
    ),
    ResourceLocation::new(
        "git",
        "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
        "repositories",
        "{project}/_apis/{area}/{resource}/{repositoryId}",
    ),
    ResourceLocation::new(
        "git",
        "2d874a60-a811-4f62-9c9f-963a6ea0a55b",
        "refs",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{*filter}",
    ),
    ResourceLocation::new(
        "git",
        "c2570c3b-5b3f-41b8-98bf-5407bfde8d58",
        "commits",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{commitId}",
    ),
    ResourceLocation::new(
        "git",
        "5bf884f5-3e07-42e9-afb8-1b872267bf16",
        "changes",
        "{project}/_apis/{area}/repositories/{repositoryId}/commits/{commitId}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "fb93c0db-47ed-4a31-8c20-47552878fb44",
        "items",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{*path}",
    ),
    ResourceLocation::new(
        "git",
        "ea98d07b-3c87-4971-8ede-a613694ffb55",
        "pushes",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{pushId}",
    ),
    ResourceLocation::new(
        "git",
        "615588d5-c0c7-4b88-88f8-e625306446e8",
        "diffs",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/commits",
    ),
    ResourceLocation::new(
        "git",
        "d5b216de-d8d5-4d32-ae76-51df755b16d3",
        "branches",
        "{project}/_apis/{area}/repositories/{repositoryId}/stats/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "5e8a8081-3851-4626-b677-9891cc04102e",
        "annotatedTags",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{objectId}",
    ),
    ResourceLocation::new(
        "git",
        "9946fd70-0d40-406e-b686-b4744cbbcc37",
        "pullRequests",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{pullRequestId}",
    ),
    ResourceLocation::new(
        "git",
        "01a46dea-7d46-4d40-bc84-319e7c260d99",
        "pullRequests",
        "{project}/_apis/{area}/{resource}/{pullRequestId}",
    ),
    ResourceLocation::new(
        "git",
        "a5d28130-9cd2-40fa-9f08-902e7daa9efb",
        "pullRequests",
        "{project}/_apis/{area}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "4b6702c7-aa35-4b89-9c96-b9abf6d3e540",
        "reviewers",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}/{reviewerId}",
    ),
    ResourceLocation::new(
        "git",
        "b5f6bb4f-8d1e-4d79-8d11-4c9172c99c35",
        "statuses",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}/{statusId}",
    ),
    ResourceLocation::new(
        "git",
        "d43911ee-6958-46b0-a42b-8445b8a0d004",
        "iterations",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}/{iterationId}",
    ),
    ResourceLocation::new(
        "git",
        "4216bdcf-b6b1-4d59-8b82-c34cc183fc8b",
        "changes",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/iterations/{iterationId}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "e7ea0883-095f-4926-b5fb-f24691c26fb9",
        "commits",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/iterations/{iterationId}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "75cf11c5-979f-4038-a76e-058a06adf2bf",
        "statuses",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/iterations/{iterationId}/{resource}/{statusId}",
    ),
    ResourceLocation::new(
        "git",
        "ab6e2e5d-a0b7-4153-b64a-a4efe0d49449",
        "threads",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}/{threadId}",
    ),
    ResourceLocation::new(
        "git",
        "965a3ec7-5ed8-455a-bdcb-835a5ea7fe7b",
        "comments",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/threads/{threadId}/{resource}/{commentId}",
    ),
    ResourceLocation::new(
        "git",
        "52823034-34a8-4576-922c-8d8b77e9e4c4",
        "commits",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "f22387e3-984e-4c52-9c6d-fbb8f14c812d",
        "labels",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}/{labelIdOrName}",
    ),
    ResourceLocation::new(
        "git",
        "0a637fcc-5370-4ce8-b0e8-98091f5f9482",
        "workitems",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}",
    ),
    ResourceLocation::new(
        "git",
        "48a52185-5b9e-4736-9dc1-bb1e2feac80b",
        "properties",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/{resource}",
    ),
];

/// `OPTIONS _apis[/{area}]`: the routes of the forge and of everybody behind it.
pub(crate) fn locations(forge: &Forge, area: Option<&str>) -> Response {
    let others = forge.neighbours().into_iter().flat_map(|it| &it.areas);
    let others = others.flat_map(|area| area.locations().iter().copied());
    let wanted = LOCATIONS
        .into_iter()
        .chain(super::locations::MORE)
        .chain(others)
        .filter(|it| area.is_none_or(|area| it.area.eq_ignore_ascii_case(area)));
    super::list(wanted.map(|it| {
        json!({
            "id": it.id, "area": it.area, "resourceName": it.resource, "routeTemplate": it.template,
            "resourceVersion": 1, "minVersion": "1.0", "maxVersion": "7.2", "releasedVersion": "7.1",
        })
    }))
}

/// `GET _apis/ConnectionData`: who the token belongs to.
pub(crate) fn connection(forge: &Forge, call: &Call) -> Response {
    let mut user = identity_json(forge.base_url(), &call.organization, &call.principal);
    user["providerDisplayName"] = json!(call.principal.display_name);
    user["isActive"] = json!(true);
    let account = account_id(&call.organization);
    let body = json!({
        "authenticatedUser": user, "authorizedUser": user, "instanceId": account, "deploymentId": account,
        "deploymentType": "onPremises",
    });
    Json(body).into_response()
}

/// `GET _apis/process/processes[/{id}]`: what a client chooses of before it makes a project.
pub(crate) fn processes(forge: &Forge, call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let tail = [&call.organization, "_apis", "process", "processes", PROCESS];
    let process = json!({
        "id": PROCESS, "name": "Basic", "description": "Repositories and pipelines, without work items.",
        "isDefault": true, "type": "system", "url": below(forge.base_url(), &tail),
    });
    match id {
        None => Ok(super::list([process])),
        Some(id) if id.eq_ignore_ascii_case(PROCESS) => Ok(Json(process).into_response()),
        Some(id) => Err(ApiError::not_found(&format!("process {id}"))),
    }
}

/// `GET _apis/identities[/{id}]`: people and groups by id, or by what they are called. Nobody fits: an empty list.
pub(crate) async fn identities(forge: &Forge, call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let all = everybody(forge).await?;
    if let Some(id) = id {
        let found = all.into_iter().find(|it| it.is_id(id));
        return found
            .map(|it| Json(it.shown).into_response())
            .ok_or_else(|| ApiError::not_found(&format!("identity {id}")));
    }
    let value = |name: &str| call.query.get(&[name]).unwrap_or_default();
    let ids: Vec<&str> = ["identityIds", "descriptors", "subjectDescriptors"]
        .into_iter()
        .flat_map(|name| value(name).split(','))
        .filter(|id| !id.is_empty())
        .collect();
    let wanted = value("filterValue").trim().to_lowercase();
    let fits = |it: &Identity| {
        if ids.is_empty() {
            !wanted.is_empty() && it.names.contains(&wanted)
        } else {
            ids.iter().any(|id| it.is_id(id))
        }
    };
    Ok(super::list(all.into_iter().filter(fits).map(|it| it.shown)))
}

/// Somebody, with everything that they may be asked for by.
struct Identity {
    names: Vec<String>,
    shown: Value,
}

impl Identity {
    fn is_id(&self, wanted: &str) -> bool {
        ["id", "descriptor", "subjectDescriptor"]
            .into_iter()
            .any(|field| {
                self.shown[field]
                    .as_str()
                    .is_some_and(|id| id.eq_ignore_ascii_case(wanted))
            })
    }

    fn new(id: Uuid, display_name: &str, account: &str, mail: &str, is_group: bool) -> Self {
        let text = |value: &str| json!({ "$type": "System.String", "$value": value });
        let (schema, subject) = if is_group {
            ("Group", format!("vssgp.{id}"))
        } else {
            ("User", format!("aad.{id}"))
        };
        let shown = json!({
            "id": id, "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{id}"),
            "subjectDescriptor": subject, "providerDisplayName": display_name, "isActive": true,
            "isContainer": is_group, "members": [], "memberOf": [], "memberIds": [],
            "properties": {
                "SchemaClassName": text(schema), "Account": text(account), "Mail": text(mail),
            },
            "resourceVersion": 2, "metaTypeId": 0,
        });
        let names = [display_name, account, mail].map(str::to_lowercase);
        Self {
            names: names.into_iter().filter(|name| !name.is_empty()).collect(),
            shown,
        }
    }
}

async fn everybody(forge: &Forge) -> Result<Vec<Identity>, ApiError> {
    let people = forge.identities().principals().await.map_err(ForgeError::from)?;
    let groups: BTreeSet<&String> = people.iter().flat_map(|it| &it.groups).collect();
    let groups: Vec<Identity> = groups
        .into_iter()
        .map(|name| Identity::new(group_id(name), name, name, "", true))
        .collect();
    let person = |it: &Principal| {
        let mut identity = Identity::new(it.id, &it.display_name, &it.user, &it.email, false);
        identity.names.push(it.entity.to_string().to_lowercase());
        identity.names.push(it.entity.name().to_lowercase());
        identity
    };
    Ok(people.iter().map(person).chain(groups).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_groups_are_found_by_what_they_are_called() {
        let alice = Identity::new(
            Uuid::from_u128(1),
            "Alice A.",
            "alice",
            "Alice@Example.com",
            false,
        );
        let team = Identity::new(Uuid::from_u128(2), "team-a", "team-a", "", true);
        let check = |identity: &Identity, id: &str, expected: bool| {
            assert_eq!(identity.is_id(id), expected, "{id}");
        };
        assert_eq!(alice.names, ["alice a.", "alice", "alice@example.com"]);
        assert_eq!(team.names, ["team-a", "team-a"]);
        check(&alice, "00000000-0000-0000-0000-000000000001", true);
        check(&alice, "AAD.00000000-0000-0000-0000-000000000001", true);
        check(&alice, "alice", false);
        check(&team, "vssgp.00000000-0000-0000-0000-000000000002", true);
        assert_eq!(team.shown["isContainer"], true);
    }
}
