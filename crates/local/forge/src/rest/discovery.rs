//! What clients ask before their first call.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Call;
use crate::event::{account_id, identity_json};
use crate::forge::Forge;

/// Routes by the ids that clients know: area, id, resource, template.
const LOCATIONS: [(&str, &str, &str, &str); 10] = [
    (
        "Location",
        "e81700f7-3be2-46de-8624-2eb35882fcaa",
        "ResourceAreas",
        "_apis/{resource}/{areaId}",
    ),
    (
        "Location",
        "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
        "ConnectionData",
        "_apis/{resource}",
    ),
    (
        "core",
        "603fe2ac-9723-48b9-88ad-09305aa6c6e1",
        "projects",
        "_apis/{resource}/{*projectId}",
    ),
    (
        "hooks",
        "fc50d02a-849f-41fb-8af1-0a5216103269",
        "subscriptions",
        "_apis/{area}/{resource}/{subscriptionId}",
    ),
    (
        "git",
        "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
        "repositories",
        "{project}/_apis/{area}/{resource}/{repositoryId}",
    ),
    (
        "git",
        "2d874a60-a811-4f62-9c9f-963a6ea0a55b",
        "refs",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{*filter}",
    ),
    (
        "git",
        "c2570c3b-5b3f-41b8-98bf-5407bfde8d58",
        "commits",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{commitId}",
    ),
    (
        "git",
        "5bf884f5-3e07-42e9-afb8-1b872267bf16",
        "changes",
        "{project}/_apis/{area}/repositories/{repositoryId}/commits/{commitId}/{resource}",
    ),
    (
        "git",
        "fb93c0db-47ed-4a31-8c20-47552878fb44",
        "items",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{*path}",
    ),
    (
        "git",
        "ea98d07b-3c87-4971-8ede-a613694ffb55",
        "pushes",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{pushId}",
    ),
];

/// `OPTIONS _apis[/{area}]`.
pub(crate) fn locations(area: Option<&str>) -> Response {
    let wanted = LOCATIONS
        .iter()
        .filter(|(name, ..)| area.is_none_or(|area| name.eq_ignore_ascii_case(area)));
    let value: Vec<Value> = wanted
        .map(|(area, id, resource, template)| {
            json!({
                "id": id, "area": area, "resourceName": resource, "routeTemplate": template,
                "resourceVersion": 1, "minVersion": "1.0", "maxVersion": "7.2", "releasedVersion": "7.1",
            })
        })
        .collect();
    super::list(value)
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
