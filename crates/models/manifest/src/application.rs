//! `Application` of `argoproj.io/v1alpha1`, as far as an engine reads and writes it. Unknown fields are kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::merge::strip_nulls;

mod status;

pub use status::{
    ComparedTo, Condition, HealthStatus, HistoryEntry, InitiatedBy, Operation, OperationState,
    ResourceResult, ResourceSelector, ResourceStatus, Status, SyncOperation, SyncResult, SyncStatus,
};

/// API version of every kind here.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";
/// Finalizer that makes the deletion of an Application take its objects along.
pub const RESOURCES_FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
/// The cluster an engine runs in, as a URL.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// An Application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Application {
    /// Name, namespace and the annotations that carry behaviour.
    pub metadata: Metadata,
    /// What a person wants.
    pub spec: Spec,
    /// What the engine found.
    pub status: Status,
    /// What somebody asks the engine to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// The part of object metadata that an engine reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Annotations.
    pub annotations: std::collections::BTreeMap<String, String>,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Set once the deletion has begun.
    pub deletion_timestamp: Option<String>,
    /// Revision of the object in its cluster.
    pub resource_version: String,
}

/// What a person wants of an Application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// Name of the `AppProject`; empty means `default`.
    pub project: String,
    /// Where to.
    pub destination: Destination,
    /// Where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Where from, several; wins over `source` if it is not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// When and how to sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_policy: Option<SyncPolicy>,
    /// Differences that do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<IgnoreDifference>,
    /// How many successful syncs are remembered; 10 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<usize>,
    /// Fields this engine does not act on.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Cluster and namespace that an Application is synced to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// URL of the cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Name of the cluster, instead of the URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Namespace for objects that name none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A folder of a repository at a revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// URL of the repository.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// Folder in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Branch, tag or commit; empty or `HEAD` means the default branch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target_revision: String,
    /// Options of a plain folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryOptions>,
    /// Fields this engine does not act on (`helm`, `kustomize`, `plugin`, `chart`, `ref`, …).
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Options of a plain folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectoryOptions {
    /// Whether folders below count.
    pub recurse: bool,
    /// Glob of files to take; empty takes all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub include: String,
    /// Glob of files to leave out; looked at first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub exclude: String,
    /// Fields this engine does not act on (`jsonnet`, …).
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// When and how to sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncPolicy {
    /// Sync without being asked; present means on unless `enabled: false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automated: Option<Automated>,
    /// Options such as `CreateNamespace=true`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    /// What to do after a failed sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Labels and annotations of a namespace made by `CreateNamespace=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_namespace_metadata: Option<NamespaceMetadata>,
}

/// Syncing without being asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Automated {
    /// Only `false` switches it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Delete what Git no longer names.
    pub prune: bool,
    /// Undo changes made in the cluster.
    pub self_heal: bool,
    /// Let a prune leave nothing.
    pub allow_empty: bool,
}

/// What to do after a failed sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    /// How often; negative means endlessly.
    pub limit: i64,
    /// Whether a retry may move on to a newer commit.
    pub refresh: bool,
    /// How long to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

impl Default for Retry {
    /// What upstream takes for an automated sync that says nothing.
    fn default() -> Self {
        Self {
            limit: 5,
            refresh: false,
            backoff: None,
        }
    }
}

/// Growing waits between attempts, as Go durations or bare seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// First wait; 5 s if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Growth; 2 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<u32>,
    /// Longest wait; 3 min if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<String>,
}

/// Labels and annotations of a namespace that a sync makes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceMetadata {
    /// Labels.
    pub labels: Map<String, Value>,
    /// Annotations.
    pub annotations: Map<String, Value>,
}

/// Differences of some objects that do not count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreDifference {
    /// Glob of the group.
    pub group: String,
    /// Glob of the kind.
    pub kind: String,
    /// Name; empty means any.
    pub name: String,
    /// Namespace; empty means any.
    pub namespace: String,
    /// Fields by JSON pointer.
    pub json_pointers: Vec<String>,
    /// Fields owned by these field managers.
    pub managed_fields_managers: Vec<String>,
    /// Fields by jq path: kept, not evaluated.
    pub jq_path_expressions: Vec<String>,
}

impl Application {
    /// Reads an Application as the API server returns it.
    pub fn from_value(mut object: Value) -> Result<Self, serde_json::Error> {
        strip_nulls(&mut object);
        serde_json::from_value(object)
    }

