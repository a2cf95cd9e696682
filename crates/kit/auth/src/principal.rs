use pave_names::EntityRef;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of the UUIDs that service accounts get: derived, since nobody stores them.
const SERVICE_ACCOUNTS: Uuid = Uuid::from_u128(0x7061_7665_0000_4000_8000_7365_7276_6163);

/// Somebody or something that acts: a person, or a service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    /// Stable id; ARM's object id and the forge's identity id.
    pub id: Uuid,
    /// Backstage entity reference.
    pub entity: EntityRef,
    /// Kubernetes user name.
    pub user: String,
    /// Kubernetes groups, without the `system:` ones that follow from being authenticated.
    pub groups: Vec<String>,
    /// Name shown to people, and the author name of commits.
    pub display_name: String,
    /// Mail address of commits.
    pub email: String,
}

impl Principal {
    /// The service account of a namespace.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        Self {
            id: Uuid::new_v5(&SERVICE_ACCOUNTS, user.as_bytes()),
            entity: EntityRef::new("serviceaccount", namespace, name),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{namespace}"),
            ],
            display_name: format!("{namespace}/{name}"),
            email: format!("{name}@{namespace}.serviceaccount.invalid"),
            user,
        }
    }

    /// Whoever showed no credential.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            id: Uuid::nil(),
            entity: EntityRef::new("user", "default", "anonymous"),
            user: "system:anonymous".into(),
            groups: vec!["system:unauthenticated".into()],
            display_name: "anonymous".into(),
            email: String::new(),
        }
    }

    /// Whether nobody is known to stand behind it.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.user == "system:anonymous"
    }

    /// The references by which a person owns things in the catalog: their own and their groups'.
    #[must_use]
    pub fn ownership(&self) -> Vec<EntityRef> {
        let groups = self
            .groups
            .iter()
            .map(|group| EntityRef::new("group", "default", group));
        std::iter::once(self.entity.clone()).chain(groups).collect()
    }
}
