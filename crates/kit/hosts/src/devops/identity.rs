use serde_json::Value;

use super::text;

/// A person, group or service as Azure DevOps names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Id.
    pub id: String,
    /// Name for people.
    pub display_name: String,
    /// Mail address or account.
    pub unique_name: String,
}

impl Identity {
    pub(super) fn read(value: &Value) -> Self {
        let name = text(value, "displayName");
        Self {
            id: text(value, "id"),
            display_name: if name.is_empty() {
                text(value, "providerDisplayName")
            } else {
                name
            },
            unique_name: text(value, "uniqueName"),
        }
    }
}
