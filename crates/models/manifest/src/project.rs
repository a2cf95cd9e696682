//! `AppProject` of `argoproj.io/v1alpha1`: what the applications of a project may do.

use pave_names::GroupVersionKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::application::Destination;
use crate::glob::{Glob, matches};
use crate::merge::strip_nulls;
use crate::target::Scope;
use crate::urls::normalise;

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Project {
    /// Repositories that may be read, as globs.
    pub source_repos: Vec<String>,
    /// Clusters and namespaces that may be written.
    pub destinations: Vec<Destination>,
    /// Namespaces in which Applications of the project may stand, besides the control namespace.
    pub source_namespaces: Vec<String>,
    /// Cluster-scoped kinds that are allowed; absent or empty allows none.
    pub cluster_resource_whitelist: Vec<GroupKind>,
    /// Cluster-scoped kinds that are not.
    pub cluster_resource_blacklist: Vec<GroupKind>,
    /// Namespaced kinds that are allowed; absent allows all, empty none.
    pub namespace_resource_whitelist: Option<Vec<GroupKind>>,
    /// Namespaced kinds that are not.
    pub namespace_resource_blacklist: Vec<GroupKind>,
    /// As whom objects are written, by destination.
    pub destination_service_accounts: Vec<DestinationServiceAccount>,
    /// Fields this engine does not act on.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A kind in a list of a project, as globs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupKind {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name; empty means any.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// As whom objects of a destination are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DestinationServiceAccount {
    /// Glob of the cluster's URL.
    pub server: String,
    /// Glob of the namespace.
    pub namespace: String,
    /// `name`, or `namespace:name`.
    pub default_service_account: String,
}

/// A service account that stands in for the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ServiceAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "system:serviceaccount:{}:{}",
            self.namespace, self.name
        )
    }
}

impl Project {
    /// Reads the `spec` of a project as the API server returns it.
    pub fn from_spec(mut spec: Value) -> Result<Self, serde_json::Error> {
        strip_nulls(&mut spec);
        serde_json::from_value(spec)
    }

    /// Whether a repository may be read. `*` does not cross `/` there, except as the whole pattern.
    #[must_use]
    pub fn permits_source(&self, repository: &str) -> bool {
        permitted(&self.source_repos, |pattern| {
            let matcher = Glob::with_separator(&normalise(pattern), Some('/'));
            pattern == "*" || matcher.is_match(&normalise(repository))
        })
    }

    /// Whether a namespace of a cluster may be written.
    #[must_use]
    pub fn permits_destination(&self, server: &str, cluster: &str, namespace: &str) -> bool {
        let mut allowed = false;
        for destination in &self.destinations {
            let (denies_server, server_pattern) = denial(&destination.server);
            let (denies_name, name_pattern) = denial(&destination.name);
            let (denies_namespace, namespace_pattern) = denial(&destination.namespace);
            let cluster_fits = (!server_pattern.is_empty() && matches(server_pattern, server))
                || (!name_pattern.is_empty() && matches(name_pattern, cluster));
            let namespace_fits = matches(namespace_pattern, namespace);
            if denies_server || denies_name {
                if cluster_fits {
                    return false;
                }
            } else if denies_namespace {
                if cluster_fits && namespace_fits {
                    return false;
                }
            } else {
                allowed |= cluster_fits && namespace_fits;
            }
        }
        allowed
    }

    /// Whether objects of a kind may be written.
    #[must_use]
    pub fn permits_kind(&self, gvk: &GroupVersionKind, name: &str, scope: Scope) -> bool {
        let within = |list: &[GroupKind]| {
            list.iter().any(|it| {
                matches(&it.group, &gvk.group)
                    && matches(&it.kind, &gvk.kind)
                    && (it.name.is_empty() || matches(&it.name, name))
            })
        };
        match scope {
            Scope::Cluster => {
                within(&self.cluster_resource_whitelist) && !within(&self.cluster_resource_blacklist)
            }
            Scope::Namespaced => {
                self.namespace_resource_whitelist.as_deref().is_none_or(within)
                    && !within(&self.namespace_resource_blacklist)
            }
        }
    }

