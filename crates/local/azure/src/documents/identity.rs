use pave_azure::names;
use serde_json::{Value, json};
use uuid::Uuid;

use super::child::invalid;
use super::{check_location, merge, refuse_changes, take, writable};
use crate::error::ArmError;
use crate::store::Resource;

const READ_ONLY: &[&str] = &["tenantId", "principalId", "clientId"];

/// A user-assigned identity: new, or changed; `replace` is a PUT, otherwise a PATCH.
pub(crate) fn identity(
    name: &str,
    existing: Option<&Resource>,
    request: &Value,
    replace: bool,
    tenant: Uuid,
) -> Result<Value, ArmError> {
    let mut change = writable(request);
    take(&mut change, READ_ONLY);
    let Some(existing) = existing else {
        names::check_user_assigned_identity(name)
            .map_err(|error| ArmError::name("InvalidResourceName", "resourceName", &error))?;
        check_location(&mut change)?;
        if !change["properties"].is_object() {
            change["properties"] = json!({});
        }
        let ids = json!({ "tenantId": tenant, "principalId": Uuid::new_v4(), "clientId": Uuid::new_v4() });
        merge(&mut change["properties"], &ids);
        return Ok(change);
    };
    refuse_changes(&existing.body, &mut change, &["/location"])?;
    let mut body = existing.body.clone();
    if replace && let Some(fields) = body.as_object_mut() {
        fields.shift_remove("tags");
    }
    merge(&mut body, &change);
    Ok(body)
}

/// A federated credential of an identity: whose tokens stand for it.
pub(crate) fn federated_credential(name: &str, request: &Value) -> Result<Value, ArmError> {
    names::check_federated_credential(name)
        .map_err(|error| ArmError::name("InvalidResourceName", "federatedIdentityCredentialName", &error))?;
    let body = writable(request);
    let properties = &body["properties"];
    let issuer = properties["issuer"].as_str().unwrap_or_default();
    if url::Url::parse(issuer).is_err() {
        return Err(invalid("properties.issuer", &format!("`{issuer}` is not a URL")));
    }
    if properties["subject"].as_str().unwrap_or_default().is_empty() {
        return Err(invalid("properties.subject", "the subject is missing"));
    }
    if properties["audiences"].as_array().map(Vec::len) != Some(1) {
        let message = "exactly one audience is expected, usually `api://AzureADTokenExchange`";
        return Err(invalid("properties.audiences", message));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_ids_of_its_own() {
        let request = json!({ "location": "West Europe", "properties": { "clientId": "mine" } });
        let body = identity("id-team", None, &request, true, Uuid::nil()).unwrap();
        assert!(Uuid::parse_str(body["properties"]["clientId"].as_str().unwrap()).is_ok());
        assert!(identity("x", None, &request, true, Uuid::nil()).is_err());
    }

    #[test]
    fn a_credential_names_issuer_subject_and_audience() {
        let credential = |issuer: &str, subject: &str, audiences: Value| {
            let body =
                json!({ "properties": { "issuer": issuer, "subject": subject, "audiences": audiences } });
            federated_credential("fic", &body).is_ok()
        };
        let audience = json!(["api://AzureADTokenExchange"]);
        assert!(credential(
            "https://issuer",
            "system:serviceaccount:a:b",
            audience.clone()
        ));
        assert!(!credential("issuer", "s", audience.clone()));
        assert!(!credential("https://issuer", "", audience));
        assert!(!credential("https://issuer", "s", json!([])));
    }
}
