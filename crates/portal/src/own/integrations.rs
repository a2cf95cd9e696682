//! What the portal was told by `app-config.yaml`: its values with their origins, and the hosts it names. A secret never
//! gets here: what is shown was masked before.

use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use pave_auth::AccessRequest;
use pave_hosts::devops::{DevOps, DevOpsError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::permit;
use crate::context::{Integration, Portal};
use crate::error::ApiError;
use crate::session::Caller;

/// How long a test of a connection may take; a person waits for it.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/configuration", get(configuration))
        .route("/integrations", get(integrations))
        .route("/integrations/test", post(test))
        .route("/catalog-rules", get(rules))
}

/// Every value with its origin, for those who may `get` the non-resource path `/pave/configuration`.
async fn configuration(State(portal): State<Portal>, caller: Caller) -> Result<Json<Value>, ApiError> {
    permit(
        &portal,
        &caller.0,
        &AccessRequest::path("get", "/pave/configuration"),
    )
    .await?;
    let known = &portal.configuration;
    Ok(Json(json!({
        "files": known.files, "entries": known.entries, "diagnostics": known.diagnostics,
    })))
}

/// Which kinds catalog locations may hold, and where that is said, for everybody who is refused one.
async fn rules(State(portal): State<Portal>, _caller: Caller) -> Json<Value> {
    let known = &portal.configuration;
    Json(json!({ "allowed": known.allowed, "origin": known.rules_origin }))
}

/// The hosts that are known, for everybody: kind, organizations and origins.
async fn integrations(State(portal): State<Portal>, caller: Caller) -> Json<Value> {
    let request = AccessRequest::path("update", "/pave/integrations");
    let decision = portal.authorizer.authorize(&caller.0, &request).await;
    let reason = (!decision.allowed).then_some(decision.reason);
    Json(json!({ "items": portal.configuration.integrations, "testDenied": reason }))
}

#[derive(Deserialize)]
struct Test {
    host: String,
    #[serde(default)]
    organization: Option<String>,
}

/// Asks a host who the token belongs to, for those who may `update` `/pave/integrations`.
async fn test(
    State(portal): State<Portal>,
    caller: Caller,
    Json(wanted): Json<Test>,
) -> Result<Json<Value>, ApiError> {
    permit(
        &portal,
        &caller.0,
        &AccessRequest::path("update", "/pave/integrations"),
    )
    .await?;
    let host = wanted.host.to_lowercase();
    let known = portal
        .configuration
        .integrations
        .iter()
        .find(|it| it.host == host);
    let known =
        known.ok_or_else(|| ApiError::not_found(format!("`{host}` is not among the integrations")))?;
    if known.kind != "azure" {
        return Err(ApiError::input("only Azure DevOps hosts can be tested"));
    }
    let organization = organization(&portal, known, wanted.organization)?;
    Ok(Json(match ask(&portal, &host, &organization).await {
        Ok(answer) => answer,
        Err(error) => {
            let (reason, cure) = cure(&error, known, &organization);
            json!({ "ok": false, "organization": organization, "reason": reason, "message": error.to_string(), "cure": cure })
        }
    }))
}

/// The organization that was asked for, or the one that is known: a token belongs to one.
fn organization(portal: &Portal, known: &Integration, wanted: Option<String>) -> Result<String, ApiError> {
    let named = known
        .credentials
        .iter()
        .flat_map(|it| it.organizations.iter().cloned());
    let standing = portal
        .hosts
        .organizations
        .iter()
        .filter(|(host, _)| *host == known.host)
        .map(|(_, organization)| organization.clone());
    wanted
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| named.chain(standing).next())
        .ok_or_else(|| ApiError::input("which organization? The configuration names none for this host"))
}

