//! Refusals of the API server in words that say where and what to change.

use std::sync::LazyLock;

use pave_diagnostic::{Diagnostic, Label, nearest};
use pave_kube::KindsError;
use pave_manifest::directory::Manifest;
use regex::Regex;
use serde_json::Value;

/// What a refusal looks like, wherever the message comes from: Kubernetes' authorizer writes it so.
static FORBIDDEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"User "(?<user>[^"]+)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]+)")?"#,
    )
    .ok()
});

/// Fields that strict decoding did not know: `unknown field "spec.x"`.
static UNKNOWN_FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"unknown field "([^"]+)""#).ok());

/// Where the object came from, and who says how it must look.
#[derive(Clone, Copy, Default)]
pub(crate) struct Blame<'a> {
    /// What was applied.
    pub(crate) manifest: Option<&'a Manifest>,
    /// The CRD of its kind.
    pub(crate) definition: Option<&'a Value>,
}

/// Says why an object could not be written.
///
/// A missing permission names who lacks which rule and who can add it; a field names its place in the file.
pub(crate) fn explain(error: &KindsError, blame: &Blame<'_>) -> String {
    let manifest = blame.manifest;
    match error {
        KindsError::Cluster(kube::Error::Api(status)) if status.code == 403 => {
            forbidden(&status.message).unwrap_or_else(|| status.message.clone())
        }
        KindsError::Cluster(kube::Error::Api(status)) => {
            let found = manifest.map_or_else(Vec::new, |manifest| places(status, manifest, blame.definition));
            if found.is_empty() {
                return match manifest {
                    Some(manifest) => {
                        format!("{}: {}", manifest.document.locate_key("/kind"), status.message)
                    }
                    None => status.message.clone(),
                };
            }
            found
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        }
        KindsError::Unknown(gvk) => {
            let diagnostic = Diagnostic::error(
                "PV1210",
                format!(
                    "the cluster serves no kind `{}` in `{}`",
                    gvk.kind,
                    gvk.api_version()
                ),
            )
            .with_help(
                "check `apiVersion` and `kind`, or install what defines the kind; it is tried again then",
            );
            with_place(diagnostic, manifest, "/kind").to_string()
        }
        other => other.to_string(),
    }
}

fn with_place(diagnostic: Diagnostic, manifest: Option<&Manifest>, pointer: &str) -> Diagnostic {
    match manifest {
        Some(manifest) => diagnostic.with_label(manifest.document.label(pointer)),
        None => diagnostic,
    }
}

fn forbidden(message: &str) -> Option<String> {
    let found = FORBIDDEN.as_ref()?.captures(message)?;
    let (user, verb) = (&found["user"], &found["verb"]);
    let (resource, group) = (&found["resource"], &found["group"]);
    let resource = if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    };
    let (place, role) = match found.name("namespace") {
        Some(namespace) => (format!("namespace `{}`", namespace.as_str()), "Role"),
        None => ("the whole cluster".to_owned(), "ClusterRole"),
    };
    Some(format!(
        "`{user}` may not {verb} `{resource}` in {place}: it lacks a {role} with verb `{verb}` on `{resource}` that is \
         bound to it there; the platform team can add that rule, if this object belongs there [PV1801] ({message})"
    ))
}

/// The fields that a refusal is about, as places in the file.
fn places(status: &kube::core::Status, manifest: &Manifest, definition: Option<&Value>) -> Vec<Diagnostic> {
    let unknown = UNKNOWN_FIELD
        .iter()
        .flat_map(|regex| regex.captures_iter(&status.message));
    let mut found: Vec<_> = unknown
        .map(|captures| unknown_field(&captures[1], manifest, definition))
        .collect();
    let causes = status.details.iter().flat_map(|details| &details.causes);
    for cause in causes.filter(|cause| !cause.field.is_empty() && cause.field != "<nil>") {
        let pointer = pointer_of(&cause.field);
        let message = lower_first(&cause.message);
        found.push(Diagnostic::error("PV1211", message).with_label(label(manifest, &pointer, &cause.field)));
    }
    found.dedup();
    found
}

