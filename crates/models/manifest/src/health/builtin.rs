use pave_names::GroupVersionKind;
use serde_json::Value;

use super::{Health, HealthCode};

/// Upstream's rules for kinds of Kubernetes itself; nothing for kinds that just are.
pub(super) fn assess(gvk: &GroupVersionKind, live: &Value) -> Option<Health> {
    let health = match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => deployment(live),
        ("apps", "StatefulSet") => stateful_set(live),
        ("apps", "DaemonSet") => daemon_set(live),
        ("apps", "ReplicaSet") => replica_set(live),
        ("", "Pod") => pod(live),
        ("", "Service") => service(live),
        ("", "PersistentVolumeClaim") => volume_claim(live),
        ("batch", "Job") => job(live),
        ("networking.k8s.io" | "extensions", "Ingress") => ingress(live),
        ("apiregistration.k8s.io", "APIService") => by_condition(live, "Available"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => by_condition(live, "Established"),
        _ => return None,
    };
    Some(health)
}

fn healthy() -> Health {
    Health::new(HealthCode::Healthy, "")
}

fn progressing(message: impl Into<String>) -> Health {
    Health::new(HealthCode::Progressing, message)
}

fn number(live: &Value, pointer: &str) -> i64 {
    live.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn text<'a>(live: &'a Value, pointer: &str) -> &'a str {
    live.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn replicas(live: &Value) -> i64 {
    live.pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

fn condition<'a>(live: &'a Value, type_: &str) -> Option<&'a Value> {
    live.pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|it| it["type"] == type_)
}

fn is_true(live: &Value, type_: &str) -> bool {
    condition(live, type_).is_some_and(|it| it["status"] == "True")
}

fn is_stale(live: &Value) -> bool {
    number(live, "/metadata/generation") > number(live, "/status/observedGeneration")
}

fn by_condition(live: &Value, type_: &str) -> Health {
    if is_true(live, type_) {
        return healthy();
    }
    progressing(condition(live, type_).map_or("", |it| text(it, "/message")))
}

fn deployment(live: &Value) -> Health {
    if live["spec"]["paused"] == true {
        return Health::new(HealthCode::Suspended, "Deployment is paused");
    }
    if is_stale(live) {
        return progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        );
    }
    let late = |it: &&Value| it["reason"] == "ProgressDeadlineExceeded";
    if condition(live, "Progressing").as_ref().is_some_and(late) {
        let name = crate::name_of(live);
        return Health::new(
            HealthCode::Degraded,
            format!("Deployment \"{name}\" exceeded its progress deadline"),
        );
    }
    let (wanted, updated) = (replicas(live), number(live, "/status/updatedReplicas"));
    let available = number(live, "/status/availableReplicas");
    let old = number(live, "/status/replicas") - updated;
    if updated < wanted {
        progressing(format!(
            "Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated..."
        ))
    } else if old > 0 {
        progressing(format!(
            "Waiting for rollout to finish: {old} old replicas are pending termination..."
        ))
    } else if available < updated {
        progressing(format!(
            "Waiting for rollout to finish: {available} of {updated} updated replicas are available..."
        ))
    } else {
        healthy()
    }
}

fn stateful_set(live: &Value) -> Health {
    if number(live, "/status/observedGeneration") == 0 || is_stale(live) {
        return progressing("Waiting for statefulset spec update to be observed...");
    }
    let wanted = replicas(live);
    let ready = number(live, "/status/readyReplicas");
    if ready < wanted {
        return progressing(format!("Waiting for {} pods to be ready...", wanted - ready));
    }
    if text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return healthy();
    }
    let updated = number(live, "/status/updatedReplicas");
    let partition = number(live, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        if updated < wanted - partition {
            return progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                wanted - partition
            ));
        }
        return healthy();
    }
    if text(live, "/status/updateRevision") != text(live, "/status/currentRevision") {
        return progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {}...",
            text(live, "/status/updateRevision")
        ));
    }
    healthy()
}

