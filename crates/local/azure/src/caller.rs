//! Who calls: the bearer token of a request, and whether its owner may do what it asks.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, StatusCode, header};
use pave_auth::{AccessRequest, Principal, credential_from_header};
use pave_names::EntityRef;
use pave_runtime::clock;
use serde_json::Value;
use uuid::Uuid;

use crate::arm::{Arm, IDENTITIES};
use crate::error::ArmError;
use crate::options::Options;
use crate::store::Resource;

/// Audiences of Azure itself, which some clients ask for whatever the endpoint.
const AZURE_AUDIENCES: [&str; 2] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
];

/// Who a request is from.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Name in `systemData`.
    pub(crate) name: String,
    /// `User`, `Application` or `ManagedIdentity`.
    pub(crate) kind: &'static str,
    /// Who it is to the authorizer; `None` may do everything.
    pub(crate) principal: Option<Principal>,
}

/// Finds out who a request to ARM is from.
pub(crate) async fn authenticate(arm: &Arm, headers: &HeaderMap) -> Result<Caller, ArmError> {
    let [azure, core] = AZURE_AUDIENCES;
    authenticate_for(arm, headers, &[&arm.options.base_url, azure, core]).await
}

/// Finds out who a request is from, to a service with these audiences, of which the first is its own.
pub(crate) async fn authenticate_for(
    arm: &Arm,
    headers: &HeaderMap,
    audiences: &[&str],
) -> Result<Caller, ArmError> {
    let options = &*arm.options;
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(token) = credential_from_header(shown) else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(ArmError::new(
            StatusCode::UNAUTHORIZED,
            "AuthenticationFailed",
            message,
        ));
    };
    if let Ok(claims) = options.keys.verify_jwt(&token)
        && claims.get("appid").is_some()
    {
        return from_claims(arm, &claims, audiences).await;
    }
    let Some(identities) = &options.identities else {
        return Err(refused("the token was not issued here"));
    };
    match identities.authenticate(&token).await {
        Ok(Some(principal)) => Ok(from_principal(principal)),
        Ok(None) => Err(refused(
            "the token was not issued here, was taken back, or has expired",
        )),
        Err(error) => Err(ArmError::internal(&error)),
    }
}

async fn from_claims(arm: &Arm, claims: &Value, audiences: &[&str]) -> Result<Caller, ArmError> {
    let options = &*arm.options;
    let seconds = |name: &str| claims[name].as_i64().unwrap_or_default();
    let now = clock::unix_seconds();
    if seconds("exp") <= now {
        let error = ArmError::new(
            StatusCode::UNAUTHORIZED,
            "ExpiredAuthenticationToken",
            "The access token has expired (help: ask for a new one).",
        );
        return Err(error);
    }
    if seconds("nbf") > now + 300 {
        return Err(refused("the token is not valid yet"));
    }
    let audience = claims["aud"].as_str().unwrap_or_default().trim_end_matches('/');
    if !audiences.contains(&audience) {
        return Err(refused(&format!(
            "the token is meant for `{audience}`, not for `{}`",
            audiences.first().copied().unwrap_or_default()
        )));
    }
    if claims["tid"].as_str() != Some(&options.tenant.to_string()) {
        return Err(refused("the token is from another tenant"));
    }
    let client = claims["appid"].as_str().unwrap_or_default();
    if let Some(known) = options
        .service_principals
        .iter()
        .find(|known| known.client_id.to_string() == client)
    {
        return Ok(Caller {
            name: known.name.clone(),
            kind: "Application",
            principal: known.principal.clone(),
        });
    }
    if let Some(identity) = find_identity(arm, client).await? {
        return Ok(from_identity(&identity));
    }
    match find_principal(options, client).await? {
        Some(principal) => Ok(from_principal(principal)),
        None => Err(refused("whoever the token was issued to is not known any more")),
    }
}

/// The person or service account with this id.
pub(crate) async fn find_principal(options: &Options, id: &str) -> Result<Option<Principal>, ArmError> {
    let Some(identities) = &options.identities else {
        return Ok(None);
    };
    let principals = identities
        .principals()
        .await
        .map_err(|error| ArmError::internal(&error))?;
    Ok(principals
        .into_iter()
        .find(|principal| principal.id.to_string().eq_ignore_ascii_case(id)))
}

/// The user-assigned identity with this client id.
pub(crate) async fn find_identity(arm: &Arm, client: &str) -> Result<Option<Resource>, ArmError> {
    let identities = arm
        .engine
        .store
        .read(|connection| Resource::of_kind(connection, &IDENTITIES.to_lowercase()))
        .await?;
    Ok(identities
        .into_iter()
        .find(|identity| identity.property("clientId").eq_ignore_ascii_case(client)))
}

/// An identity that acts: to the authorizer it is a user of its own, whom roles may be given to.
fn from_identity(identity: &Resource) -> Caller {
    let name = identity.name().to_owned();
    let object = identity.property("principalId");
    let principal = Principal {
        id: Uuid::parse_str(object).unwrap_or_default(),
        entity: EntityRef::new("managedidentity", "default", &name),
        user: format!("azure:identity:{object}"),
        groups: Vec::new(),
        display_name: name.clone(),
        email: String::new(),
    };
    Caller {
        name,
        kind: "ManagedIdentity",
        principal: Some(principal),
    }
}

fn from_principal(principal: Principal) -> Caller {
    let name = if principal.email.is_empty() {
        principal.display_name.clone()
    } else {
        principal.email.clone()
    };
    Caller {
        name,
        kind: "User",
        principal: Some(principal),
    }
}

fn refused(why: &str) -> ArmError {
    let message = format!("The access token is invalid: {why}.");
    ArmError::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
}

/// Asks the authorizer, if there is one.
pub(crate) async fn authorize(
    options: &Options,
    caller: &Caller,
    method: &Method,
    path: &str,
) -> Result<(), ArmError> {
    let (Some(authorizer), Some(principal)) = (&options.authorizer, &caller.principal) else {
        return Ok(());
    };
    // HEAD asks for no more than GET does.
    let verb = if *method == Method::HEAD {
        "get".to_owned()
    } else {
        method.as_str().to_ascii_lowercase()
    };
    let request = AccessRequest::path(&verb, format!("/azure{}", path.to_lowercase()));
    let decision = authorizer.authorize(principal, &request).await;
    if decision.allowed {
        return Ok(());
    }
    let message = format!(
        "The client '{}' with object id '{}' does not have authorization to perform '{verb}' on '{path}': {}",
        caller.name, principal.id, decision.reason
    );
    Err(ArmError::new(
        StatusCode::FORBIDDEN,
        "AuthorizationFailed",
        message,
    ))
}

/// The query of a request, names in lower case.
pub(crate) fn query(text: Option<&str>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect()
}