fn unknown_field(field: &str, manifest: &Manifest, definition: Option<&Value>) -> Diagnostic {
    let pointer = pointer_of(field);
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    let kind = manifest.object["kind"].as_str().unwrap_or_default();
    let found = format!("unknown field `{name}`: the schema of {kind} has no such field");
    let diagnostic = Diagnostic::error("PV1212", found).with_label(label(manifest, &pointer, field));
    let siblings = definition.map_or_else(Vec::new, |definition| known_fields(definition, manifest, parent));
    if let Some(near) = nearest(name, siblings.iter().map(String::as_str)) {
        return diagnostic.with_help(format!("did you mean `{near}`?"));
    }
    if siblings.is_empty() {
        return diagnostic.with_help("correct its name or indentation, or remove it");
    }
    diagnostic.with_help(format!(
        "the schema knows {} there; move or remove it",
        backticked(&siblings)
    ))
}

/// The fields that a CRD's schema knows below a pointer.
fn known_fields(definition: &Value, manifest: &Manifest, parent: &str) -> Vec<String> {
    let version = manifest.object["apiVersion"]
        .as_str()
        .and_then(|it| it.rsplit('/').next())
        .unwrap_or_default();
    let versions = definition["spec"]["versions"].as_array();
    let Some(entry) = versions.into_iter().flatten().find(|it| it["name"] == version) else {
        return Vec::new();
    };
    let mut schema = &entry["schema"]["openAPIV3Schema"];
    for segment in parent.split('/').skip(1) {
        let property = &schema["properties"][segment];
        schema = match (property.is_object(), segment.parse::<usize>()) {
            (true, _) => property,
            (false, Ok(_)) => &schema["items"],
            (false, Err(_)) => &schema["additionalProperties"],
        };
    }
    schema["properties"]
        .as_object()
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default()
}

fn backticked(words: &[String]) -> String {
    let shown: Vec<_> = words.iter().take(12).map(|word| format!("`{word}`")).collect();
    shown.join(", ")
}

fn label(manifest: &Manifest, pointer: &str, field: &str) -> Label {
    Label::at(manifest.document.locate_key(pointer)).with_path(field)
}

/// `spec.a[0].b` as `/spec/a/0/b`.
pub(crate) fn pointer_of(field: &str) -> String {
    let mut pointer = String::from("/");
    let mut quoted = false;
    for character in field.trim_start_matches('.').chars() {
        match character {
            '"' => quoted = !quoted,
            '.' | '[' if !quoted => pointer.push('/'),
            ']' if !quoted => {}
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            it => pointer.push(it),
        }
    }
    pointer
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use pave_manifest::directory::{SourceFile, read};

    use super::*;

    fn manifest() -> Manifest {
        let text = "apiVersion: e.org/v1\nkind: Claim\nmetadata:\n  name: x\nspec:\n  params:\n    dbName: a\n  list:\n  - a: 1\n";
        read(&[SourceFile {
            path: "e/x.yaml",
            bytes: text.as_bytes(),
        }])
        .manifests
        .remove(0)
    }

    fn api_error(code: u16, message: &str) -> KindsError {
        let status = kube::core::Status {
            code,
            message: message.to_owned(),
            ..kube::core::Status::default()
        };
        KindsError::Cluster(kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn a_missing_rule_is_named() {
        let error = api_error(
            403,
            r#"claims.e.org "x" is forbidden: User "system:serviceaccount:team-b:gitops" cannot create resource "claims" in API group "e.org" in the namespace "team-a""#,
        );
        let words = explain(&error, &Blame::default());
        for part in [
            "`system:serviceaccount:team-b:gitops` may not create `claims.e.org` in namespace `team-a`",
            "verb `create`",
            "platform team",
        ] {
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn an_unknown_field_is_found_in_its_file() {
        let error = api_error(
            400,
            r#"strict decoding error: unknown field "spec.params", unknown field "spec.list[0].a""#,
        );
        let words = explain(
            &error,
            &Blame {
                manifest: Some(&manifest()),
                definition: None,
            },
        );
        assert!(
            words.contains("e/x.yaml:6:3: spec.params: unknown field `params`"),
            "{words}"
        );
        assert!(
            words.contains("e/x.yaml:9:5: spec.list[0].a: unknown field `a`"),
            "{words}"
        );
    }

    #[test]
    fn an_unknown_kind_is_found_in_its_file() {
        let gvk = pave_names::GroupVersionKind::from_api_version("e.org/v1", "Claim").unwrap();
        let words = explain(
            &KindsError::Unknown(gvk),
            &Blame {
                manifest: Some(&manifest()),
                definition: None,
            },
        );
        assert!(
            words.starts_with("e/x.yaml:2:1: kind: the cluster serves no kind `Claim`"),
            "{words}"
        );
    }
}
