//! Who may do what: Kubernetes RBAC over the objects in the store.

mod bootstrap;
mod own;
mod rule;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Principal};
use serde_json::Value;

use crate::storage::{Storage, TableId};

pub(crate) use bootstrap::{objects as bootstrap_objects, open_issuer};
pub(crate) use own::{Own, person_token, principal_of};
pub(crate) use rule::{Rule, of_role};

const GROUP: &str = "rbac.authorization.k8s.io";
/// Whoever is in this group may do everything, whatever the roles say.
const MASTERS: &str = "system:masters";

/// A role given to somebody.
#[derive(Debug)]
struct Binding {
    users: Vec<String>,
    groups: Vec<String>,
    rules: Arc<Vec<Rule>>,
}

impl Binding {
    fn binds(&self, principal: &Principal, groups: &[&str]) -> bool {
        self.users.contains(&principal.user)
            || self.groups.iter().any(|group| groups.contains(&group.as_str()))
    }
}

/// All roles and bindings of one moment, ready to be asked.
#[derive(Debug, Default)]
struct Policy {
    revision: u64,
    everywhere: Vec<Binding>,
    by_namespace: HashMap<String, Vec<Binding>>,
}

/// The authorizer.
pub(crate) struct Rbac {
    storage: Storage,
    tables: [TableId; 4],
    policy: RwLock<Arc<Policy>>,
}

/// The groups of a principal, with those that follow from being authenticated.
pub(crate) fn groups(principal: &Principal) -> Vec<&str> {
    let mut groups: Vec<&str> = principal.groups.iter().map(String::as_str).collect();
    let implied = if principal.is_anonymous() {
        "system:unauthenticated"
    } else {
        "system:authenticated"
    };
    if !groups.contains(&implied) {
        groups.push(implied);
    }
    groups
}

impl Rbac {
    pub(crate) fn new(storage: Storage, cluster: &str) -> Self {
        let table = |plural: &str| TableId::new(cluster, GROUP, plural);
        let tables = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map(table);
        Self {
            storage,
            tables,
            policy: RwLock::default(),
        }
    }

    fn policy(&self) -> Arc<Policy> {
        let newest = self
            .tables
            .iter()
            .map(|table| self.storage.changed_at(table))
            .max()
            .unwrap_or_default();
        let current = self.policy.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.revision > newest {
            return current;
        }
        let policy = Arc::new(self.compile());
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy.clone();
        policy
    }

    fn compile(&self) -> Policy {
        let [global_tables, cluster_bindings, local_roles, local_bindings] = &self.tables;
        let (revision, cluster_roles) = self.storage.list(global_tables, None);
        let values: Vec<&Value> = cluster_roles.iter().map(|role| &role.value).collect();
        let global: HashMap<&str, Arc<Vec<Rule>>> = cluster_roles
            .iter()
            .map(|role| {
                (
                    &*role.name.name,
                    Arc::new(rule::with_aggregated(&role.value, &values)),
                )
            })
            .collect();
        let (_, roles) = self.storage.list(local_roles, None);
        let local: HashMap<(&str, &str), Arc<Vec<Rule>>> = roles
            .iter()
            .map(|role| {
                (
                    (&*role.name.namespace, &*role.name.name),
                    Arc::new(rule::of_role(&role.value)),
                )
            })
            .collect();
        let mut policy = Policy {
            revision: revision + 1,
            ..Policy::default()
        };
        for object in self.storage.list(cluster_bindings, None).1 {
            let role = object.value["roleRef"]["name"].as_str().unwrap_or_default();
            if let Some(rules) = global.get(role) {
                policy.everywhere.push(binding(&object.value, "", rules));
            }
        }
        for object in self.storage.list(local_bindings, None).1 {
            let namespace = &*object.name.namespace;
            let role = &object.value["roleRef"];
            let name = role["name"].as_str().unwrap_or_default();
            let given = if role["kind"] == "ClusterRole" {
                global.get(name)
            } else {
                local.get(&(namespace, name))
            };
            if let Some(given) = given {
                let binding = binding(&object.value, namespace, given);
                policy
                    .by_namespace
                    .entry(namespace.to_owned())
                    .or_default()
                    .push(binding);
            }
        }
        policy
    }

    /// Every rule that counts for somebody in a namespace (`""`: cluster-wide ones only).
    pub(crate) fn rules_for(&self, principal: &Principal, namespace: &str) -> Vec<Rule> {
        let groups = groups(principal);
        if groups.contains(&MASTERS) {
            return vec![Rule::everything(), Rule::every_path()];
        }
        let policy = self.policy();
        let local = policy.by_namespace.get(namespace).into_iter().flatten();
        policy
            .everywhere
            .iter()
            .chain(local)
            .filter(|binding| binding.binds(principal, &groups))
            .flat_map(|binding| binding.rules.iter().cloned())
            .collect()
    }

    /// Answers one question.
    pub(crate) fn decide(&self, principal: &Principal, request: &AccessRequest) -> Decision {
        let groups = groups(principal);
        if groups.contains(&MASTERS) {
            return Decision {
                allowed: true,
                reason: String::new(),
            };
        }
        let policy = self.policy();
        let local = policy.by_namespace.get(&request.namespace).into_iter().flatten();
        let local = local.filter(|_| request.path.is_empty());
        let allowed = policy
            .everywhere
            .iter()
            .chain(local)
            .filter(|binding| binding.binds(principal, &groups))
            .any(|binding| binding.rules.iter().any(|rule| rule.allows(request)));
        let reason = if allowed {
            String::new()
        } else {
            missing(principal, request)
        };
        Decision { allowed, reason }
    }
}

fn binding(value: &Value, namespace: &str, rules: &Arc<Vec<Rule>>) -> Binding {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for subject in value["subjects"].as_array().into_iter().flatten() {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => users.push(name.to_owned()),
            Some("Group") => groups.push(name.to_owned()),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or(namespace);
                users.push(format!("system:serviceaccount:{namespace}:{name}"));
            }
            _ => {}
        }
    }
    Binding {
        users,
        groups,
        rules: rules.clone(),
    }
}

/// Which rule would have allowed it, and who can add one.
fn missing(principal: &Principal, request: &AccessRequest) -> String {
    let AccessRequest {
        verb,
        group,
        resource,
        subresource,
        namespace,
        path,
        ..
    } = request;
    let user = &principal.user;
    let whom = "members of group `platform` can add it";
    if !path.is_empty() {
        return format!(
            "no ClusterRole bound to `{user}` has a rule with verbs [\"{verb}\"] and nonResourceURLs [\"{path}\"]; {whom}"
        );
    }
    let resource = if subresource.is_empty() {
        resource.clone()
    } else {
        format!("{resource}/{subresource}")
    };
    let rule = format!("apiGroups [\"{group}\"], resources [\"{resource}\"], verbs [\"{verb}\"]");
    if namespace.is_empty() {
        format!("no ClusterRole bound to `{user}` has a rule with {rule}; {whom}")
    } else {
        format!(
            "no Role or ClusterRole bound to `{user}` in namespace `{namespace}` has a rule with {rule}; {whom}"
        )
    }
}

impl Authorizer for Rbac {
    fn authorize<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a AccessRequest,
    ) -> BoxFuture<'a, Decision> {
        Box::pin(async move { self.decide(principal, request) })
    }
}
