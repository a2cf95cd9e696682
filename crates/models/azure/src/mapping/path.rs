use serde_json::Value;

use super::{Kind, parameter};

/// Where a resource stands in ARM's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A resource group of the subscription.
    ResourceGroup,
    /// A resource in the group named by `resourceGroupName`.
    InGroup {
        /// Namespace and type, such as `Microsoft.DBforPostgreSQL/flexibleServers`.
        resource_type: &'static str,
    },
    /// A part of the resource whose id stands in a parameter.
    Below {
        /// The parameter with the parent's id.
        parent: &'static str,
        /// The last part of the type, such as `databases`.
        child: &'static str,
    },
}

/// The parameter that would say where a resource stands is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingPlace {
    /// It is absent.
    #[error(
        "spec.forProvider.{0} is not set, and neither `{0}Ref` nor `{0}Selector` says where to take it from"
    )]
    Unset(&'static str),
    /// It holds something else.
    #[error("spec.forProvider.{field}: `{value}` is not the id of an Azure resource")]
    NotAnId {
        /// The parameter.
        field: &'static str,
        /// What it holds.
        value: String,
    },
}

impl Kind {
    /// The ARM id of the thing, which is also the path of every request about it.
    pub fn arm_id(
        &self,
        subscription: &str,
        parameters: &Value,
        external_name: &str,
    ) -> Result<String, MissingPlace> {
        let text = |field: &'static str| {
            let found = parameter(parameters, field).and_then(Value::as_str);
            found
                .filter(|value| !value.is_empty())
                .ok_or(MissingPlace::Unset(field))
        };
        let groups = format!("/subscriptions/{subscription}/resourceGroups");
        match self.place {
            Place::ResourceGroup => Ok(format!("{groups}/{external_name}")),
            Place::InGroup { resource_type } => {
                let group = text("resourceGroupName")?;
                Ok(format!(
                    "{groups}/{group}/providers/{resource_type}/{external_name}"
                ))
            }
            Place::Below { parent, child } => {
                let id = text(parent)?;
                // The id becomes the path of a request: it may carry neither a query nor a step upwards.
                let sound =
                    id.starts_with("/subscriptions/") && !id.contains(['?', '#', '%']) && !id.contains("..");
                if !sound {
                    return Err(MissingPlace::NotAnId {
                        field: parent,
                        value: id.to_owned(),
                    });
                }
                Ok(format!("{}/{child}/{external_name}", id.trim_end_matches('/')))
            }
        }
    }
}