    /// The project's name; `default` if none is given.
    #[must_use]
    pub fn project(&self) -> &str {
        if self.spec.project.is_empty() {
            "default"
        } else {
            &self.spec.project
        }
    }

    /// The automation, if it is on.
    #[must_use]
    pub fn automated(&self) -> Option<&Automated> {
        self.spec
            .sync_policy
            .as_ref()?
            .automated
            .as_ref()
            .filter(|it| it.enabled != Some(false))
    }

    /// The sync options.
    #[must_use]
    pub fn sync_options(&self) -> &[String] {
        self.spec
            .sync_policy
            .as_ref()
            .map_or(&[], |policy| &policy.sync_options)
    }

    /// The source that counts; only the first of several is acted on.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.spec.sources.first().or(self.spec.source.as_ref())
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.get(key).map(String::as_str)
    }

    /// `namespace/name`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.metadata.namespace, self.metadata.name)
    }
}

impl Source {
    /// The folder without `./` and slashes around it; empty for the root.
    #[must_use]
    pub fn folder(&self) -> &str {
        let path = self.path.trim_start_matches("./").trim_matches('/');
        if path == "." { "" } else { path }
    }

    /// The revision to resolve: `HEAD` if none is given.
    #[must_use]
    pub fn revision(&self) -> &str {
        if self.target_revision.is_empty() {
            "HEAD"
        } else {
            &self.target_revision
        }
    }
}

impl Destination {
    /// Whether it is the cluster the engine runs in.
    #[must_use]
    pub fn is_in_cluster(&self) -> bool {
        self.server == IN_CLUSTER || (self.server.is_empty() && self.name == "in-cluster")
    }
}

impl Retry {
    /// Seconds to wait before attempt `count` (from 0) is repeated.
    #[must_use]
    pub fn wait_seconds(&self, count: u32) -> u64 {
        let backoff = self.backoff.clone().unwrap_or_default();
        let first = backoff.duration.as_deref().and_then(go_seconds).unwrap_or(5);
        let longest = backoff
            .max_duration
            .as_deref()
            .and_then(go_seconds)
            .unwrap_or(180);
        let factor = u64::from(backoff.factor.unwrap_or(2).max(1));
        first.saturating_mul(factor.saturating_pow(count)).min(longest)
    }
}

/// Seconds of a Go duration such as `1m30s`, or of a bare number.
fn go_seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0_u64;
    let mut number = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            number.push(character);
            continue;
        }
        let unit = match character {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total += std::mem::take(&mut number).parse::<u64>().ok()? * unit;
    }
    number.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_application_reads_as_upstream_writes_it() {
        let application = Application::from_value(json!({
            "metadata": {"name": "a", "namespace": "argocd"},
            "spec": {
                "project": "", "destination": {"server": IN_CLUSTER, "namespace": "team-a"},
                "source": {"repoURL": "https://h/r", "path": "./x/", "helm": {"releaseName": "r"}},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": null}, "syncOptions": null},
            },
        }))
        .unwrap();
        assert_eq!(application.project(), "default");
        assert!(application.automated().unwrap().prune);
        assert!(!application.automated().unwrap().self_heal);
        let source = application.source().unwrap();
        assert_eq!((source.folder(), source.revision()), ("x", "HEAD"));
        assert_eq!(serde_json::to_value(source).unwrap()["helm"]["releaseName"], "r");
        assert!(application.spec.destination.is_in_cluster());
    }

    #[test]
    fn automation_is_off_only_by_enabled_false() {
        let check = |automated: Value, expected: bool| {
            let spec = json!({"spec": {"syncPolicy": {"automated": automated}}});
            assert_eq!(
                Application::from_value(spec).unwrap().automated().is_some(),
                expected
            );
        };
        check(json!({}), true);
        check(json!({"enabled": true}), true);
        check(json!({"enabled": false}), false);
        check(Value::Null, false);
    }

    #[test]
    fn retries_wait_longer_each_time() {
        let retry = Retry::default();
        let waits: Vec<_> = (0..7).map(|count| retry.wait_seconds(count)).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 180]);
        assert_eq!(go_seconds("1m30s"), Some(90));
        assert_eq!(go_seconds("7"), Some(7));
        assert_eq!(go_seconds("1x"), None);
    }
}
