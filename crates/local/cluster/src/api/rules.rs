//! Nobody gives away more than they have: roles and bindings are checked against their author.

use pave_auth::AccessRequest;
use serde_json::Value;

use super::{Call, Server};
use crate::access::Rule;
use crate::http::failure::Failure;
use crate::storage::ObjectName;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role with rights that its author lacks, and a binding to such a role.
pub(super) fn check_escalation(
    server: &Server,
    call: &Call,
    new: &Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    let resource = &call.resource;
    if resource.group != GROUP {
        return Ok(());
    }
    let (rules, verb, about) = match resource.plural.as_str() {
        "roles" | "clusterroles" => {
            if old.is_some_and(|old| {
                old["rules"] == new["rules"] && old["aggregationRule"] == new["aggregationRule"]
            }) {
                return Ok(());
            }
            let rules: Vec<Rule> = crate::access::of_role(new);
            (
                rules,
                "escalate",
                (resource.plural.clone(), call.target.name.clone()),
            )
        }
        _ => {
            if old.is_some_and(|old| old["subjects"] == new["subjects"]) {
                return Ok(());
            }
            let (plural, name) = role_of(new);
            (bound_rules(server, call, &plural, &name), "bind", (plural, name))
        }
    };
    let namespace = call.namespace().unwrap_or_default();
    let (plural, name) = about;
    let exempt = AccessRequest {
        verb: verb.to_owned(),
        group: GROUP.to_owned(),
        resource: plural,
        namespace: namespace.to_owned(),
        name,
        ..AccessRequest::default()
    };
    if server.rbac.decide(&call.principal, &exempt).allowed {
        return Ok(());
    }
    let held = server.rbac.rules_for(&call.principal, namespace);
    let missing: Vec<String> = rules
        .iter()
        .filter(|rule| {
            !rule
                .breakdown()
                .iter()
                .all(|request| held.iter().any(|held| held.allows(request)))
        })
        .map(|rule| rule.to_value().to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "user \"{}\" (groups={:?}) is attempting to grant RBAC permissions not currently held:\n{}",
        call.principal.user,
        crate::access::groups(&call.principal),
        missing.join("\n")
    );
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    Err(Failure::forbidden(resource, name, &why))
}

fn role_of(binding: &Value) -> (String, String) {
    let role = &binding["roleRef"];
    let plural = if role["kind"] == "ClusterRole" {
        "clusterroles"
    } else {
        "roles"
    };
    (
        plural.to_owned(),
        role["name"].as_str().unwrap_or_default().to_owned(),
    )
}

/// The rules of a role that is about to be bound; of an absent role nobody can say, so it takes `bind`.
fn bound_rules(server: &Server, call: &Call, plural: &str, name: &str) -> Vec<Rule> {
    let namespace = if plural == "roles" {
        call.namespace().unwrap_or_default()
    } else {
        ""
    };
    let role = server.storage.get(
        &server.builtin_table(GROUP, plural),
        &ObjectName::new(namespace, name),
    );
    role.map_or_else(
        || vec![Rule::everything()],
        |role| crate::access::of_role(&role.value),
    )
}
