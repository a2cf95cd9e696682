//! Who owns an object: the annotation by which an application knows its own.

use pave_names::ObjectKey;
use serde_json::Value;

use crate::{annotation, key_of};

/// Annotation that names the application and, again, the object itself.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// The tracking value: `<app>:<group>/<Kind>:<namespace>/<name>`.
///
/// Upstream writes the application's destination namespace for a cluster-scoped object.
#[must_use]
pub fn tracking_id(application: &str, key: &ObjectKey, destination_namespace: &str) -> String {
    let namespace = if key.namespace.is_empty() {
        destination_namespace
    } else {
        &key.namespace
    };
    format!(
        "{application}:{}/{}:{namespace}/{}",
        key.group, key.kind, key.name
    )
}

/// What an application is called in a tracking id: `<name>` in the control namespace, else `<namespace>_<name>`.
#[must_use]
pub fn instance_name(namespace: &str, name: &str, control_namespace: &str) -> String {
    if namespace == control_namespace {
        name.to_owned()
    } else {
        format!("{namespace}_{name}")
    }
}

/// The application that owns a live object, if the object says so *about itself*.
///
/// Crossplane copies annotations from a claim down to composite and managed resources. Their copy names the claim,
/// not themselves; without this rule they would be pruned as extraneous.
#[must_use]
pub fn owner(object: &Value) -> Option<String> {
    let value = annotation(object, TRACKING_ID)?;
    let mut parts = value.splitn(3, ':');
    let (application, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (group, kind) = kind.split_once('/')?;
    let (namespace, name) = name.split_once('/')?;
    let key = key_of(object);
    let same_namespace = key.namespace.is_empty() || key.namespace == namespace;
    let same = key.group == group && key.kind == kind && key.name == name && same_namespace;
    same.then(|| application.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_owned_only_if_the_id_describes_it() {
        let check = |id: &str, object: Value, expected: Option<&str>| {
            let mut object = object;
            object["metadata"]["annotations"] = json!({TRACKING_ID: id});
            assert_eq!(owner(&object).as_deref(), expected, "{id}");
        };
        let claim =
            json!({"apiVersion": "e.org/v1", "kind": "Claim", "metadata": {"namespace": "a", "name": "x"}});
        let composite = json!({"apiVersion": "e.org/v1", "kind": "XClaim", "metadata": {"name": "x-1"}});
        check("web:e.org/Claim:a/x", claim.clone(), Some("web"));
        check("web:e.org/Claim:a/x", composite.clone(), None);
        check("web:e.org/XClaim:argocd/x-1", composite, Some("web"));
        check("web:e.org/Claim:b/x", claim.clone(), None);
        check("nonsense", claim, None);
    }

    #[test]
    fn ids_read_as_upstream() {
        let key = |group: &str, namespace: &str| ObjectKey {
            group: group.into(),
            kind: "Service".into(),
            namespace: namespace.into(),
            name: "web".into(),
        };
        assert_eq!(
            tracking_id("web", &key("", "default"), "x"),
            "web:/Service:default/web"
        );
        assert_eq!(tracking_id("web", &key("g", ""), "x"), "web:g/Service:x/web");
        assert_eq!(instance_name("argocd", "web", "argocd"), "web");
        assert_eq!(instance_name("team", "web", "argocd"), "team_web");
    }
}
