//! Service connections. Whether one works is found out by asking for a token with it.

mod cloud;

pub(crate) use cloud::token as cloud_token;

use std::collections::BTreeMap;

use http::Method;
use pave_devops::{AreaError, AreaRequest, Project};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use cloud::test;

use super::shape::Links;
use super::tasks::{issuer, subject};
use super::{Answer, empty, list, nothing, ok, text};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::store::{Kind, Stored};
use crate::things::Endpoint;

/// Parameters of an authorization that are kept sealed and never shown.
const SECRET: [&str; 6] = [
    "serviceprincipalkey",
    "serviceprincipalcertificate",
    "password",
    "apitoken",
    "accesstoken",
    "accountkey",
];

/// `serviceendpoint`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (&Method::GET, ["endpoints"]) => listed(pipelines, request).await,
        (&Method::POST, ["endpoints"]) => save(pipelines, request, None).await,
        (&Method::GET, ["endpoints", one]) => ok(shape(
            pipelines,
            request,
            &find(pipelines, request, one, "get").await?,
        )),
        (&Method::PUT, ["endpoints", one]) => {
            let stored = find(pipelines, request, one, "manage").await?;
            save(pipelines, request, Some(stored)).await
        }
        (&Method::DELETE, ["endpoints", one]) => {
            let stored = find(pipelines, request, one, "manage").await?;
            pipelines.store().remove(Kind::Endpoint, stored.id).await?;
            pipelines.changed(
                &stored.body.project,
                "serviceendpoint",
                stored.body.uuid.to_string(),
            );
            empty()
        }
        (&Method::POST, ["endpointproxy"]) => proxy(pipelines, request).await,
        (&Method::GET, ["types"]) => types(request),
        _ => Err(nothing(request)),
    }
}

/// Kinds of connections that are made here, with the ways in which they show who they are.
fn types(request: &AreaRequest) -> Answer {
    let known = [
        (
            "azurerm",
            "Azure Resource Manager",
            &[
                "WorkloadIdentityFederation",
                "ServicePrincipal",
                "ManagedServiceIdentity",
            ][..],
        ),
        ("generic", "Generic", &["UsernamePassword"][..]),
    ];
    let given = |key: &str| request.parameter(key).filter(|it| !it.is_empty());
    let wanted = known.into_iter().filter(|(name, _, schemes)| {
        given("type").is_none_or(|it| it.eq_ignore_ascii_case(name))
            && given("scheme").is_none_or(|it| schemes.iter().any(|own| own.eq_ignore_ascii_case(it)))
    });
    let shape = |(name, display, schemes): (&str, &str, &[&str])| {
        let schemes: Vec<Value> = schemes.iter().map(|it| json!({"scheme": it})).collect();
        json!({"name": name, "displayName": display, "authenticationSchemes": schemes})
    };
    list(wanted.map(shape).collect())
}

/// A project that a body names by id or name.
pub(crate) async fn project_of(
    pipelines: &Pipelines,
    request: &AreaRequest,
    given: &str,
) -> Result<Project, AreaError> {
    let found = pipelines
        .options()
        .repositories
        .project(&request.organization, given)
        .await;
    let found = found.map_err(crate::PipelinesError::from)?;
    found.ok_or_else(|| AreaError::not_found(format!("TF200016: The project {given} does not exist.")))
}

async fn listed(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let project = request.project.as_ref().map(|it| it.id);
    let all = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, project)
        .await?;
    let among = |key: &str, own: &str| {
        let given = request.parameter(key).filter(|it| !it.is_empty());
        given.is_none_or(|given| given.split(',').any(|it| it.trim().eq_ignore_ascii_case(own)))
    };
    let mut shown = Vec::new();
    for it in all {
        let body = &it.body;
        let wanted = among("endpointNames", &body.name)
            && among("type", &body.kind)
            && among("authSchemes", &body.scheme)
            && among("owner", "Library")
            && among("endpointIds", &body.uuid.to_string());
        if wanted
            && pipelines
                .allows(
                    &request.principal,
                    "get",
                    Realm::ServiceEndpoints,
                    &body.project,
                    &body.name,
                )
                .await
                .is_ok()
        {
            shown.push(shape(pipelines, request, &it));
        }
    }
    list(shown)
}

