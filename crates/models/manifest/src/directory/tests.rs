use pave_diagnostic::has_errors;

use super::*;

#[test]
fn a_selection_follows_extension_recursion_and_globs() {
    let options = |recurse: bool, include: &str, exclude: &str| DirectoryOptions {
        recurse,
        include: include.into(),
        exclude: exclude.into(),
        ..DirectoryOptions::default()
    };
    let check = |folder: &str, options: &DirectoryOptions, path: &str, expected: bool| {
        assert_eq!(
            Selection::new(folder, Some(options)).selects(path),
            expected,
            "{folder} {path} {options:?}"
        );
    };
    let flat = options(false, "", "");
    check("env/a", &flat, "env/a/x.yaml", true);
    check("env/a", &flat, "env/a/x.yml", true);
    check("env/a", &flat, "env/a/README.md", false);
    check("env/a", &flat, "env/a/deep/x.yaml", false);
    check("env/a", &flat, "env/ab/x.yaml", false);
    check("", &flat, "x.json", true);
    check("env", &options(true, "", ""), "env/a/x.yaml", true);
    check("env", &options(true, "a/*.yaml", ""), "env/a/x.yaml", true);
    check("env", &options(true, "{b,c}/*.yaml", ""), "env/a/x.yaml", false);
    check("env", &options(true, "*", "a/*"), "env/a/x.yaml", false);
}

/// Names of the manifests, then the findings as one line each.
fn check(files: &[(&str, &str)], names: &[&str], findings: &[&str]) -> Rendered {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| SourceFile {
            path,
            bytes: text.as_bytes(),
        })
        .collect();
    let rendered = read(&files);
    let found: Vec<_> = rendered
        .manifests
        .iter()
        .map(|it| crate::name_of(&it.object))
        .collect();
    assert_eq!(found, names);
    let lines: Vec<_> = rendered.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), findings.len(), "{lines:?}");
    for (line, finding) in lines.iter().zip(findings) {
        assert!(line.contains(finding), "{line} lacks {finding}");
    }
    rendered
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ";

#[test]
fn documents_and_lists_become_manifests_in_order() {
    let two = format!("{CONFIG}b1\n---\n---\n{CONFIG}b2\n");
    let list =
        "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n";
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}"#;
    let rendered = check(
        &[("e/b.yaml", &two), ("e/a.json", json), ("e/c.yml", list)],
        &["j", "b1", "b2", "s"],
        &[],
    );
    assert_eq!(
        rendered.manifests[3]
            .document
            .locate_key("/metadata/name")
            .to_string(),
        "e/c.yml:7:5"
    );
}

#[test]
fn a_broken_file_is_named_with_its_place() {
    let rendered = check(
        &[
            (
                "e/bad.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [x\n",
            ),
            ("e/good.yaml", &format!("{CONFIG}g")),
        ],
        &["g"],
        &["e/bad.yaml:"],
    );
    assert!(has_errors(&rendered.diagnostics));
    assert_eq!(rendered.unreadable, ["e/bad.yaml"]);
}

#[test]
fn what_does_not_look_like_an_object_is_passed_over_with_a_warning() {
    let rendered = check(
        &[("e/values.yaml", "replicas: 3\n")],
        &[],
        &["has no `apiVersion`"],
    );
    assert!(!has_errors(&rendered.diagnostics));
    assert_eq!(rendered.unreadable, ["e/values.yaml"]);
    let beside = format!("replicas: 3\n---\n{CONFIG}g");
    let rendered = check(&[("e/values.yaml", &beside)], &["g"], &["has no `apiVersion`"]);
    assert!(has_errors(&rendered.diagnostics));
}

#[test]
fn marked_files_are_skipped_and_names_are_wanted() {
    check(
        &[("e/a.yaml", &format!("# +argocd:skip-file-rendering\n{CONFIG}x"))],
        &[],
        &[],
    );
    check(&[("e/a.yaml", "")], &[], &[]);
    check(
        &[(
            "e/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {a: b}}\n",
        )],
        &[],
        &["e/a.yaml:3:1: metadata.name: the ConfigMap has no name"],
    );
}

#[test]
fn utf_16_is_read() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(format!("{CONFIG}wide").encode_utf16().flat_map(u16::to_le_bytes));
    let rendered = read(&[SourceFile {
        path: "a.yaml",
        bytes: &bytes,
    }]);
    assert_eq!(crate::name_of(&rendered.manifests[0].object), "wide");
}
