//! The resource types that this cloud has, as ARM writes them.

/// Name spaces and their types, in the spelling of answers.
pub(crate) const PROVIDERS: &[(&str, &[&str])] = &[
    (
        "Microsoft.Resources",
        &["resourceGroups", "subscriptions", "operations", "tags"],
    ),
    (
        "Microsoft.DBforPostgreSQL",
        &[
            "flexibleServers",
            "flexibleServers/databases",
            "flexibleServers/firewallRules",
            "flexibleServers/configurations",
            "flexibleServers/administrators",
            "locations/capabilities",
            "checkNameAvailability",
        ],
    ),
    (
        "Microsoft.Storage",
        &[
            "storageAccounts",
            "storageAccounts/blobServices",
            "storageAccounts/blobServices/containers",
            "storageAccounts/fileServices",
            "checkNameAvailability",
        ],
    ),
    (
        "Microsoft.ManagedIdentity",
        &[
            "userAssignedIdentities",
            "userAssignedIdentities/federatedIdentityCredentials",
        ],
    ),
    (
        "Microsoft.ContainerService",
        &[
            "managedClusters",
            "managedClusters/agentPools",
            "managedClusters/maintenanceConfigurations",
        ],
    ),
    ("Microsoft.ResourceHealth", &["availabilityStatuses"]),
    ("Microsoft.Insights", &["eventtypes/management/values"]),
];

/// A type in the spelling of answers; one that is not known comes back as it is.
pub(crate) fn canonical(kind: &str) -> String {
    let (namespace, rest) = kind.split_once('/').unwrap_or((kind, ""));
    let Some((known, types)) = PROVIDERS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(namespace))
    else {
        return kind.to_owned();
    };
    match types.iter().find(|known| known.eq_ignore_ascii_case(rest)) {
        Some(found) => format!("{known}/{found}"),
        None if rest.is_empty() => (*known).to_owned(),
        None => format!("{known}/{rest}"),
    }
}

/// The type of what an id names: `Microsoft.Storage/storageAccounts`.
pub(crate) fn type_of(id: &str) -> String {
    let lower = id.to_lowercase();
    let parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    let Some(at) = lower
        .split('/')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .iter()
        .rposition(|part| *part == "providers")
    else {
        return match parts.len() {
            4.. => "Microsoft.Resources/subscriptions/resourceGroups".to_owned(),
            _ => "Microsoft.Resources/subscriptions".to_owned(),
        };
    };
    let namespace = parts.get(at + 1).copied().unwrap_or_default();
    let types = parts.iter().skip(at + 2).step_by(2).copied();
    let kind: Vec<&str> = std::iter::once(namespace).chain(types).collect();
    canonical(&kind.join("/"))
}

/// The name space of what an id names.
pub(crate) fn namespace_of(id: &str) -> String {
    let kind = type_of(id);
    kind.split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_type() {
        for (id, expected) in [
            (
                "/subscriptions/s/resourcegroups/g",
                "Microsoft.Resources/subscriptions/resourceGroups",
            ),
            (
                "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a",
                "Microsoft.Storage/storageAccounts",
            ),
            (
                "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a/blobservices/default/containers/c",
                "Microsoft.Storage/storageAccounts/blobServices/containers",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Else/things/a",
                "Microsoft.Else/things",
            ),
        ] {
            assert_eq!(type_of(id), expected);
        }
        assert_eq!(
            canonical("microsoft.resources/resourcegroups"),
            "Microsoft.Resources/resourceGroups"
        );
    }
}