async fn find(
    pipelines: &Pipelines,
    request: &AreaRequest,
    one: &str,
    verb: &str,
) -> Result<Stored<Endpoint>, AreaError> {
    let project = request.project.as_ref().map(|it| it.id);
    let all = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, project)
        .await?;
    let found = all
        .into_iter()
        .find(|it| it.body.uuid.to_string().eq_ignore_ascii_case(one));
    let found = found.ok_or_else(|| {
        AreaError::new(
            http::StatusCode::NOT_FOUND,
            "ServiceEndpointNotFoundException",
            format!("Service endpoint {one} does not exist."),
        )
    })?;
    pipelines
        .check(
            &request.principal,
            verb,
            Realm::ServiceEndpoints,
            &found.body.project,
            &found.body.name,
        )
        .await?;
    Ok(found)
}

async fn save(pipelines: &Pipelines, request: &AreaRequest, before: Option<Stored<Endpoint>>) -> Answer {
    let body = request.json()?;
    let reference = |key: &str| {
        text(
            &body,
            &format!("/serviceEndpointProjectReferences/0/projectReference/{key}"),
        )
    };
    let project = match (
        &before,
        &request.project,
        reference("id").or_else(|| reference("name")),
    ) {
        (Some(before), _, _) => before.body.project.clone(),
        (None, Some(project), _) => project.clone(),
        (None, None, Some(given)) => project_of(pipelines, request, given).await?,
        (None, None, None) => {
            return Err(AreaError::bad_request(
                "A service endpoint needs `serviceEndpointProjectReferences`.",
            ));
        }
    };
    let name = text(&body, "/name").or_else(|| text(&body, "/serviceEndpointProjectReferences/0/name"));
    let name = name.ok_or_else(|| AreaError::bad_request("A service endpoint needs a name."))?;
    pipelines
        .check(
            &request.principal,
            "manage",
            Realm::ServiceEndpoints,
            &project,
            name,
        )
        .await?;
    let known = match &before {
        Some(before) => pipelines.unseal(before.secret.as_deref())?,
        None => BTreeMap::new(),
    };
    let (parameters, secrets) = parameters(&body, known);
    let mut endpoint = Endpoint {
        uuid: before.as_ref().map_or_else(Uuid::new_v4, |it| it.body.uuid),
        name: name.to_owned(),
        description: text(&body, "/description").unwrap_or_default().to_owned(),
        kind: text(&body, "/type").unwrap_or("AzureRM").to_owned(),
        url: text(&body, "/url")
            .unwrap_or("https://management.azure.com/")
            .to_owned(),
        data: strings(body.get("data")),
        scheme: text(&body, "/authorization/scheme")
            .unwrap_or("ServicePrincipal")
            .to_owned(),
        parameters,
        project: project.clone(),
        is_shared: body.get("isShared").and_then(Value::as_bool).unwrap_or(false),
        created_by: before
            .as_ref()
            .map_or_else(|| request.principal.clone(), |it| it.body.created_by.clone()),
        is_ready: false,
        status: String::new(),
    };
    (endpoint.is_ready, endpoint.status) = verdict(test(pipelines, &endpoint, &secrets).await);
    let sealed = pipelines.seal(&secrets)?;
    let saved = match &before {
        Some(before) => pipelines
            .store()
            .replace(Kind::Endpoint, before.id, name, &endpoint, sealed)
            .await?
            .then_some(before.id),
        None => {
            pipelines
                .store()
                .add(Kind::Endpoint, project.id, name, &endpoint, sealed)
                .await?
        }
    };
    let Some(id) = saved else {
        let words = format!(
            "Service connection with name {name} already exists. Only a user having Administrator/User role permissions on service connection {name} can see it."
        );
        return Err(AreaError::new(
            http::StatusCode::CONFLICT,
            "DuplicateServiceConnectionException",
            words,
        ));
    };
    pipelines.changed(&project, "serviceendpoint", endpoint.uuid.to_string());
    ok(shape(
        pipelines,
        request,
        &Stored {
            id,
            project: project.id,
            body: endpoint,
            secret: None,
        },
    ))
}

fn verdict(tested: Result<(), String>) -> (bool, String) {
    match tested {
        Ok(()) => (true, String::new()),
        Err(words) => (false, words),
    }
}

