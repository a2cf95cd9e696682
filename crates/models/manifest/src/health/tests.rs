use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "tests hand in what `json!` makes")]
fn check(object: Value, expected: Option<(HealthCode, &str)>) {
    let health = assess(&object, &|gvk| gvk.group == "platform.example.com");
    let found = health.as_ref().map(|it| (it.code, it.message.as_str()));
    assert_eq!(found, expected, "{object}");
}

#[test]
fn claims_and_composites_follow_the_crossplane_rule() {
    let claim = |conditions: Value| json!({"apiVersion": "platform.example.com/v1", "kind": "Claim", "status": {"conditions": conditions}});
    let ready = json!({"type": "Ready", "status": "True"});
    let synced = json!({"type": "Synced", "status": "True"});
    let up = Some((HealthCode::Healthy, "Resource is up-to-date."));
    check(claim(json!([synced, ready])), up);
    check(
        claim(json!([synced])),
        Some((HealthCode::Progressing, "Provisioning ...")),
    );
    check(
        claim(json!([synced, {"type": "Ready", "status": "False", "message": "server: name is taken"}])),
        Some((HealthCode::Progressing, "server: name is taken")),
    );
    check(
        claim(json!([{"type": "Synced", "status": "False", "message": "no"}, ready])),
        Some((HealthCode::Degraded, "no")),
    );
    let bare = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "spec": {}});
    check(
        bare("platform.example.com/v1", "Claim"),
        Some((HealthCode::Progressing, "Provisioning ...")),
    );
    check(bare("apiextensions.crossplane.io/v1", "Composition"), up);
    check(bare("azure.upbound.io/v1beta1", "ProviderConfig"), up);
    check(bare("v1", "ConfigMap"), None);
}

#[test]
fn kinds_of_kubernetes_follow_upstream() {
    let deployment = |status: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "generation": 2},
            "spec": {"replicas": 2}, "status": status})
    };
    let good = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
    check(deployment(good), Some((HealthCode::Healthy, "")));
    check(
        deployment(json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1})),
        Some((
            HealthCode::Progressing,
            "Waiting for rollout to finish: 1 out of 2 new replicas have been updated...",
        )),
    );
    check(
        deployment(
            json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}),
        ),
        Some((
            HealthCode::Degraded,
            "Deployment \"d\" exceeded its progress deadline",
        )),
    );
    let job = |type_: &str| json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": [{"type": type_, "status": "True"}]}});
    check(job("Complete"), Some((HealthCode::Healthy, "")));
    check(job("Failed"), Some((HealthCode::Degraded, "")));
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Failed",
        "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 3}}}]}});
    check(
        pod,
        Some((HealthCode::Degraded, "container c failed with exit code 3")),
    );
    let going = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    check(going, Some((HealthCode::Progressing, "Pending deletion")));
}

#[test]
fn the_whole_is_as_its_worst_part() {
    let gvk = GroupVersionKind::default();
    let live = json!({});
    let check = |parts: &[(bool, Option<HealthCode>)], expected: HealthCode| {
        let healths: Vec<_> = parts
            .iter()
            .map(|(_, code)| code.map(|code| Health::new(code, "")))
            .collect();
        let members: Vec<_> = parts
            .iter()
            .zip(&healths)
            .map(|((lives, _), health)| Member {
                gvk: &gvk,
                live: lives.then_some(&live),
                health: health.as_ref(),
                hook: false,
            })
            .collect();
        assert_eq!(aggregate(&members).code, expected, "{parts:?}");
    };
    check(&[], HealthCode::Healthy);
    check(
        &[(true, None), (true, Some(HealthCode::Healthy))],
        HealthCode::Healthy,
    );
    check(
        &[
            (true, Some(HealthCode::Progressing)),
            (true, Some(HealthCode::Degraded)),
        ],
        HealthCode::Degraded,
    );
    check(
        &[
            (false, Some(HealthCode::Missing)),
            (true, Some(HealthCode::Healthy)),
        ],
        HealthCode::Healthy,
    );
    check(&[(false, Some(HealthCode::Missing))], HealthCode::Missing);
}
