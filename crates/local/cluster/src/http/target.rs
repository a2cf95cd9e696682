use std::collections::HashMap;

use http::Method;

/// What a path under `/api` or `/apis` points at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    /// Empty for cluster-scoped targets and for all namespaces.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Target {
    /// Parses a path below a group and version; `None` when it is something else.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/').map(decode);
        let (group, version) = match parts.next()?.as_str() {
            "api" => (String::new(), parts.next()?),
            "apis" => (parts.next()?, parts.next()?),
            _ => return None,
        };
        let rest: Vec<String> = parts.collect();
        let mut target = Self {
            group,
            version,
            ..Self::default()
        };
        let words: Vec<&str> = rest.iter().map(String::as_str).collect();
        let assign = |target: &mut Self, words: &[&str]| {
            let word = |index: usize| {
                words
                    .get(index)
                    .map(|word| (*word).to_owned())
                    .unwrap_or_default()
            };
            target.plural = word(0);
            target.name = word(1);
            target.subresource = words.get(2..).unwrap_or_default().join("/");
        };
        match words.as_slice() {
            [] => return None,
            // The namespace object itself, and its subresources.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => {
                assign(&mut target, &words);
                target.namespace.clone_from(&target.name);
            }
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
                (*namespace).clone_into(&mut target.namespace);
                assign(&mut target, rest);
            }
            other => assign(&mut target, other),
        }
        Some(target)
    }

    /// The RBAC verb of a request for this target.
    pub(crate) fn verb(&self, method: &Method, is_watch: bool) -> &'static str {
        match (method.as_str(), self.name.is_empty()) {
            ("GET" | "HEAD", _) if is_watch => "watch",
            ("GET" | "HEAD", true) => "list",
            ("GET" | "HEAD", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "",
        }
    }
}

fn decode(part: &str) -> String {
    if !part.contains('%') {
        return part.to_owned();
    }
    let pair = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Query parameters; the first of a name counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let mut map = HashMap::new();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            map.entry(key.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(map)
    }

    /// The value of a parameter; empty when it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a boolean parameter is set; bare and `1` count as true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|value| !matches!(value.as_str(), "false" | "0"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_target() {
        let check = |path: &str, expected: [&str; 6]| {
            let target = Target::parse(path).unwrap();
            let Target {
                group,
                version,
                plural,
                namespace,
                name,
                subresource,
            } = &target;
            assert_eq!(
                [group, version, plural, namespace, name, subresource].map(String::as_str),
                expected,
                "{path}"
            );
        };
        check("/api/v1/pods", ["", "v1", "pods", "", "", ""]);
        check(
            "/api/v1/namespaces/a/pods/b/log",
            ["", "v1", "pods", "a", "b", "log"],
        );
        check("/api/v1/namespaces", ["", "v1", "namespaces", "", "", ""]);
        check("/api/v1/namespaces/a", ["", "v1", "namespaces", "a", "a", ""]);
        check(
            "/api/v1/namespaces/a/finalize",
            ["", "v1", "namespaces", "a", "a", "finalize"],
        );
        check(
            "/apis/g.io/v1/clusters/x/status",
            ["g.io", "v1", "clusters", "", "x", "status"],
        );
        check(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa",
            [
                "rbac.authorization.k8s.io",
                "v1",
                "clusterroles",
                "",
                "system:a",
                "",
            ],
        );
        assert_eq!(Target::parse("/apis/g.io"), None);
        assert_eq!(Target::parse("/apis/g.io/v1"), None);
    }
}
