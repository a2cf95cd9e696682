//! What is the same for everybody: tenant, subscription, locations, providers.

use axum::http::Method;
use pave_azure::names::{LOCATIONS, Location};
use serde_json::{Value, json};

use super::Arm;
use super::reply::Reply;
use super::request::Call;
use crate::documents;
use crate::error::ArmError;
use crate::kinds::PROVIDERS;

/// Versions of the API that clients of 2025 and 2026 were seen to use. Others are accepted too.
const VERSIONS: &[&str] = &[
    "2026-10-01",
    "2026-08-01",
    "2026-06-01",
    "2025-08-01",
    "2024-08-01",
    "2023-07-01",
    "2022-12-01",
    "2022-09-01",
];

impl Arm {
    pub(crate) fn check_subscription(&self, subscription: &str) -> Result<(), ArmError> {
        if subscription == self.options.subscription.to_string() {
            return Ok(());
        }
        let message = format!("The subscription '{subscription}' could not be found.");
        Err(ArmError::not_found("SubscriptionNotFound", message))
    }

    pub(crate) fn tenants(&self, call: &Call) -> Result<Reply, ArmError> {
        only_get(call)?;
        let tenant = self.options.tenant;
        Ok(Reply::list(&[json!({
            "id": format!("/tenants/{tenant}"),
            "tenantId": tenant,
            "displayName": "Pave",
            "tenantCategory": "Home",
            "countryCode": "",
            "domains": [],
        })]))
    }

    pub(crate) fn subscriptions(&self, call: &Call) -> Result<Reply, ArmError> {
        only_get(call)?;
        Ok(Reply::list(&[self.subscription_document()]))
    }

    pub(crate) fn subscription(&self, call: &Call) -> Result<Reply, ArmError> {
        only_get(call)?;
        Ok(Reply::ok(self.subscription_document()))
    }

    fn subscription_document(&self) -> Value {
        let subscription = self.options.subscription;
        json!({
            "id": format!("/subscriptions/{subscription}"),
            "subscriptionId": subscription,
            "tenantId": self.options.tenant,
            "displayName": self.options.subscription_name,
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        })
    }

    pub(crate) fn locations(&self, call: &Call) -> Result<Reply, ArmError> {
        only_get(call)?;
        let subscription = self.options.subscription;
        let document = |location: &Location| {
            json!({
                "id": format!("/subscriptions/{subscription}/locations/{}", location.name),
                "name": location.name,
                "type": "Region",
                "displayName": location.display_name,
                "regionalDisplayName": format!("({}) {}", location.geography, location.display_name),
                "metadata": {
                    "regionType": "Physical",
                    "regionCategory": "Recommended",
                    "geographyGroup": location.geography,
                },
            })
        };
        Ok(Reply::list(&LOCATIONS.iter().map(document).collect::<Vec<_>>()))
    }

    /// `…/providers[/{namespace}[/register]]`; everything we have is registered.
    pub(crate) fn providers(&self, call: &Call, rest: &[&str]) -> Result<Reply, ArmError> {
        let mut documents = PROVIDERS
            .iter()
            .map(|(namespace, types)| self.provider(namespace, types));
        match (rest, &call.method) {
            ([], &Method::GET) => Ok(Reply::list(&documents.collect::<Vec<_>>())),
            ([namespace], &Method::GET) | ([namespace, "register" | "unregister"], &Method::POST) => {
                documents
                    .find(|document| {
                        document["namespace"]
                            .as_str()
                            .is_some_and(|known| known.eq_ignore_ascii_case(namespace))
                    })
                    .map(Reply::ok)
                    .ok_or_else(|| {
                        let message = format!(
                            "The resource namespace '{namespace}' is not available in the local cloud."
                        );
                        ArmError::not_found("InvalidResourceNamespace", message)
                    })
            }
            ([] | [_], _) => Err(call.method_not_allowed()),
            _ => Err(call.unknown_path()),
        }
    }

    fn provider(&self, namespace: &str, types: &[&str]) -> Value {
        let locations: Vec<_> = LOCATIONS.iter().map(|location| location.display_name).collect();
        let kind = |name: &&str| {
            json!({
                "resourceType": name,
                "locations": locations,
                "apiVersions": VERSIONS,
                "defaultApiVersion": VERSIONS[0],
                "capabilities": "SupportsTags, SupportsLocation",
            })
        };
        json!({
            "id": format!("/subscriptions/{}/providers/{namespace}", self.options.subscription),
            "namespace": namespace,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": types.iter().map(kind).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn capabilities(call: &Call, location: &str) -> Result<Reply, ArmError> {
        only_get(call)?;
        Ok(Reply::ok(documents::capabilities(location)))
    }
}

fn only_get(call: &Call) -> Result<(), ArmError> {
    if call.method == Method::GET {
        Ok(())
    } else {
        Err(call.method_not_allowed())
    }
}
