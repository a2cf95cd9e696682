use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Resource, builtin, custom};
use crate::storage::{Storage, TableId};

/// Every kind served at one moment.
pub(crate) struct Snapshot {
    /// Groups in the order of discovery, each with its versions in order of preference.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    all: Vec<Arc<Resource>>,
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    /// Resources of a definition by its uid, with the revision they were made from.
    definitions: HashMap<String, (u64, Vec<Arc<Resource>>)>,
    revision: u64,
}

/// Groups that come before all others, in this order, as upstream's priorities have it.
const FIRST: &[&str] = &[
    "",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "apps",
];

impl Snapshot {
    fn new(
        all: Vec<Arc<Resource>>,
        definitions: HashMap<String, (u64, Vec<Arc<Resource>>)>,
        revision: u64,
    ) -> Self {
        let mut by_path = HashMap::new();
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for resource in &all {
            let key = (
                resource.group.clone(),
                resource.version.clone(),
                resource.plural.clone(),
            );
            by_path.entry(key).or_insert_with(|| resource.clone());
            match groups.iter_mut().find(|(group, _)| *group == resource.group) {
                None => groups.push((resource.group.clone(), vec![resource.version.clone()])),
                Some((_, versions)) if !versions.contains(&resource.version) => {
                    versions.push(resource.version.clone());
                }
                Some(_) => {}
            }
        }
        let place = |group: &str| {
            FIRST
                .iter()
                .position(|first| *first == group)
                .unwrap_or(FIRST.len())
        };
        groups.sort_by(|(left, _), (right, _)| place(left).cmp(&place(right)).then_with(|| left.cmp(right)));
        for (_, versions) in &mut groups {
            versions.sort_by_key(|version| std::cmp::Reverse(version_rank(version)));
        }
        Self {
            groups,
            all,
            by_path,
            definitions,
            revision,
        }
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path
            .get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// A kind in any version, the preferred one first.
    pub(crate) fn find_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (_, versions) = self.groups.iter().find(|(name, _)| name == group)?;
        versions.iter().find_map(|version| {
            self.all.iter().find(|resource| {
                resource.group == group && resource.kind == kind && resource.version == *version
            })
        })
    }

    pub(crate) fn has_version(&self, group: &str, version: &str) -> bool {
        self.groups
            .iter()
            .any(|(name, versions)| name == group && versions.iter().any(|known| known == version))
    }

    pub(crate) fn of_version<'a>(
        &'a self,
        group: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.all
            .iter()
            .filter(move |resource| resource.group == group && resource.version == version)
    }

    /// One resource for each stored table: what deletion of a namespace and collection walk over.
    pub(crate) fn stored(&self) -> Vec<Arc<Resource>> {
        let mut seen = std::collections::HashSet::new();
        self.all
            .iter()
            .filter(|resource| !resource.traits.is_review && resource.serves_stored())
            .filter(|resource| seen.insert(resource.table.clone()))
            .cloned()
            .collect()
    }

    /// The resource whose objects lie in a table.
    pub(crate) fn of_table(&self, table: &TableId) -> Option<Arc<Resource>> {
        let mut served = self.all.iter().filter(|resource| resource.table == *table);
        let first = served.clone().find(|resource| resource.serves_stored());
        first.or_else(|| served.next()).cloned()
    }
}

/// GA before beta before alpha, then by number: `v2 > v1 > v1beta2 > v1alpha1`.
fn version_rank(version: &str) -> (u8, u32, u32) {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let Some(rest) = version.strip_prefix('v') else {
        return (0, 0, 0);
    };
    let major = digits(rest);
    let tail = &rest[major.len()..];
    let major = major.parse().unwrap_or_default();
    let minor = |prefix: &str| tail.strip_prefix(prefix).and_then(|minor| minor.parse().ok());
    if tail.is_empty() {
        (3, major, 0)
    } else if let Some(minor) = minor("beta") {
        (2, major, minor)
    } else if let Some(minor) = minor("alpha") {
        (1, major, minor)
    } else {
        (0, 0, 0)
    }
}

/// Knows every kind; follows the definitions in the store.
pub(crate) struct Registry {
    storage: Storage,
    cluster: String,
    definitions: TableId,
    builtins: Vec<Arc<Resource>>,
    current: RwLock<Arc<Snapshot>>,
}

impl Registry {
    pub(crate) fn new(storage: Storage, cluster: &str) -> Self {
        let builtins: Vec<_> = builtin::builtins(cluster).into_iter().map(Arc::new).collect();
        let empty = Snapshot::new(builtins.clone(), HashMap::new(), 0);
        let registry = Self {
            storage,
            cluster: cluster.to_owned(),
            definitions: TableId::new(cluster, "apiextensions.k8s.io", "customresourcedefinitions"),
            builtins,
            current: RwLock::new(Arc::new(empty)),
        };
        registry.rebuild();
        registry
    }

    /// The kinds of this moment: a definition counts from the instant it is stored.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if self.storage.changed_at(&self.definitions) <= current.revision {
            current
        } else {
            self.rebuild()
        }
    }

    fn rebuild(&self) -> Arc<Snapshot> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let (revision, objects) = self.storage.list(&self.definitions, None);
        let mut all = self.builtins.clone();
        let mut definitions = HashMap::new();
        for object in objects {
            let known = current.definitions.get(object.uid());
            let made = match known {
                Some((revision, made)) if *revision == object.revision => made.clone(),
                Some((_, previous)) => custom::resources(&self.cluster, &object, previous),
                None => custom::resources(&self.cluster, &object, &[]),
            };
            all.extend(made.iter().cloned());
            definitions.insert(object.uid().to_owned(), (object.revision, made));
        }
        let snapshot = Arc::new(Snapshot::new(all, definitions, revision));
        *current = snapshot.clone();
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_by_stability_then_number() {
        let check = |better: &str, worse: &str| {
            assert!(version_rank(better) > version_rank(worse), "{better} > {worse}");
        };
        check("v1", "v1beta1");
        check("v2", "v1");
        check("v1beta2", "v1beta1");
        check("v1beta1", "v1alpha3");
        check("v1alpha1", "foo10");
    }
}