    /// As whom the objects of a destination are written; the first entry that fits.
    #[must_use]
    pub fn service_account(&self, server: &str, namespace: &str) -> Option<ServiceAccount> {
        let entry = self
            .destination_service_accounts
            .iter()
            .find(|it| matches(&it.server, server) && matches(&it.namespace, namespace))?;
        let (space, name) = entry
            .default_service_account
            .split_once(':')
            .unwrap_or((namespace, &entry.default_service_account));
        Some(ServiceAccount {
            namespace: space.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether applications of the project write as somebody else than the engine.
    #[must_use]
    pub fn impersonates(&self) -> bool {
        !self.destination_service_accounts.is_empty()
    }
}

fn denial(pattern: &str) -> (bool, &str) {
    pattern
        .strip_prefix('!')
        .map_or((false, pattern), |rest| (true, rest))
}

/// At least one pattern allows, and none denies.
fn permitted(patterns: &[String], fits: impl Fn(&str) -> bool) -> bool {
    let mut allowed = false;
    for pattern in patterns {
        match denial(pattern) {
            (true, rest) if fits(rest) => return false,
            (false, rest) if fits(rest) => allowed = true,
            _ => {}
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::application::IN_CLUSTER;

    fn project() -> Project {
        Project::from_spec(json!({
            "sourceRepos": ["https://h/pave/*/_git/*", "!https://h/pave/secret/_git/*"],
            "destinations": [
                {"server": IN_CLUSTER, "namespace": "team-b*"},
                {"server": IN_CLUSTER, "namespace": "!team-b-secret"},
            ],
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
            "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
            "destinationServiceAccounts": [
                {"server": "*", "namespace": "team-b", "defaultServiceAccount": "gitops"},
                {"server": "*", "namespace": "*", "defaultServiceAccount": "system:other"},
            ],
            "roles": null,
        }))
        .unwrap()
    }

    #[test]
    fn sources_and_destinations_are_globs_with_vetoes() {
        let project = project();
        let check = |url: &str, expected: bool| assert_eq!(project.permits_source(url), expected, "{url}");
        check("https://u@H/pave/platform/_git/x.git", true);
        check("https://h/pave/secret/_git/x", false);
        check("https://h/other/platform/_git/x", false);
        let check = |namespace: &str, expected: bool| {
            assert_eq!(
                project.permits_destination(IN_CLUSTER, "in-cluster", namespace),
                expected,
                "{namespace}"
            );
        };
        check("team-b", true);
        check("team-b-2", true);
        check("team-b-secret", false);
        check("team-a", false);
        assert!(!project.permits_destination("https://elsewhere", "", "team-b"));
    }

    #[test]
    fn cluster_kinds_need_a_list_and_namespaced_ones_do_not() {
        let check = |project: &Project, kind: &str, scope: Scope, expected: bool| {
            let gvk = GroupVersionKind::from_api_version("v1", kind).unwrap();
            assert_eq!(project.permits_kind(&gvk, "x", scope), expected, "{kind}");
        };
        check(&project(), "Namespace", Scope::Cluster, true);
        check(&project(), "Node", Scope::Cluster, false);
        check(&project(), "ConfigMap", Scope::Namespaced, true);
        check(&project(), "Secret", Scope::Namespaced, false);
        let none = Project {
            namespace_resource_whitelist: Some(Vec::new()),
            ..Project::default()
        };
        check(&none, "ConfigMap", Scope::Namespaced, false);
    }

    #[test]
    fn the_first_service_account_that_fits_is_taken() {
        let name = |namespace: &str| {
            project()
                .service_account(IN_CLUSTER, namespace)
                .unwrap()
                .to_string()
        };
        assert_eq!(name("team-b"), "system:serviceaccount:team-b:gitops");
        assert_eq!(name("x"), "system:serviceaccount:system:other");
    }
}
