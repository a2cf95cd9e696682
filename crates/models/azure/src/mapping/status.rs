use serde_json::{Map, Value, json};

use super::body::put;
use super::{Kind, parameter};

/// Whether a thing can be used, as ARM words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// Not yet, or not just now: ARM is at work on it.
    Changing(String),
    /// It is on its way out.
    Leaving(String),
    /// It cannot, and will not by itself.
    Unavailable(String),
}

/// Version of Azure Resource Health that is spoken.
pub const HEALTH_VERSION: &str = "2023-10-01";

/// Where Azure Resource Health says how a resource is.
#[must_use]
pub fn health_path(id: &str) -> String {
    format!("{id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current")
}

/// Why a resource cannot be used, as Azure Resource Health words it; nothing where it knows of no reason.
#[must_use]
pub fn health_summary(status: &Value) -> Option<&str> {
    let properties = &status["properties"];
    let state = properties["availabilityState"].as_str()?;
    let summary = properties["summary"].as_str()?.trim();
    (matches!(state, "Unavailable" | "Degraded") && !summary.is_empty()).then_some(summary)
}

impl Kind {
    /// `status.atProvider`: what Azure has, in the managed resource's terms.
    #[must_use]
    pub fn at_provider(&self, observed: &Value, parameters: &Value) -> Value {
        let mut found = Value::Object(Map::new());
        for field in self.fields {
            let value = if field.arm.is_empty() {
                parameter(parameters, field.path).cloned()
            } else {
                observed
                    .pointer(field.arm)
                    .and_then(|value| field.codec.decode(value))
            };
            if let Some(value) = value {
                put(&mut found, &format!("/{}", field.path.replace('.', "/")), value);
            }
        }
        if let Some(name) = observed["properties"]["fullyQualifiedDomainName"].as_str() {
            found["fqdn"] = json!(name);
        }
        if let Some(id) = observed["id"].as_str() {
            found["id"] = json!(id);
        }
        found
    }

    /// Whether the thing can be used.
    #[must_use]
    pub fn availability(&self, observed: &Value) -> Availability {
        let properties = &observed["properties"];
        let provisioning = properties["provisioningState"]
            .as_str()
            .map_or(Availability::Available, provisioning);
        if provisioning != Availability::Available || !self.has_password {
            return provisioning;
        }
        // Flexible servers report `state` instead of, or beside, the provisioning state.
        properties["state"]
            .as_str()
            .map_or(Availability::Available, server_state)
    }
}

fn provisioning(state: &str) -> Availability {
    match state {
        "Succeeded" | "Ready" => Availability::Available,
        "Deleting" => Availability::Leaving(state.to_owned()),
        "Failed" | "Canceled" => Availability::Unavailable(state.to_owned()),
        other => Availability::Changing(other.to_owned()),
    }
}

fn server_state(state: &str) -> Availability {
    match state {
        "Ready" => Availability::Available,
        "Dropping" => Availability::Leaving(state.to_owned()),
        "Stopped" | "Disabled" | "Inaccessible" => Availability::Unavailable(state.to_owned()),
        other => Availability::Changing(other.to_owned()),
    }
}