async fn ask(portal: &Portal, host: &str, organization: &str) -> Result<Value, DevOpsError> {
    let hosts = &portal.hosts;
    let refused = |reason: String| DevOpsError::NotAzureDevOps {
        host: host.to_owned(),
        found: reason,
    };
    // Any repository of the organization leads to its credential.
    let any = format!("https://{host}/{organization}/-/_git/-");
    let credential = hosts
        .integrations
        .repository_of(&any)
        .and_then(|location| hosts.integrations.credential(&location))
        .map_err(|error| refused(error.to_string()))?;
    let client = DevOps::new(hosts.http.clone(), host, organization, credential)
        .map_err(|error| refused(error.to_string()))?;
    let answer = tokio::time::timeout(PATIENCE, client.connection()).await;
    let connection = answer.map_err(|_| DevOpsError::Unreachable {
        host: host.to_owned(),
        reason: format!("no answer within {} s", PATIENCE.as_secs()),
    })??;
    let user = connection.user;
    Ok(json!({
        "ok": true, "organization": organization, "deployment": connection.deployment,
        "user": { "displayName": user.display_name, "uniqueName": user.unique_name },
    }))
}

/// One word for what is wrong, and what to do about it here.
fn cure(error: &DevOpsError, known: &Integration, organization: &str) -> (&'static str, String) {
    let credential = known
        .credentials
        .iter()
        .find(|it| {
            it.organizations
                .iter()
                .any(|name| name.eq_ignore_ascii_case(organization))
        })
        .or_else(|| known.credentials.iter().find(|it| it.organizations.is_empty()));
    let variable = credential
        .and_then(|it| it.origin.as_ref())
        .and_then(|origin| origin["variables"][0].as_str().map(ToOwned::to_owned));
    let place = credential
        .and_then(|it| it.origin.as_ref())
        .and_then(|origin| origin["text"].as_str().map(ToOwned::to_owned));
    let replace = match (variable, place) {
        (Some(variable), _) => {
            format!("put a new token into the environment variable {variable} and start Pave again")
        }
        (None, Some(place)) => format!("put a new token at {place} and start Pave again"),
        (None, None) if known.embedded => {
            "start Pave again: it makes a new token for its own forge".to_owned()
        }
        (None, None) => format!(
            "add `credentials: [{{ personalAccessToken: ${{TOKEN}} }}]` to the entry of {} and start Pave again",
            known.host
        ),
    };
    let reason = error.reason();
    let words = match reason {
        "no-token" | "wrong-token" | "expired-token" => replace,
        "forbidden" => "give the token the scopes Code (read & write) and Project and Team (read)".to_owned(),
        "not-found" => format!("see whether `{organization}` is the organization's name, as in https://{}/{organization}", known.host),
        "unreachable" => "see whether the name is right and whether this machine may reach it, through a proxy or a firewall".to_owned(),
        "untrusted" => "add the authority of its certificate to those that this machine trusts, or name one with SSL_CERT_FILE, and start Pave again".to_owned(),
        "not-azure-devops" => "see whether `host` names an Azure DevOps host, with its port and without a path".to_owned(),
        _ => "try again later".to_owned(),
    };
    (reason, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::IntegrationCredential;

    #[test]
    fn every_reason_has_a_cure_that_names_the_place() {
        let credential = |origin: Option<Value>| IntegrationCredential {
            kind: "personalAccessToken".into(),
            organizations: Vec::new(),
            origin,
            problem: None,
        };
        let known = |credentials: Vec<IntegrationCredential>| Integration {
            host: "dev.azure.com".into(),
            kind: "azure".into(),
            embedded: false,
            origin: None,
            credentials,
        };
        let host = || "dev.azure.com".to_owned();
        let check = |error: &DevOpsError, known: &Integration, expected: &str| {
            let (_, words) = cure(error, known, "contoso");
            assert!(words.contains(expected), "{words}");
        };
        let by_variable = json!({ "variables": ["PERSONAL_ACCESS_TOKEN"], "text": "app-config.yaml:5:32" });
        let in_file = json!({ "variables": [], "text": "app-config.yaml:5:32" });
        let wrong = DevOpsError::SignInPage {
            host: host(),
            status: 203,
        };
        check(
            &wrong,
            &known(vec![credential(Some(by_variable))]),
            "variable PERSONAL_ACCESS_TOKEN",
        );
        check(
            &wrong,
            &known(vec![credential(Some(in_file))]),
            "app-config.yaml:5:32",
        );
        check(
            &DevOpsError::NoToken { host: host() },
            &known(Vec::new()),
            "personalAccessToken: ${TOKEN}",
        );
        let untrusted = DevOpsError::Untrusted {
            host: host(),
            reason: String::new(),
        };
        check(&untrusted, &known(Vec::new()), "SSL_CERT_FILE");
    }
}
