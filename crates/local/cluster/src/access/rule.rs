use pave_auth::AccessRequest;
use serde_json::{Value, json};

/// One policy rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) verbs: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) paths: Vec<String>,
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|entry| entry == "*" || entry == wanted)
}

impl Rule {
    fn parse(value: &Value) -> Self {
        let list = |key: &str| -> Vec<String> {
            value[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Self {
            verbs: list("verbs"),
            groups: list("apiGroups"),
            resources: list("resources"),
            names: list("resourceNames"),
            paths: list("nonResourceURLs"),
        }
    }

    pub(crate) fn everything() -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            verbs: all(),
            groups: all(),
            resources: all(),
            ..Self::default()
        }
    }

    pub(crate) fn every_path() -> Self {
        Self {
            verbs: vec!["*".to_owned()],
            paths: vec!["*".to_owned()],
            ..Self::default()
        }
    }

    /// Whether this rule allows a request.
    pub(crate) fn allows(&self, request: &AccessRequest) -> bool {
        if !has(&self.verbs, &request.verb) {
            return false;
        }
        if !request.path.is_empty() {
            return self.paths.iter().any(|path| path_matches(path, &request.path));
        }
        has(&self.groups, &request.group)
            && self.allows_resource(&request.resource, &request.subresource)
            && (self.names.is_empty() || (!request.name.is_empty() && self.names.contains(&request.name)))
    }

    fn allows_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|entry| match entry.split_once('/') {
            _ if entry == "*" => true,
            None => subresource.is_empty() && entry == resource,
            Some(("*", wanted)) => wanted == subresource,
            Some((wanted, wanted_sub)) => wanted == resource && wanted_sub == subresource,
        })
    }

    /// The single requests that this rule stands for, for checking that somebody else has them all.
    pub(crate) fn breakdown(&self) -> Vec<AccessRequest> {
        let mut requests = Vec::new();
        for verb in &self.verbs {
            for path in &self.paths {
                requests.push(AccessRequest::path(verb, path.clone()));
            }
            for group in &self.groups {
                for resource in &self.resources {
                    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                    let unnamed = [String::new()];
                    let names = if self.names.is_empty() {
                        &unnamed[..]
                    } else {
                        &self.names
                    };
                    for name in names {
                        requests.push(AccessRequest {
                            verb: verb.clone(),
                            group: group.clone(),
                            resource: resource.to_owned(),
                            subresource: subresource.to_owned(),
                            name: name.clone(),
                            ..AccessRequest::default()
                        });
                    }
                }
            }
        }
        requests
    }

    /// The rule as `SelfSubjectRulesReview` shows it.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = json!({ "verbs": self.verbs });
        if self.paths.is_empty() {
            value["apiGroups"] = json!(self.groups);
            value["resources"] = json!(self.resources);
            if !self.names.is_empty() {
                value["resourceNames"] = json!(self.names);
            }
        } else {
            value["nonResourceURLs"] = json!(self.paths);
        }
        value
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == "*"
        || pattern == path
        || pattern
            .strip_suffix('*')
            .is_some_and(|prefix| path.starts_with(prefix))
}

/// The rules of a role.
pub(crate) fn of_role(role: &Value) -> Vec<Rule> {
    role["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(Rule::parse)
        .collect()
}

/// The rules of a cluster role, with those of the roles that it aggregates.
pub(super) fn with_aggregated(role: &Value, all: &[&Value]) -> Vec<Rule> {
    let mut rules = of_role(role);
    for selector in role["aggregationRule"]["clusterRoleSelectors"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let Some(wanted) = selector["matchLabels"].as_object() else {
            continue;
        };
        for other in all {
            let labels = &other["metadata"]["labels"];
            let is_other = other["metadata"]["name"] != role["metadata"]["name"];
            if is_other && wanted.iter().all(|(key, value)| labels[key] == *value) {
                rules.extend(of_role(other));
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &Value) -> Rule {
        Rule::parse(value)
    }

    #[test]
    fn rules_allow_what_they_name() {
        let check = |value: Value, verb: &str, resource: &str, sub: &str, name: &str, expected: bool| {
            let request = AccessRequest {
                verb: verb.into(),
                group: "g".into(),
                resource: resource.into(),
                subresource: sub.into(),
                name: name.into(),
                ..AccessRequest::default()
            };
            assert_eq!(
                rule(&value).allows(&request),
                expected,
                "{value} {verb} {resource}/{sub} {name}"
            );
        };
        let plain = json!({ "verbs": ["get"], "apiGroups": ["g"], "resources": ["a", "b/status"] });
        check(plain.clone(), "get", "a", "", "", true);
        check(plain.clone(), "list", "a", "", "", false);
        check(plain.clone(), "get", "a", "status", "", false);
        check(plain.clone(), "get", "b", "status", "", true);
        check(plain, "get", "b", "", "", false);
        let named = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["x"] });
        check(named.clone(), "get", "a", "", "x", true);
        check(named.clone(), "get", "a", "", "y", false);
        check(named, "create", "a", "", "", false);
        let scale = json!({ "verbs": ["get"], "apiGroups": ["g"], "resources": ["*/scale"] });
        check(scale, "get", "a", "scale", "", true);
    }

    #[test]
    fn paths_match_exactly_or_by_prefix() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let rule = rule(&json!({ "verbs": ["push"], "nonResourceURLs": [pattern] }));
            assert_eq!(
                rule.allows(&AccessRequest::path("push", path)),
                expected,
                "{pattern} {path}"
            );
        };
        check("/forge/a/*", "/forge/a/b/c", true);
        check("/forge/a/*", "/forge/ab", false);
        check("/healthz", "/healthz", true);
        check("*", "/anything", true);
    }
}
