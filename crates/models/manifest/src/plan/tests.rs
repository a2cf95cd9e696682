use serde_json::json;

use super::*;

fn object(kind: &str, name: &str, annotations: &Value) -> Value {
    let (api_version, kind) = kind.rsplit_once('/').unwrap_or(("v1", kind));
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "n", "annotations": annotations}})
}

fn wave(number: i64) -> Value {
    json!({SYNC_WAVE: number.to_string()})
}

/// Each task as `action phase wave name`.
fn check(targets: &[Value], extraneous: &[Value], options: &[&str], expected: &[&str]) {
    let options: Vec<String> = options.iter().map(|it| (*it).to_owned()).collect();
    let input = PlanInput {
        targets,
        extraneous,
        options: &options,
        selection: &[],
        hooks: true,
    };
    let lines: Vec<_> = plan(&input)
        .iter()
        .map(|task| {
            format!(
                "{:?} {} {} {}",
                task.action,
                task.phase.as_str(),
                task.wave,
                task.key.name
            )
        })
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn kinds_then_names_within_waves() {
    let none = json!({});
    check(
        &[
            object("e.org/v1/Claim", "z", &none),
            object("ConfigMap", "b", &none),
            object("ConfigMap", "a", &none),
            object("Secret", "s", &none),
            object("ConfigMap", "early", &wave(-1)),
        ],
        &[],
        &[],
        &[
            "Apply Sync -1 early",
            "Apply Sync 0 s",
            "Apply Sync 0 a",
            "Apply Sync 0 b",
            "Apply Sync 0 z",
        ],
    );
}

#[test]
fn namespaces_and_definitions_are_pulled_up() {
    let mut namespace = object("Namespace", "n", &wave(5));
    namespace["metadata"]["namespace"] = Value::Null;
    let mut crd = object(
        "apiextensions.k8s.io/v1/CustomResourceDefinition",
        "claims.e.org",
        &wave(3),
    );
    crd["metadata"]["namespace"] = Value::Null;
    crd["spec"] = json!({"group": "e.org", "names": {"kind": "Claim"}});
    check(
        &[object("e.org/v1/Claim", "c", &wave(1)), namespace, crd],
        &[],
        &[],
        &["Apply Sync 1 n", "Apply Sync 1 claims.e.org", "Apply Sync 1 c"],
    );
}

#[test]
fn prunes_go_backwards() {
    let prunes = [
        object("ConfigMap", "w1", &wave(1)),
        object("ConfigMap", "w2", &wave(2)),
        object("ConfigMap", "w9", &wave(9)),
    ];
    check(
        &[],
        &prunes,
        &[],
        &["Prune Sync 1 w9", "Prune Sync 2 w2", "Prune Sync 9 w1"],
    );
    let target = object("ConfigMap", "t", &wave(3));
    check(
        std::slice::from_ref(&target),
        &prunes,
        &["PruneLast=true"],
        &[
            "Apply Sync 3 t",
            "Prune Sync 10 w1",
            "Prune Sync 10 w2",
            "Prune Sync 10 w9",
        ],
    );
}

#[test]
fn hooks_have_phases() {
    let hook = |name: &str, phases: &str| object("batch/v1/Job", name, &json!({HOOK: phases}));
    check(
        &[
            hook("after", "PostSync"),
            hook("both", "PreSync,PostSync"),
            hook("never", "Skip"),
            object(
                "batch/v1/Job",
                "helm",
                &json!({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-2"}),
            ),
            object("ConfigMap", "c", &json!({})),
        ],
        &[],
        &[],
        &[
            "Hook PreSync -2 helm",
            "Hook PreSync 0 both",
            "Apply Sync 0 c",
            "Hook PostSync 0 after",
            "Hook PostSync 0 both",
        ],
    );
}

#[test]
fn a_partial_sync_takes_what_is_selected() {
    let selection = [ResourceSelector {
        kind: "ConfigMap".into(),
        name: "a".into(),
        ..ResourceSelector::default()
    }];
    let targets = [
        object("ConfigMap", "a", &json!({})),
        object("ConfigMap", "b", &json!({})),
        object("batch/v1/Job", "h", &json!({HOOK: "PreSync"})),
    ];
    let tasks = plan(&PlanInput {
        targets: &targets,
        extraneous: &[],
        options: &[],
        selection: &selection,
        hooks: true,
    });
    assert_eq!(
        tasks.iter().map(|it| it.key.name.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(steps(&tasks).len(), 1);
}
