//! Dependencies between the crates of the house go down only.
//!
//! ```text
//! pave ▶ portal ▶ engines ▶ kit ▶ models ▶ base        road ▶ models, base        pave ▶ local ▶ kit, models, base
//! ```
//!
//! Inside base, models and kit the edges listed here hold and no others; adding one is a decision, made here.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the workspace has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Every edge inside a layer that is allowed.
const DECLARED: &[(&str, &[&str])] = &[
    // base
    ("yaml", &["diagnostic"]),
    // kit
    ("runtime", &[]),
    ("keys", &["runtime"]),
    ("store", &[]),
    ("auth", &["keys", "runtime", "store"]),
    ("journal", &["store"]),
    ("git", &["runtime"]),
    ("hosts", &["git"]),
    ("kube", &["runtime"]),
    ("arm", &[]),
    ("config", &[]),
    ("devops", &["auth"]),
];

/// What each layer may import of other layers.
const BELOW: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("models", &["base"]),
    ("kit", &["models", "base"]),
    ("engines", &["kit", "models", "base"]),
    ("local", &["kit", "models", "base"]),
    ("road", &["models", "base"]),
    ("portal", &["engines", "road", "kit", "models", "base"]),
    (
        "pave",
        &["portal", "engines", "local", "road", "kit", "models", "base"],
    ),
    ("testkit", &[]),
];

/// A crate of the house.
struct Member {
    /// Name without `pave-`, and without `local-` for a stand-in.
    name: String,
    layer: String,
    dependencies: BTreeSet<String>,
    for_tests: BTreeSet<String>,
}

#[test]
fn every_crate_stands_in_a_known_layer() {
    for member in house().values() {
        assert!(
            BELOW.iter().any(|(layer, _)| *layer == member.layer),
            "{} is in no layer",
            member.name
        );
    }
}

#[test]
fn dependencies_go_down_only() {
    let house = house();
    let mut wrong = Vec::new();
    for (package, member) in &house {
        for dependency in &member.dependencies {
            let other = &house[dependency];
            let allowed = if other.layer == member.layer {
                declared(&member.name).contains(&other.name.as_str())
            } else {
                below(&member.layer).contains(&other.layer.as_str())
            };
            if !allowed {
                wrong.push(format!(
                    "{package} ({}) imports {dependency} ({})",
                    member.layer, other.layer
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "edges that point up, sideways, or are not declared:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn tests_of_the_lower_layers_look_no_higher() {
    let house = house();
    let mut wrong = Vec::new();
    for (package, member) in &house {
        let allowed: &[&str] = match member.layer.as_str() {
            "base" => &["base", "testkit"],
            "models" | "road" => &["models", "base", "testkit"],
            "kit" => &["kit", "models", "base", "testkit"],
            // Engines and stand-ins meet in tests, where one proves the other.
            _ => continue,
        };
        for dependency in &member.for_tests {
            let other = &house[dependency];
            if !allowed.contains(&other.layer.as_str()) {
                wrong.push(format!(
                    "tests of {package} import {dependency} ({})",
                    other.layer
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_program_names_a_stand_in() {
    for (package, member) in &house() {
        let names_one = member.dependencies.iter().any(|it| it.starts_with("pave-local-"));
        assert!(!names_one || package == "pave", "{package} imports a stand-in");
    }
}

#[test]
fn only_tests_use_the_testkit() {
    for (package, member) in &house() {
        assert!(
            !member.dependencies.contains("pave-testkit"),
            "{package} imports the testkit outside tests"
        );
    }
}

#[test]
fn declared_edges_have_no_cycle() {
    let edges: BTreeMap<&str, &[&str]> = DECLARED.iter().copied().collect();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = edges[start].to_vec();
        while let Some(next) = open.pop() {
            assert_ne!(next, *start, "{start} reaches itself");
            if seen.insert(next) {
                open.extend(edges.get(next).copied().unwrap_or_default());
            }
        }
    }
}

#[test]
fn declared_edges_are_in_use() {
    let house = house();
    for (name, others) in DECLARED {
        let member = &house[&format!("pave-{name}")];
        for other in *others {
            assert!(
                member.dependencies.contains(&format!("pave-{other}")),
                "{name} no longer imports {other}"
            );
        }
    }
}

#[test]
fn crates_are_named_for_their_folder() {
    for (package, member) in &house() {
        let expected = match member.layer.as_str() {
            "local" => format!("pave-local-{}", member.name),
            "pave" => "pave".to_owned(),
            _ => format!("pave-{}", member.name),
        };
        assert_eq!(package, &expected);
    }
}

fn declared(name: &str) -> &'static [&'static str] {
    DECLARED
        .iter()
        .find(|(it, _)| *it == name)
        .map_or(&[], |(_, others)| others)
}

fn below(layer: &str) -> &'static [&'static str] {
    BELOW
        .iter()
        .find(|(it, _)| *it == layer)
        .map_or(&[], |(_, layers)| layers)
}

/// Every crate by its package name, as cargo sees the workspace.
fn house() -> BTreeMap<String, Member> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| (text(package, "name"), member(package, &root.join("crates"))))
        .collect()
}

fn member(package: &Value, crates: &Path) -> Member {
    let manifest = text(package, "manifest_path");
    let folder = Path::new(&manifest)
        .parent()
        .unwrap()
        .strip_prefix(crates)
        .unwrap();
    let parts: Vec<String> = folder
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let of_kind = |tests: bool| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies
            .filter(|it| (it["kind"] == "dev") == tests && it["path"].is_string())
            .map(|it| text(it, "name"))
            .collect()
    };
    Member {
        name: parts.last().unwrap().clone(),
        layer: parts[0].clone(),
        dependencies: of_kind(false),
        for_tests: of_kind(true),
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}