fn daemon_set(live: &Value) -> Health {
    if is_stale(live) {
        return progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        );
    }
    if text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return healthy();
    }
    let wanted = number(live, "/status/desiredNumberScheduled");
    let updated = number(live, "/status/updatedNumberScheduled");
    let available = number(live, "/status/numberAvailable");
    if updated < wanted {
        progressing(format!(
            "Waiting for daemon set rollout to finish: {updated} out of {wanted} new pods have been updated..."
        ))
    } else if available < wanted {
        progressing(format!(
            "Waiting for daemon set rollout to finish: {available} of {wanted} updated pods are available..."
        ))
    } else {
        healthy()
    }
}

fn replica_set(live: &Value) -> Health {
    if is_stale(live) {
        return progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        );
    }
    if is_true(live, "ReplicaFailure") {
        let message = condition(live, "ReplicaFailure").map_or("", |it| text(it, "/message"));
        return Health::new(HealthCode::Degraded, message);
    }
    let (wanted, available) = (replicas(live), number(live, "/status/availableReplicas"));
    if available < wanted {
        return progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        ));
    }
    healthy()
}

fn pod(live: &Value) -> Health {
    let always = matches!(text(live, "/spec/restartPolicy"), "" | "Always");
    let none = Vec::new();
    let containers = live
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    let stuck = |it: &&Value| {
        let reason = text(it, "/state/waiting/reason");
        reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
    };
    if let Some(container) = containers.iter().find(stuck).filter(|_| always) {
        return Health::new(HealthCode::Degraded, text(container, "/state/waiting/message"));
    }
    match text(live, "/status/phase") {
        "Succeeded" => healthy(),
        "Failed" => Health::new(HealthCode::Degraded, failure(live, containers)),
        "Running" if !always => progressing(""),
        "Running" if is_true(live, "Ready") => healthy(),
        "Running"
            if containers
                .iter()
                .any(|it| !it["lastState"]["terminated"].is_null()) =>
        {
            Health::new(HealthCode::Degraded, text(live, "/status/message"))
        }
        _ => progressing(text(live, "/status/message")),
    }
}

fn failure(pod: &Value, containers: &[Value]) -> String {
    let own = text(pod, "/status/message");
    if !own.is_empty() {
        return own.to_owned();
    }
    let of = |container: &Value| {
        let ended = container.pointer("/state/terminated")?;
        let (message, reason) = (text(ended, "/message"), text(ended, "/reason"));
        match (message, reason, number(ended, "/exitCode")) {
            ("", "OOMKilled", _) => Some(reason.to_owned()),
            ("", _, 0) => None,
            ("", _, code) => Some(format!(
                "container {} failed with exit code {code}",
                text(container, "/name")
            )),
            (message, ..) => Some(message.to_owned()),
        }
    };
    containers.iter().find_map(of).unwrap_or_default()
}

fn service(live: &Value) -> Health {
    let waits = text(live, "/spec/type") == "LoadBalancer" && is_empty(live, "/status/loadBalancer/ingress");
    if waits { progressing("") } else { healthy() }
}

fn ingress(live: &Value) -> Health {
    if is_empty(live, "/status/loadBalancer/ingress") {
        progressing("")
    } else {
        healthy()
    }
}

fn is_empty(live: &Value, pointer: &str) -> bool {
    live.pointer(pointer)
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
}

fn volume_claim(live: &Value) -> Health {
    match text(live, "/status/phase") {
        "Bound" => healthy(),
        "Lost" => Health::new(HealthCode::Degraded, ""),
        "Pending" => progressing(""),
        _ => Health::new(HealthCode::Unknown, ""),
    }
}

fn job(live: &Value) -> Health {
    let message = |type_: &str| condition(live, type_).map_or("", |it| text(it, "/message"));
    for (type_, code) in [
        ("Failed", HealthCode::Degraded),
        ("Suspended", HealthCode::Suspended),
        ("Complete", HealthCode::Healthy),
    ] {
        if is_true(live, type_) {
            return Health::new(code, message(type_));
        }
    }
    progressing("")
}