/// Parameters to show, and those to seal. A secret that is not given again keeps its value.
fn parameters(
    body: &Value,
    known: BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let given = strings(body.pointer("/authorization/parameters"));
    let (hidden, shown): (BTreeMap<_, _>, BTreeMap<_, _>) = given
        .into_iter()
        .partition(|(key, _)| SECRET.contains(&key.to_lowercase().as_str()));
    let mut secrets = known;
    secrets.extend(
        hidden
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_lowercase(), value)),
    );
    (shown, secrets)
}

fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let object = value.and_then(Value::as_object);
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), plain(value)))
        .collect()
}

fn shape(pipelines: &Pipelines, request: &AreaRequest, stored: &Stored<Endpoint>) -> Value {
    let it = &stored.body;
    let links = Links {
        base: &request.base_url,
    };
    let mut parameters: Map<String, Value> = it
        .parameters
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    match it.scheme.to_lowercase().as_str() {
        "serviceprincipal" => {
            parameters.insert("serviceprincipalkey".to_owned(), Value::Null);
        }
        "workloadidentityfederation" => {
            parameters.insert("workloadIdentityFederationSubject".to_owned(), json!(subject(it)));
            parameters.insert(
                "workloadIdentityFederationIssuer".to_owned(),
                json!(issuer(pipelines)),
            );
        }
        _ => {}
    }
    let state = if it.is_ready { "Ready" } else { "Failed" };
    json!({
        "id": it.uuid, "name": it.name, "type": it.kind, "url": it.url, "description": it.description, "data": it.data,
        "authorization": {"scheme": it.scheme, "parameters": parameters}, "isShared": it.is_shared, "isReady": it.is_ready,
        "isOutdated": false, "owner": "Library", "createdBy": links.identity(&it.created_by, &it.project),
        "operationStatus": {"state": state, "statusMessage": it.status},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": it.project.id, "name": it.project.name}, "name": it.name, "description": it.description}],
    })
}

/// Tests a connection that is stored, or one that is only described so far.
async fn proxy(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let body = if request.body.is_empty() {
        json!({})
    } else {
        request.json()?
    };
    let stored = match request
        .parameter("endpointId")
        .filter(|it| Uuid::try_parse(it).is_ok_and(|it| !it.is_nil()))
    {
        Some(id) => Some(find(pipelines, request, id, "use").await?),
        None => None,
    };
    let tested = if let Some(mut stored) = stored {
        let secrets = pipelines.unseal(stored.secret.as_deref())?;
        let tested = test(pipelines, &stored.body, &secrets).await;
        (stored.body.is_ready, stored.body.status) = verdict(tested.clone());
        let name = stored.body.name.clone();
        pipelines
            .store()
            .replace(
                Kind::Endpoint,
                stored.id,
                &name,
                &stored.body,
                stored.secret.clone(),
            )
            .await?;
        tested
    } else {
        let details = body.get("serviceEndpointDetails").cloned().unwrap_or_default();
        let project = super::project(request)?;
        // Whoever may not make a connection may not use us to talk to other hosts either.
        let name = text(&details, "/name").unwrap_or("new");
        pipelines
            .check(
                &request.principal,
                "manage",
                Realm::ServiceEndpoints,
                project,
                name,
            )
            .await?;
        let (parameters, secrets) = parameters(&details, BTreeMap::new());
        let described = Endpoint {
            uuid: Uuid::nil(),
            name: text(&details, "/name").unwrap_or("new").to_owned(),
            description: String::new(),
            kind: text(&details, "/type").unwrap_or("AzureRM").to_owned(),
            url: text(&details, "/url")
                .unwrap_or("https://management.azure.com/")
                .to_owned(),
            data: strings(details.get("data")),
            scheme: text(&details, "/authorization/scheme")
                .unwrap_or("ServicePrincipal")
                .to_owned(),
            parameters,
            project: project.clone(),
            is_shared: false,
            created_by: request.principal.clone(),
            is_ready: false,
            status: String::new(),
        };
        test(pipelines, &described, &secrets).await
    };
    let words = tested.as_ref().err().cloned().unwrap_or_default();
    let status = if tested.is_ok() { "ok" } else { "unauthorized" };
    ok(json!({"statusCode": status, "errorMessage": words, "result": []}))
}
